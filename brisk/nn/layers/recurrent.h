#pragma once

/// Recurrent layers over [batch, steps, features]: SimpleRNN, LSTM, GRU. Inputs of a call beside
/// the sequence: the initial state (one or two of [batch, units]) and a mask, bool [batch, steps],
/// at whose false steps state and output stay as they were. Results: the output ([batch, units], or
/// with return_sequences [batch, steps, units]), then with return_state the state.

#include <array>

#include "brisk/nn/layer.h"

namespace brisk {

enum class RecurrentCell {
  /// h' = activation(x kernel + h recurrent_kernel + bias).
  simple,
  /// Long short-term memory (Hochreiter and Schmidhuber 1997): gates in the order input, forget,
  /// cell, output along the kernels' last axis. The state is h, then c.
  lstm,
  /// Gated recurrent unit (Cho et al. 2014): gates in the order update, reset, candidate. With
  /// reset_after the reset gate acts on the product with the recurrent kernel, which then has a
  /// bias
  /// of its own: bias [2, 3 units].
  gru,
};

template <RecurrentCell kCell>
struct Recurrent {
  static constexpr std::string_view kKind =
      std::array{"SimpleRNN", "LSTM", "GRU"}[static_cast<size_t>(kCell)];
  int64_t units = 1;
  std::string activation = "tanh";
  std::string recurrent_activation = "sigmoid";  ///< of the gates
  bool use_bias = true;
  std::string kernel_initializer = "glorot_uniform";
  std::string recurrent_initializer = "orthogonal";
  std::string bias_initializer = "zeros";
  bool unit_forget_bias = true;  ///< of LSTM: the forget gate's bias begins as 1
  bool reset_after = true;       ///< of GRU
  double dropout = 0;            ///< of the features, the same at all steps
  double recurrent_dropout = 0;  ///< of the state, the same at all steps
  bool return_sequences = false, return_state = false;
  bool go_backwards = false;  ///< from the last step to the first; sequences come out in that order
  bool zero_output_for_mask = false;     ///< masked steps give zeros rather than the output before
  std::vector<std::string> inputs = {};  ///< of the call: {"inputs", "initial_state", "mask"}
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("units", units);
    f("activation", activation);
    if constexpr (kCell != RecurrentCell::simple) f("recurrent_activation", recurrent_activation);
    f("use_bias", use_bias);
    f("kernel_initializer", kernel_initializer);
    f("recurrent_initializer", recurrent_initializer);
    f("bias_initializer", bias_initializer);
    if constexpr (kCell == RecurrentCell::lstm) f("unit_forget_bias", unit_forget_bias);
    if constexpr (kCell == RecurrentCell::gru) f("reset_after", reset_after);
    f("dropout", dropout);
    f("recurrent_dropout", recurrent_dropout);
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
using SimpleRNN = Recurrent<RecurrentCell::simple>;
using LSTM = Recurrent<RecurrentCell::lstm>;
using GRU = Recurrent<RecurrentCell::gru>;

}  // namespace brisk
