#include "brisk/backends/cpu/kernels/move/transpose_loops_body.h"

namespace brisk::cpu {

extern const TransposeLoops transpose_loops_avx512;
const TransposeLoops transpose_loops_avx512 = kTransposeLoops;

}  // namespace brisk::cpu
