#pragma once

/// Convolutions and matrix products of i32, whose sums wrap: what integer models in exact
/// arithmetic become where no library has a kernel. By plain loops.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

/// Of "convolution" and "fused_convolution", with one or two spatial axes.
std::optional<std::string> refuse_i32_convolution(const KernelRequest& request);
std::unique_ptr<Launch> prepare_i32_convolution(const KernelRequest& request);

/// Of "dot_general": [..., k] x [k, n].
std::optional<std::string> refuse_i32_dot(const KernelRequest& request);
std::unique_ptr<Launch> prepare_i32_dot(const KernelRequest& request);

}  // namespace brisk::cpu
