#include "brisk/backends/cpu/kernels/weight_only/weight_only_loops_body.h"

namespace brisk::cpu {

extern const WeightOnlyLoops weight_only_loops_avx512;
const WeightOnlyLoops weight_only_loops_avx512 = kWeightOnlyLoops;

}  // namespace brisk::cpu
