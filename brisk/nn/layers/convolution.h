#pragma once

/// Convolutions over sequences (1D), images (2D) and volumes (3D): plain, depthwise, separable and
/// transposed.

#include <array>

#include "brisk/nn/layer.h"

namespace brisk {

/// kernel [spatial..., channels / groups, filters]. padding: "valid", "same", in 1D also "causal".
template <int kRank>
struct Convolution {
  static constexpr std::string_view kKind = std::array{"Conv1D", "Conv2D", "Conv3D"}[kRank - 1];
  int64_t filters = 1;
  std::vector<int64_t> kernel_size = std::vector<int64_t>(kRank, 3);
  std::vector<int64_t> strides = std::vector<int64_t>(kRank, 1);
  std::string padding = "valid";
  std::string data_format = "channels_last";
  std::vector<int64_t> dilation_rate = std::vector<int64_t>(kRank, 1);
  int64_t groups = 1;
  std::string activation = "";
  bool use_bias = true;
  std::string kernel_initializer = "glorot_uniform";
  std::string bias_initializer = "zeros";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("filters", filters);
    f("kernel_size", kernel_size);
    f("strides", strides);
    f("padding", padding);
    f("data_format", data_format);
    f("dilation_rate", dilation_rate);
    f("groups", groups);
    f("activation", activation);
    f("use_bias", use_bias);
    f("kernel_initializer", kernel_initializer);
    f("bias_initializer", bias_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using Conv1D = Convolution<1>;
using Conv2D = Convolution<2>;
using Conv3D = Convolution<3>;

/// kernel [spatial..., channels, depth_multiplier]; output channel c * multiplier + m.
template <int kRank>
struct DepthwiseConvolution {
  static constexpr std::string_view kKind =
      std::array{"DepthwiseConv1D", "DepthwiseConv2D"}[kRank - 1];
  std::vector<int64_t> kernel_size = std::vector<int64_t>(kRank, 3);
  std::vector<int64_t> strides = std::vector<int64_t>(kRank, 1);
  std::string padding = "valid";
  int64_t depth_multiplier = 1;
  std::string data_format = "channels_last";
  std::vector<int64_t> dilation_rate = std::vector<int64_t>(kRank, 1);
  std::string activation = "";
  bool use_bias = true;
  std::string depthwise_initializer = "glorot_uniform";
  std::string bias_initializer = "zeros";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("kernel_size", kernel_size);
    f("strides", strides);
    f("padding", padding);
    f("depth_multiplier", depth_multiplier);
    f("data_format", data_format);
    f("dilation_rate", dilation_rate);
    f("activation", activation);
    f("use_bias", use_bias);
    f("depthwise_initializer", depthwise_initializer);
    f("bias_initializer", bias_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using DepthwiseConv1D = DepthwiseConvolution<1>;
using DepthwiseConv2D = DepthwiseConvolution<2>;

/// A depthwise convolution, then a 1x1 convolution to `filters` channels.
template <int kRank>
struct SeparableConvolution {
  static constexpr std::string_view kKind =
      std::array{"SeparableConv1D", "SeparableConv2D"}[kRank - 1];
  int64_t filters = 1;
  std::vector<int64_t> kernel_size = std::vector<int64_t>(kRank, 3);
  std::vector<int64_t> strides = std::vector<int64_t>(kRank, 1);
  std::string padding = "valid";
  std::string data_format = "channels_last";
  std::vector<int64_t> dilation_rate = std::vector<int64_t>(kRank, 1);
  int64_t depth_multiplier = 1;
  std::string activation = "";
  bool use_bias = true;
  std::string depthwise_initializer = "glorot_uniform";
  std::string pointwise_initializer = "glorot_uniform";
  std::string bias_initializer = "zeros";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("filters", filters);
    f("kernel_size", kernel_size);
    f("strides", strides);
    f("padding", padding);
    f("data_format", data_format);
    f("dilation_rate", dilation_rate);
    f("depth_multiplier", depth_multiplier);
    f("activation", activation);
    f("use_bias", use_bias);
    f("depthwise_initializer", depthwise_initializer);
    f("pointwise_initializer", pointwise_initializer);
    f("bias_initializer", bias_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using SeparableConv1D = SeparableConvolution<1>;
using SeparableConv2D = SeparableConvolution<2>;

/// The gradient of a convolution as a layer; kernel [spatial..., filters, channels]. An axis of
/// size n becomes n * stride ("same") or n * stride + max(reach - stride, 0) ("valid"), where reach
/// = (kernel_size - 1) * dilation_rate + 1, unless output_padding says otherwise.
template <int kRank>
struct TransposedConvolution {
  static constexpr std::string_view kKind =
      std::array{"Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"}[kRank - 1];
  int64_t filters = 1;
  std::vector<int64_t> kernel_size = std::vector<int64_t>(kRank, 3);
  std::vector<int64_t> strides = std::vector<int64_t>(kRank, 1);
  std::string padding = "valid";
  std::vector<int64_t> output_padding = {};
  std::string data_format = "channels_last";
  std::vector<int64_t> dilation_rate = std::vector<int64_t>(kRank, 1);
  std::string activation = "";
  bool use_bias = true;
  std::string kernel_initializer = "glorot_uniform";
  std::string bias_initializer = "zeros";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("filters", filters);
    f("kernel_size", kernel_size);
    f("strides", strides);
    f("padding", padding);
    f("output_padding", output_padding);
    f("data_format", data_format);
    f("dilation_rate", dilation_rate);
    f("activation", activation);
    f("use_bias", use_bias);
    f("kernel_initializer", kernel_initializer);
    f("bias_initializer", bias_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using Conv1DTranspose = TransposedConvolution<1>;
using Conv2DTranspose = TransposedConvolution<2>;
using Conv3DTranspose = TransposedConvolution<3>;

}  // namespace brisk
