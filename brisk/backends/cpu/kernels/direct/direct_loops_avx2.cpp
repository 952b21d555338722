#include "brisk/backends/cpu/kernels/direct/direct_loops_body.h"

namespace brisk::cpu {

extern const DirectLoops direct_loops_avx2;
const DirectLoops direct_loops_avx2 = kDirectLoops;

}  // namespace brisk::cpu
