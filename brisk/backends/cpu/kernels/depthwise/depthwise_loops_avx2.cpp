#include "brisk/backends/cpu/kernels/depthwise/depthwise_loops_body.h"

namespace brisk::cpu {

extern const DepthwiseLoops depthwise_loops_avx2;
const DepthwiseLoops depthwise_loops_avx2 = kDepthwiseLoops;

}  // namespace brisk::cpu
