#pragma once

/// Winograd convolution in f32, NHWC: 3x3, stride 1, channels and filters in multiples of 16, any
/// padding or cropping. F(4x4, 3x3) with F(2x2, 3x3) at the far edges.
///
/// Results differ from the direct sum by rounding alone, but by more of it: the transforms add
/// numbers up to ten times as large as the result. The error stays below 1e-5 of the largest
/// element. A non-finite input element spoils its whole tile, not just the results it enters.
///
/// The batch is cut into blocks of tile rows whose transformed tensors stay in the caches; each
/// thread has blocks of its own. Partition and order of summation depend on the shapes and on the
/// number of threads alone.

#include "brisk/backends/cpu/kernel.h"
#include "brisk/backends/cpu/kernels/convolution_case.h"

namespace brisk::cpu {

/// The forms of the ops that this kernel takes, and where it pays.
std::optional<std::string> refuse_winograd(const KernelRequest& request);
/// For "convolution", "fused_convolution" and both gradients.
std::unique_ptr<Launch> prepare_winograd(const KernelRequest& request);

std::unique_ptr<Launch> make_winograd_forward(const ConvolutionCase& c,
                                              const KernelRequest& request);
std::unique_ptr<Launch> make_winograd_input_gradient(const ConvolutionCase& c,
                                                     const KernelRequest& request);
std::unique_ptr<Launch> make_winograd_filter_gradient(const ConvolutionCase& c,
                                                      const KernelRequest& request);

}  // namespace brisk::cpu
