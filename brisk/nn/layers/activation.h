#pragma once

/// Activations with arguments, as layers.

#include "brisk/nn/layer.h"

namespace brisk {

/// x above `threshold`, at most `max_value`; negative_slope * (x - threshold) below it.
struct ReLU {
  static constexpr std::string_view kKind = "ReLU";
  std::optional<double> max_value = std::nullopt;
  double negative_slope = 0;
  double threshold = 0;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("max_value", max_value);
    f("negative_slope", negative_slope);
    f("threshold", threshold);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct LeakyReLU {
  static constexpr std::string_view kKind = "LeakyReLU";
  double negative_slope = 0.3;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("negative_slope", negative_slope);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// A slope below zero that is learnt, one for each place behind the batch; the same along
/// `shared_axes` (1 is the first behind the batch).
struct PReLU {
  static constexpr std::string_view kKind = "PReLU";
  std::string alpha_initializer = "zeros";
  std::vector<int64_t> shared_axes = {};
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("alpha_initializer", alpha_initializer);
    f("shared_axes", shared_axes);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

struct ELU {
  static constexpr std::string_view kKind = "ELU";
  double alpha = 1;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("alpha", alpha);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

/// A second input may be a mask, bool: places where it does not hold get probability 0.
struct Softmax {
  static constexpr std::string_view kKind = "Softmax";
  std::vector<int64_t> axis = {-1};
  std::vector<std::string> inputs = {};  ///< of the call: {"inputs", "mask"}
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("axis", axis);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
  }
  Value build(LayerContext& context, std::span<const Value> values) const;
};

}  // namespace brisk
