#pragma once

/// Kernels for reads and writes at positions given as data, and for walks along one axis.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

/// gather and take_along_axis, elements of any type of whole bytes.
std::optional<std::string> refuse_gather(const KernelRequest& request);
std::unique_ptr<Launch> prepare_gather(const KernelRequest& request);

/// scatter_add and put_along_axis_add, any numbers. Duplicates add up in order of appearance,
/// whatever the number of threads; short floats add up in f32 and are rounded once.
std::optional<std::string> refuse_scatter(const KernelRequest& request);
std::unique_ptr<Launch> prepare_scatter(const KernelRequest& request);

/// argmax and argmin, any numbers.
std::optional<std::string> refuse_extreme(const KernelRequest& request);
std::unique_ptr<Launch> prepare_extreme(const KernelRequest& request);

/// cumulative_sum, any numbers; floats add up in f64, integers wrap.
std::optional<std::string> refuse_cumulative_sum(const KernelRequest& request);
std::unique_ptr<Launch> prepare_cumulative_sum(const KernelRequest& request);

}  // namespace brisk::cpu
