#include "brisk/backends/cpu/kernels/winograd/winograd_loops_body.h"

namespace brisk::cpu {

extern const WinogradLoops winograd_loops_avx512;
const WinogradLoops winograd_loops_avx512 = kWinogradLoops;

}  // namespace brisk::cpu
