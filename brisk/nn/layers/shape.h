#pragma once

/// Layers that only rearrange: Flatten, Reshape, Permute, RepeatVector, and along the spatial axes
/// ZeroPadding, Cropping, UpSampling.

#include <array>
#include <type_traits>

#include "brisk/nn/layer.h"

namespace brisk {

/// [batch, ...] to [batch, product of the rest].
struct Flatten {
  static constexpr std::string_view kKind = "Flatten";
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// [batch, ...] to [batch, target_shape...]; one extent may be -1.
struct Reshape {
  static constexpr std::string_view kKind = "Reshape";
  std::vector<int64_t> target_shape;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("target_shape", target_shape);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Axis i + 1 of the result is axis dims[i] of the input; the batch, axis 0, stays.
struct Permute {
  static constexpr std::string_view kKind = "Permute";
  std::vector<int64_t> dims;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("dims", dims);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// [batch, features] to [batch, n, features].
struct RepeatVector {
  static constexpr std::string_view kKind = "RepeatVector";
  int64_t n = 1;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("n", n);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Elements at each edge of each spatial axis: {before, after} in 1D, else such a pair an axis.
template <int kRank>
using Edges =
    std::conditional_t<kRank == 1, std::vector<int64_t>, std::vector<std::vector<int64_t>>>;

template <int kRank>
Edges<kRank> one_at_each_edge() {
  if constexpr (kRank == 1)
    return {1, 1};
  else
    return Edges<kRank>(kRank, {1, 1});
}

/// Zeros around the spatial axes.
template <int kRank>
struct ZeroPadding {
  static constexpr std::string_view kKind =
      std::array{"ZeroPadding1D", "ZeroPadding2D", "ZeroPadding3D"}[kRank - 1];
  Edges<kRank> padding = one_at_each_edge<kRank>();
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("padding", padding);
    f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using ZeroPadding1D = ZeroPadding<1>;
using ZeroPadding2D = ZeroPadding<2>;
using ZeroPadding3D = ZeroPadding<3>;

/// Drops elements at the edges of the spatial axes.
template <int kRank>
struct Cropping {
  static constexpr std::string_view kKind =
      std::array{"Cropping1D", "Cropping2D", "Cropping3D"}[kRank - 1];
  Edges<kRank> cropping = one_at_each_edge<kRank>();
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("cropping", cropping);
    if constexpr (kRank > 1) f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using Cropping1D = Cropping<1>;
using Cropping2D = Cropping<2>;
using Cropping3D = Cropping<3>;

/// Each spatial axis `size` times as long: by repeating elements, or in 2D by the interpolation
/// that is named ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5").
template <int kRank>
struct UpSampling {
  static constexpr std::string_view kKind =
      std::array{"UpSampling1D", "UpSampling2D", "UpSampling3D"}[kRank - 1];
  std::vector<int64_t> size = std::vector<int64_t>(kRank, 2);
  std::string data_format = "channels_last";
  std::string interpolation = "nearest";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    if constexpr (kRank == 1)
      f("size", size.at(0));  // Keras's is a number there
    else
      f("size", size);
    if constexpr (kRank > 1) f("data_format", data_format);
    if constexpr (kRank == 2) f("interpolation", interpolation);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using UpSampling1D = UpSampling<1>;
using UpSampling2D = UpSampling<2>;
using UpSampling3D = UpSampling<3>;

}  // namespace brisk
