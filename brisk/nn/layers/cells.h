#pragma once

/// RNN: a recurrent layer that is told its cell.

#include "brisk/nn/layer.h"

namespace brisk {

/// Runs `cell`, an object {"class_name": ..., "config": {...}} of SimpleRNNCell, LSTMCell, GRUCell
/// or StackedRNNCells, over [batch, steps, features]; what such a layer is called with and gives is
/// that of the recurrent layer of its cell (recurrent.h). Of stacked cells each reads the output of
/// the one before; their states are neither given nor returned.
struct RNN {
  static constexpr std::string_view kKind = "RNN";
  ConfigObject cell = {};
  bool return_sequences = false, return_state = false;
  bool go_backwards = false;  ///< from the last step to the first; sequences come out in that order
  bool zero_output_for_mask = false;     ///< masked steps give zeros rather than the output before
  std::vector<std::string> inputs = {};  ///< of the call: {"inputs", "initial_state", "mask"}
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("cell", cell);
    f("return_sequences", return_sequences);
    f("return_state", return_state);
    f("go_backwards", go_backwards);
    f("zero_output_for_mask", zero_output_for_mask);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> values) const;
};

/// The recurrent layer that runs a cell of this class ("LSTM" for "LSTMCell"); empty where there is
/// none.
std::string_view recurrent_class_of(std::string_view cell_class);
/// What the layer's configuration has and the cell's has not.
inline constexpr std::string_view kSequenceFields[] = {"return_sequences", "return_state",
                                                       "go_backwards", "zero_output_for_mask"};

}  // namespace brisk
