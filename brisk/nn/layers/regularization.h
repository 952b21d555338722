#pragma once

/// Layers that only training notices. The dropouts keep a random key of their own, which advances
/// every training step. Noise layers are the identity: brisk adds none in training either, which an
/// import says.

#include <array>

#include "brisk/nn/layer.h"

namespace brisk {

/// `noise_shape`: axes of size 1 are dropped as a whole; 0 or None: the input's extent.
struct Dropout {
  static constexpr std::string_view kKind = "Dropout";
  double rate = 0.5;
  std::vector<std::optional<int64_t>> noise_shape = {};
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("rate", rate);
    f("noise_shape", noise_shape);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Drops whole channels: one draw for each example and channel.
template <int kRank>
struct SpatialDropout {
  static constexpr std::string_view kKind =
      std::array{"SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}[kRank - 1];
  double rate = 0.5;
  std::string data_format = "channels_last";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("rate", rate);
    if constexpr (kRank > 1) f("data_format", data_format);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};
using SpatialDropout1D = SpatialDropout<1>;
using SpatialDropout2D = SpatialDropout<2>;
using SpatialDropout3D = SpatialDropout<3>;

struct AlphaDropout {
  static constexpr std::string_view kKind = "AlphaDropout";
  double rate = 0.5;
  std::vector<std::optional<int64_t>> noise_shape = {};
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("rate", rate);
    f("noise_shape", noise_shape);
  }
  Value build(LayerContext&, std::span<const Value> inputs) const { return inputs[0]; }
};

struct GaussianDropout {
  static constexpr std::string_view kKind = "GaussianDropout";
  double rate = 0.5;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("rate", rate);
  }
  Value build(LayerContext&, std::span<const Value> inputs) const { return inputs[0]; }
};

struct GaussianNoise {
  static constexpr std::string_view kKind = "GaussianNoise";
  double stddev = 1;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("stddev", stddev);
  }
  Value build(LayerContext&, std::span<const Value> inputs) const { return inputs[0]; }
};

struct ActivityRegularization {
  static constexpr std::string_view kKind = "ActivityRegularization";
  double l1 = 0, l2 = 0;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("l1", l1);
    f("l2", l2);
  }
  Value build(LayerContext&, std::span<const Value> inputs) const { return inputs[0]; }
};

/// A key of the layer's own that is another one in each step of training.
Value advancing_key(LayerContext& context);
/// Zeros and 1 / (1 - rate) in training, else ones: of `shape`, by the layer's own key.
Value dropout_mask(LayerContext& context, const Type& type, double rate);

}  // namespace brisk
