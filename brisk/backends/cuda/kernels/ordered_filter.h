#pragma once

/// Products that read a convolution's filter as [filters, channels], where a node has it in brisk's
/// order.

#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda {

/// `product` behind a transposition of operand 1, a filter [kernel..., channels, filters]: in every
/// step, or once where it never changes. `product` itself where the request's filter is ordered.
std::unique_ptr<Launch> with_ordered_filter(std::unique_ptr<Launch> product,
                                            const KernelRequest& request,
                                            const PrepareContext& context);

}  // namespace brisk::cuda
