#pragma once

/// Layers that keras.applications defines for its own architectures: ConvNeXt's LayerScale and
/// StochasticDepth, InceptionResNetV2's CustomScaleLayer.

#include "brisk/nn/layer.h"

namespace brisk {

/// x * gamma along the last axis (Touvron et al. 2021).
struct LayerScale {
  static constexpr std::string_view kKind = "LayerScale";
  double init_values = 1e-6;
  int64_t projection_dim = 1;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("init_values", init_values);
    f("projection_dim", projection_dim);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Drops whole examples in training: the residual branch is passed over (Huang et al. 2016).
struct StochasticDepth {
  static constexpr std::string_view kKind = "StochasticDepth";
  double drop_path_rate = 0;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("drop_path_rate", drop_path_rate);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// The first input plus `scale` times the second.
struct CustomScaleLayer {
  static constexpr std::string_view kKind = "CustomScaleLayer";
  double scale = 1;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("scale", scale);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
