#pragma once

/// The form of the pointwise product for Hopper (compute capability 9.0): several times the
/// products of the other one in the same time, and copies that keep memory busier.

#include "brisk/backends/cuda/kernels/pointwise_product.h"

namespace brisk::cuda {

/// Why this form can't run such a product on the device, or is the slower one; nothing when it is
/// to be taken. What pointwise_product.h asks of all forms is given.
std::optional<std::string> refuse_warpgroup_product(const PointwiseProduct& product,
                                                    const DeviceProperties& device);

/// Where it has fewer tiles than the device has multiprocessors; nothing where it fills them.
std::optional<std::string> refuse_few_tiles(const PointwiseProduct& product,
                                            const DeviceProperties& device);

std::unique_ptr<Launch> make_warpgroup_product(const PointwiseProduct& product,
                                               const KernelRequest& request,
                                               const PrepareContext& context);

}  // namespace brisk::cuda
