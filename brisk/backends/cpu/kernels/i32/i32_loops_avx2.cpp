#include "brisk/backends/cpu/kernels/i32/i32_loops_body.h"

namespace brisk::cpu {

extern const I32Loops i32_loops_avx2;
const I32Loops i32_loops_avx2 = i32_rows;

}  // namespace brisk::cpu
