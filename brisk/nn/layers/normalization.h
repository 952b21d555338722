#pragma once

/// BatchNormalization and LayerNormalization.

#include "brisk/nn/layer.h"

namespace brisk {

/// Over the last axis. Statistics are f32.
struct BatchNormalization {
  static constexpr std::string_view kKind = "BatchNormalization";
  double momentum = 0.99;
  double epsilon = 1e-3;
  bool center = true, scale = true;
  std::string beta_initializer = "zeros";
  std::string gamma_initializer = "ones";
  std::string moving_mean_initializer = "zeros";
  std::string moving_variance_initializer = "ones";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("momentum", momentum);
    f("epsilon", epsilon);
    f("center", center);
    f("scale", scale);
    f("beta_initializer", beta_initializer);
    f("gamma_initializer", gamma_initializer);
    f("moving_mean_initializer", moving_mean_initializer);
    f("moving_variance_initializer", moving_variance_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// Over `axis` (negative counts from the end).
struct LayerNormalization {
  static constexpr std::string_view kKind = "LayerNormalization";
  std::vector<int64_t> axis = {-1};
  double epsilon = 1e-3;
  bool center = true, scale = true;
  std::string beta_initializer = "zeros";
  std::string gamma_initializer = "ones";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("axis", axis);
    f("epsilon", epsilon);
    f("center", center);
    f("scale", scale);
    f("beta_initializer", beta_initializer);
    f("gamma_initializer", gamma_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
