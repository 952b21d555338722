#include "brisk/backends/cpu/kernels/direct/direct_loops_body.h"

namespace brisk::cpu {

extern const DirectLoops direct_loops_avx512;
const DirectLoops direct_loops_avx512 = kDirectLoops;

}  // namespace brisk::cpu
