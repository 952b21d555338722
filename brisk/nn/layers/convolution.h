#pragma once

/// Conv2D and DepthwiseConv2D, channels last.

#include "brisk/nn/layer.h"

namespace brisk {

/// kernel [height, width, channels / groups, filters].
struct Conv2D {
  static constexpr std::string_view kKind = "Conv2D";
  int64_t filters = 1;
  std::vector<int64_t> kernel_size = {3, 3};
  std::vector<int64_t> strides = {1, 1};
  std::string padding = "valid";  ///< "valid" or "same"
  std::vector<int64_t> dilation_rate = {1, 1};
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
    f("dilation_rate", dilation_rate);
    f("groups", groups);
    f("activation", activation);
    f("use_bias", use_bias);
    f("kernel_initializer", kernel_initializer);
    f("bias_initializer", bias_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// kernel [height, width, channels, depth_multiplier]; output channel c * multiplier + m.
struct DepthwiseConv2D {
  static constexpr std::string_view kKind = "DepthwiseConv2D";
  std::vector<int64_t> kernel_size = {3, 3};
  std::vector<int64_t> strides = {1, 1};
  std::string padding = "valid";
  int64_t depth_multiplier = 1;
  std::vector<int64_t> dilation_rate = {1, 1};
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
    f("dilation_rate", dilation_rate);
    f("activation", activation);
    f("use_bias", use_bias);
    f("depthwise_initializer", depthwise_initializer);
    f("bias_initializer", bias_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Pads the two spatial axes by zeros: {{top, bottom}, {left, right}} as four numbers.
struct ZeroPadding2D {
  static constexpr std::string_view kKind = "ZeroPadding2D";
  std::vector<int64_t> padding = {1, 1, 1, 1};
  std::string name = "";

  template <typename F>
  void fields(F&& f) { f("padding", padding); }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
