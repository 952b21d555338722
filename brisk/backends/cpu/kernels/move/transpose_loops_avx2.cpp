#include "brisk/backends/cpu/kernels/move/transpose_loops_body.h"

namespace brisk::cpu {

extern const TransposeLoops transpose_loops_avx2;
const TransposeLoops transpose_loops_avx2 = kTransposeLoops;

}  // namespace brisk::cpu
