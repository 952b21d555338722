#pragma once

/// Layers around a layer, which their configuration holds as {"class_name": ..., "config": {...}}.

#include "brisk/nn/layer.h"

namespace brisk {

/// A recurrent layer in both directions. merge_mode: "concat", "sum", "mul", "ave", or None: both
/// results.
struct Bidirectional {
  static constexpr std::string_view kKind = "Bidirectional";
  ConfigObject layer;
  std::string merge_mode = "concat";
  ConfigObject backward_layer = {};      ///< empty: `layer` the other way round
  std::vector<std::string> inputs = {};  ///< of the call: {"inputs", "initial_state", "mask"}
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("layer", layer);
    f("merge_mode", merge_mode);
    f("backward_layer", backward_layer);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> values) const;
};

/// The layer applied to each step of [batch, steps, ...].
struct TimeDistributed {
  static constexpr std::string_view kKind = "TimeDistributed";
  ConfigObject layer;
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("layer", layer);
  }
  Value build(LayerContext& context, std::span<const Value> inputs) const;
};

}  // namespace brisk
