#include "brisk/backends/cpu/kernels/integer/integer_loops_body.h"

namespace brisk::cpu {

extern const IntegerLoops integer_loops_avx2;
const IntegerLoops integer_loops_avx2 = kIntegerLoops;

}  // namespace brisk::cpu
