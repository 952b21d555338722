#pragma once

/// Normalisations: over the batch, over axes of one example, over groups of channels.

#include "brisk/nn/layer.h"

namespace brisk {

/// Over all axes but `axis` (one; negative counts from the end). Statistics are f32.
struct BatchNormalization {
  static constexpr std::string_view kKind = "BatchNormalization";
  int64_t axis = -1;
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
    f("axis", axis);
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

/// Over each of `groups` parts of the channels `axis` and all axes but the batch; -1 groups: one a
/// channel.
struct GroupNormalization {
  static constexpr std::string_view kKind = "GroupNormalization";
  int64_t groups = 32;
  int64_t axis = -1;
  double epsilon = 1e-3;
  bool center = true, scale = true;
  std::string beta_initializer = "zeros";
  std::string gamma_initializer = "ones";
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("groups", groups);
    f("axis", axis);
    f("epsilon", epsilon);
    f("center", center);
    f("scale", scale);
    f("beta_initializer", beta_initializer);
    f("gamma_initializer", gamma_initializer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// x / sqrt(mean(x^2) + epsilon) * scale along `axis`.
struct RMSNormalization {
  static constexpr std::string_view kKind = "RMSNormalization";
  std::vector<int64_t> axis = {-1};
  double epsilon = 1e-6;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("axis", axis);
    f("epsilon", epsilon);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// x / |x| along `axis`.
struct UnitNormalization {
  static constexpr std::string_view kKind = "UnitNormalization";
  std::vector<int64_t> axis = {-1};
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("axis", axis);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
