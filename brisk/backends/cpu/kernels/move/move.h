#pragma once

/// Kernels for the ops that rearrange elements of any type of whole bytes: transpose, slice,
/// reverse, broadcast, concatenate, pad, dynamic_slice and dynamic_update_slice; and
/// unpack_integers.

#include "brisk/backends/cpu/kernel.h"

namespace brisk::cpu {

std::optional<std::string> refuse_move(const KernelRequest& request);
/// transpose, slice, reverse, broadcast: one box read through strides.
std::unique_ptr<Launch> prepare_strided_read(const KernelRequest& request);
std::unique_ptr<Launch> prepare_concatenate(const KernelRequest& request);
std::unique_ptr<Launch> prepare_pad(const KernelRequest& request);
std::unique_ptr<Launch> prepare_dynamic_slice(const KernelRequest& request);
std::unique_ptr<Launch> prepare_dynamic_update_slice(const KernelRequest& request);
std::optional<std::string> refuse_unpack_integers(const KernelRequest& request);
std::unique_ptr<Launch> prepare_unpack_integers(const KernelRequest& request);

}  // namespace brisk::cpu
