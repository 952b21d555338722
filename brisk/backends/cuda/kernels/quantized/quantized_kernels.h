#pragma once

/// The kernels of quantized_convolution and quantized_dot. Sums of 8-bit products are exact, and
/// what follows rounds as the ops say: results are those of plain evaluation to the last bit.

#include "brisk/backends/cuda/kernels/quantized/quantized_problem.h"

namespace brisk::cuda {

/// On tensor cores: why not.
std::optional<std::string> refuse_integer_product(const KernelRequest& request);
std::unique_ptr<Launch> prepare_integer_product(const KernelRequest& request,
                                                const PrepareContext& context);
/// Of everything that `quantized_problem` takes.
std::unique_ptr<Launch> prepare_plain_quantized(const KernelRequest& request,
                                                const PrepareContext& context);

std::vector<OpKernel> quantized_kernels();

}  // namespace brisk::cuda
