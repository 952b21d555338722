#pragma once

/// brisk's own CPU kernels.

#include <vector>

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

/// In order of preference within each op. They come before oneDNN's and refuse where those were
/// measured to be faster.
std::vector<OpKernel> own_kernels();
/// The same kernels where they can run at all, behind oneDNN's: for what oneDNN refuses, and for
/// builds without it. Kernels that never refuse for speed are in the first list only.
std::vector<OpKernel> own_late_kernels();

}  // namespace brisk::cpu
