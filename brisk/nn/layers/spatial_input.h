#pragma once

/// What layers over sequences, images and volumes ask of their input and their arguments. They work
/// on [batch, spatial..., channels]; inputs in "channels_first" order are brought to it and back.

#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/builder.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk {

/// `x` as [batch, spatial..., channels]; refused unless it has `spatial_rank` spatial axes and
/// `data_format` is "channels_last" or "channels_first".
Value to_channels_last(Value x, int64_t spatial_rank, const std::string& data_format);
/// `y` in the order of `data_format`.
Value from_channels_last(Value y, const std::string& data_format);

/// Refused unless `values` are `count` positive numbers.
void require_positive(std::string_view argument, const std::vector<int64_t>& values, int64_t count);
/// True for "same", false for "valid"; anything else is refused.
bool is_same_padding(const std::string& padding);
/// Sets pad_low and pad_high as Keras's padding = "same" does. A spatial axis without a size is
/// fine where the stride is 1; refused elsewhere.
void set_same_padding(Value x, const std::vector<int64_t>& window,
                      ConvolutionAttributes& attributes);
/// The number of channels of [batch, spatial..., channels].
int64_t channels_of(Value x);
/// The window of a convolution over x = [batch, spatial..., channels]; padding "valid", "same" or
/// in 1D "causal".
ConvolutionAttributes convolution_window(Value x, const std::vector<int64_t>& kernel_size,
                                         const std::vector<int64_t>& strides,
                                         const std::string& padding,
                                         const std::vector<int64_t>& dilation_rate);
/// [kernel_size..., in, out].
Shape kernel_shape(const std::vector<int64_t>& kernel_size, int64_t in, int64_t out);

}  // namespace brisk
