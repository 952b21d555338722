#pragma once

/// quantized_convolution and quantized_dot without VNNI: any padding, stride, dilation and groups
/// of one or two spatial axes.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::optional<std::string> refuse_integer_convolution(const KernelRequest& request);
std::unique_ptr<Launch> prepare_integer_convolution(const KernelRequest& request);
std::optional<std::string> refuse_integer_dot(const KernelRequest& request);
std::unique_ptr<Launch> prepare_integer_dot(const KernelRequest& request);

}  // namespace brisk::cpu
