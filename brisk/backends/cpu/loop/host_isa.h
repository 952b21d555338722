#pragma once

/// The instruction set that loops are compiled for here.

#include "brisk/backends/cpu/loop/loop_plan.h"
#include "brisk/base/error.h"

namespace brisk {

/// The best that this processor has, or what $BRISK_CPU_ISA ("avx2", "avx512") asks for. Fails on
/// processors without AVX2 and FMA, and when the one asked for is unknown or absent.
Result<VectorIsa> host_isa();

}  // namespace brisk
