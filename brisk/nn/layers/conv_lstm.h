#pragma once

/// LSTM whose products are convolutions (Shi et al. 2015), over sequences of sequences, images or
/// volumes: [batch, steps, spatial..., channels].

#include <array>

#include "brisk/nn/layer.h"

namespace brisk {

/// kernel [spatial..., channels, 4 filters] and recurrent_kernel [spatial..., filters, 4 filters],
/// gates in the order input, forget, cell, output. The state h, then c, has the size of the input's
/// convolution. Results: the output ([batch, spatial..., filters], or with return_sequences
/// [batch, steps, spatial..., filters]), then with return_state the state.
template <int kRank>
struct ConvLSTM {
  static constexpr std::string_view kKind =
      std::array{"ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"}[kRank - 1];
  int64_t filters = 1;
  std::vector<int64_t> kernel_size = std::vector<int64_t>(kRank, 3);
  std::vector<int64_t> strides = std::vector<int64_t>(kRank, 1);
  std::string padding = "valid";
  std::string data_format = "channels_last";
  std::vector<int64_t> dilation_rate = std::vector<int64_t>(kRank, 1);
  std::string activation = "tanh";
  std::string recurrent_activation = "sigmoid";  ///< of the gates
  bool use_bias = true;
  std::string kernel_initializer = "glorot_uniform";
  std::string recurrent_initializer = "orthogonal";
  std::string bias_initializer = "zeros";
  bool unit_forget_bias = true;  ///< the forget gate's bias begins as 1
  double dropout = 0;            ///< of the input's channels and places, the same at all steps
  double recurrent_dropout = 0;  ///< of the state, the same at all steps
  bool return_sequences = false, return_state = false;
  bool go_backwards = false;  ///< from the last step to the first; sequences come out in that order
  std::vector<std::string> inputs = {};  ///< of the call: {"inputs", "initial_state"}
  std::string name = "";

  template <typename F>
  void fields(F&& f) {
    f("filters", filters);
    f("kernel_size", kernel_size);
    f("strides", strides);
    f("padding", padding);
    f("data_format", data_format);
    f("dilation_rate", dilation_rate);
    f("activation", activation);
    f("recurrent_activation", recurrent_activation);
    f("use_bias", use_bias);
    f("kernel_initializer", kernel_initializer);
    f("recurrent_initializer", recurrent_initializer);
    f("bias_initializer", bias_initializer);
    f("unit_forget_bias", unit_forget_bias);
    f("dropout", dropout);
    f("recurrent_dropout", recurrent_dropout);
    f("return_sequences", return_sequences);
    f("return_state", return_state);
    f("go_backwards", go_backwards);
  }
  template <typename F>
  void call_fields(F&& f) {
    f("inputs", inputs);
  }
  std::vector<Value> build(LayerContext& context, std::span<const Value> values) const;
};
using ConvLSTM1D = ConvLSTM<1>;
using ConvLSTM2D = ConvLSTM<2>;
using ConvLSTM3D = ConvLSTM<3>;

}  // namespace brisk
