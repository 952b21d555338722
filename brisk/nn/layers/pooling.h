#pragma once

/// Pooling over the spatial axes of sequences (1D), images (2D) and volumes (3D).

#include <array>

#include "brisk/nn/layer.h"

namespace brisk {

template <int kRank>
struct MaxPooling {
  static constexpr std::string_view kKind =
      std::array{"MaxPooling1D", "MaxPooling2D", "MaxPooling3D"}[kRank - 1];
  std::vector<int64_t> pool_size = std::vector<int64_t>(kRank, 2);
  std::vector<int64_t> strides = {};  ///< pool_size when empty
  std::string padding = "valid";
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("pool_size", pool_size);
    f("strides", strides);
    f("padding", padding);
    f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using MaxPooling1D = MaxPooling<1>;
using MaxPooling2D = MaxPooling<2>;
using MaxPooling3D = MaxPooling<3>;

/// Padding does not count: a window over the edge is the mean of what it covers.
template <int kRank>
struct AveragePooling {
  static constexpr std::string_view kKind =
      std::array{"AveragePooling1D", "AveragePooling2D", "AveragePooling3D"}[kRank - 1];
  std::vector<int64_t> pool_size = std::vector<int64_t>(kRank, 2);
  std::vector<int64_t> strides = {};
  std::string padding = "valid";
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("pool_size", pool_size);
    f("strides", strides);
    f("padding", padding);
    f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using AveragePooling1D = AveragePooling<1>;
using AveragePooling2D = AveragePooling<2>;
using AveragePooling3D = AveragePooling<3>;

/// [batch, spatial..., channels] to [batch, channels].
template <int kRank>
struct GlobalMaxPooling {
  static constexpr std::string_view kKind =
      std::array{"GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"}[kRank - 1];
  std::string data_format = "channels_last";
  bool keepdims = false;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("data_format", data_format);
    f("keepdims", keepdims);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using GlobalMaxPooling1D = GlobalMaxPooling<1>;
using GlobalMaxPooling2D = GlobalMaxPooling<2>;
using GlobalMaxPooling3D = GlobalMaxPooling<3>;

/// [batch, spatial..., channels] to [batch, channels]. In 1D a second input may be a mask, bool
/// [batch, steps]: only steps where it holds count.
template <int kRank>
struct GlobalAveragePooling {
  static constexpr std::string_view kKind = std::array{
      "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalAveragePooling3D"}[kRank - 1];
  std::string data_format = "channels_last";
  bool keepdims = false;
  std::vector<std::string> inputs = {};  ///< of the call: {"inputs", "mask"}
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("data_format", data_format);
    f("keepdims", keepdims);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
  }
  Value build(LayerContext& context, std::span<const Value> values) const;
};
using GlobalAveragePooling1D = GlobalAveragePooling<1>;
using GlobalAveragePooling2D = GlobalAveragePooling<2>;
using GlobalAveragePooling3D = GlobalAveragePooling<3>;

}  // namespace brisk
