#include "brisk/nn/layers/conv_lstm.h"

#include "brisk/nn/activations.h"
#include "brisk/nn/layers/regularization.h"
#include "brisk/nn/layers/spatial_input.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

/// Brings axis 1 of `x` to the end of its axes, or back with `outwards`: from [batch, steps,
/// channels, spatial...] to [batch, steps, spatial..., channels].
Value with_channels_last(Value x, bool channels_first, bool outwards = false) {
  if (!channels_first) return x;
  std::vector<int64_t> order{0, 1};
  if (outwards) order.push_back(x.rank() - 1);
  for (int64_t axis = outwards ? 2 : 3; axis < x.rank() - (outwards ? 1 : 0); ++axis)
    order.push_back(axis);
  if (!outwards) order.push_back(2);
  return transpose(x, order);
}

/// [batch, steps, ...] to [steps, batch, ...] and back.
Value steps_first(Value x) {
  std::vector<int64_t> order{1, 0};
  for (int64_t axis = 2; axis < x.rank(); ++axis) order.push_back(axis);
  return transpose(x, order);
}

/// Part `gate` of four along the last axis.
Value gate(Value gates, int64_t gate, int64_t filters) {
  return slice_axis(gates, gates.rank() - 1, gate * filters, (gate + 1) * filters);
}

}  // namespace

template <int kRank>
std::vector<Value> ConvLSTM<kRank>::build(LayerContext& context,
                                          std::span<const Value> values) const {
  require(filters > 0, "filters is {}, but must be positive", filters);
  for (size_t i = 1; i < inputs.size(); ++i)
    require(inputs[i] == "inputs" || inputs[i] == "initial_state", "it takes no input '{}'",
            inputs[i]);
  const bool channels_first = data_format == "channels_first";
  require(values[0].rank() == kRank + 3,
          "the input must be [batch, steps, ...] of rank {}, but is {}", kRank + 3,
          values[0].type().to_string());
  Value x = with_channels_last(values[0], channels_first);
  require(!x.shape()[1].is_named(),
          "the number of steps must be known, but is the dimension '{}': give it a size on import",
          x.shape()[1].name());
  const int64_t channels = x.shape().size(x.rank() - 1), gates = 4 * filters;

  LayerPart cell(context, "cell");
  const Value kernel = cell.parameter(
      "kernel", Type(x.dtype(), kernel_shape(kernel_size, channels, gates)), kernel_initializer);
  const Value recurrent_kernel =
      cell.parameter("recurrent_kernel", Type(x.dtype(), kernel_shape(kernel_size, filters, gates)),
                     recurrent_initializer);
  const bool forget = unit_forget_bias && bias_initializer == "zeros";
  const Value bias = use_bias ? cell.parameter("bias", Type(x.dtype(), {gates}),
                                               forget ? "unit_forget_bias" : bias_initializer)
                              : Value();
  if (dropout > 0) {
    Shape same_at_all_steps = x.shape();
    same_at_all_steps[1] = Extent(1);
    x = x * dropout_mask(context, Type(x.dtype(), same_at_all_steps), dropout);
  }

  Builder body(standard_ops(), "step");
  const std::vector<int64_t> ones(kRank, 1);
  const auto convolved = [&](const Value& input, const Value& filter, const std::string& pad,
                             const std::vector<int64_t>& stride,
                             const std::vector<int64_t>& dilation) {
    return convolution(input, filter,
                       convolution_window(input, kernel_size, stride, pad, dilation));
  };
  // The state is as large as the convolution of a step, of which only the shape is used here.
  const Value first = squeeze(slice_axis(x, 1, 0, 1), 1);
  Shape state_shape = convolved(first, kernel, padding, strides, dilation_rate).shape();
  state_shape[kRank + 1] = Extent(filters);
  const Type state_type(x.dtype(), state_shape);

  std::vector<Value> carries, constants = {kernel, recurrent_kernel};
  for (const Value& state : values.subspan(1))
    carries.push_back(to_channels_last(state, kRank, data_format));
  if (carries.empty()) carries.assign(2, zeros(context.builder(), state_type));
  require(carries.size() == 2 && carries[0].type() == state_type && carries[1].type() == state_type,
          "the initial state must be two of {}", state_type.to_string());
  if (use_bias) constants.push_back(bias);
  if (recurrent_dropout > 0) {
    LayerPart part(context, "recurrent");
    constants.push_back(dropout_mask(part, state_type, recurrent_dropout));
  }

  Value h = body.input("h", state_type);
  const Value c = body.input("c", state_type), slice = body.input("x", first.type());
  std::vector<Value> fixed;
  for (const Value& constant : constants)
    fixed.push_back(body.input(fmt::format("constant{}", fixed.size()), constant.type()));
  if (recurrent_dropout > 0) h = h * fixed.back();
  Value sums = convolved(slice, fixed[0], padding, strides, dilation_rate) +
               convolved(h, fixed[1], "same", ones, ones);
  if (use_bias) sums = sums + fixed[2];
  const auto sigma = [&](int64_t g) {
    return brisk::activation(recurrent_activation, gate(sums, g, filters));
  };
  const Value memory =
      sigma(1) * c + sigma(0) * brisk::activation(activation, gate(sums, 2, filters));
  const Value output = sigma(3) * brisk::activation(activation, memory);
  std::vector<Builder::Output> outputs = {{"h", output}, {"c", memory}};
  if (return_sequences) outputs.push_back({"output", output});
  const std::vector<Value> done = scan(carries, std::vector<Value>{steps_first(x)}, constants,
                                       body.finish(outputs), x.shape().size(1), go_backwards);

  std::vector<Value> results;
  if (return_sequences) {
    Value sequence = steps_first(done.back());
    if (go_backwards) sequence = reverse(sequence, {1});
    results.push_back(with_channels_last(sequence, channels_first, true));
  } else {
    results.push_back(from_channels_last(done[0], data_format));
  }
  if (return_state)
    for (size_t i = 0; i < 2; ++i) results.push_back(from_channels_last(done[i], data_format));
  return results;
}

template struct ConvLSTM<1>;
template struct ConvLSTM<2>;
template struct ConvLSTM<3>;

}  // namespace brisk
