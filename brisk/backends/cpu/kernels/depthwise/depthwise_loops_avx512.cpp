#include "brisk/backends/cpu/kernels/depthwise/depthwise_loops_body.h"

namespace brisk::cpu {

extern const DepthwiseLoops depthwise_loops_avx512;
const DepthwiseLoops depthwise_loops_avx512 = kDepthwiseLoops;

}  // namespace brisk::cpu
