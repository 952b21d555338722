#pragma once

/// A convolution in oneDNN's terms: logical sizes [batch, channels, spatial...] over channels-last
/// memory, filters [groups,] filters, channels, kernel... over [kernel..., channels, filters].

#include <dnnl.hpp>
#include <optional>
#include <string>

#include "brisk/backends/cpu/kernel.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk::cpu {

struct ConvolutionShape {
  std::vector<int64_t> input, filter, result;               ///< logical sizes
  dnnl::memory::desc input_desc, filter_desc, result_desc;  ///< over brisk's memory
  dnnl::memory::dims strides, dilations, pad_low, pad_high;
  DType type = DType::f32;         ///< of the input
  DType filter_type = DType::f32;  ///< another one for quantized products
  double flops = 0;

  dnnl::memory::desc any_input() const;
  dnnl::memory::desc any_filter() const;
  dnnl::memory::desc any_result() const;
};

/// Types: of the input [batch, spatial..., channels], the filter and the result as brisk has them.
ConvolutionShape convolution_shape(const Type& input, const Type& filter, const Type& result,
                                   const ConvolutionAttributes& attributes);

/// Why oneDNN can't run a convolution of such sizes; nothing when it can.
std::optional<std::string> refuse_geometry(const Type& input,
                                           const ConvolutionAttributes& attributes);

/// The same, in f32 or bf16.
std::optional<std::string> refuse_convolution(const Type& input,
                                              const ConvolutionAttributes& attributes);

}  // namespace brisk::cpu
