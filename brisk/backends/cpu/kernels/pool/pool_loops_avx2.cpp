#include "brisk/backends/cpu/kernels/pool/pool_loops_body.h"

namespace brisk::cpu {

extern const PoolLoopSet pool_loops_avx2;
const PoolLoopSet pool_loops_avx2 = kPoolLoops;

}  // namespace brisk::cpu
