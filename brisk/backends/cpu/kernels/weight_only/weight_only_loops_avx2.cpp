#include "brisk/backends/cpu/kernels/weight_only/weight_only_loops_body.h"

namespace brisk::cpu {

extern const WeightOnlyLoops weight_only_loops_avx2;
const WeightOnlyLoops weight_only_loops_avx2 = kWeightOnlyLoops;

}  // namespace brisk::cpu
