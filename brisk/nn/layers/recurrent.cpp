// A recurrent layer is one product of the whole sequence with the input kernel, then a scan over
// the steps whose body multiplies the state with the recurrent kernel and applies the gates.

#include "brisk/nn/layers/recurrent.h"

#include <functional>

#include "brisk/nn/activations.h"
#include "brisk/nn/layers/masked.h"
#include "brisk/nn/layers/regularization.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

/// The parameters of a cell, as values of the layer's region.
struct CellWeights {
  Value kernel, recurrent_kernel;
  Value input_bias, recurrent_bias;  ///< undefined where there is none
};

/// One step: from the features times the input kernel (bias included), the state, and the recurrent
/// kernel and bias, the new state; its first part is the output.
using CellStep = std::function<std::vector<Value>(Value projected, std::span<const Value> state,
                                                  Value recurrent_kernel, Value recurrent_bias)>;

struct CallInputs {
  Value sequence, mask;
  std::vector<Value> initial_state;
};

CallInputs sort_inputs(std::span<const Value> values, const std::vector<std::string>& names) {
  CallInputs sorted;
  require(names.empty() || names.size() == values.size(), "{} inputs are given, but {} are named",
          values.size(), names.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string role = names.empty() ? (i == 0 ? "inputs" : "initial_state") : names[i];
    // A list of inputs is the sequence and its initial state.
    if (role == "inputs" && !sorted.sequence.defined())
      sorted.sequence = values[i];
    else if (role == "inputs" || role == "initial_state")
      sorted.initial_state.push_back(values[i]);
    else if (role == "mask")
      sorted.mask = as_mask(values[i]);
    else
      refuse("a recurrent layer takes no input '{}'", role);
  }
  require(sorted.sequence.defined(), "the sequence is missing");
  return sorted;
}

template <RecurrentCell kCell>
CellWeights cell_weights(LayerContext& context, const Recurrent<kCell>& options, const Value& x,
                         int64_t gates, bool two_biases, const std::string& bias_initializer) {
  LayerPart cell(context, "cell");
  const int64_t units = options.units, features = x.shape().size(x.rank() - 1);
  CellWeights weights;
  weights.kernel = cell.parameter("kernel", Type(x.dtype(), {features, gates * units}),
                                  options.kernel_initializer);
  weights.recurrent_kernel = cell.parameter(
      "recurrent_kernel", Type(x.dtype(), {units, gates * units}), options.recurrent_initializer);
  if (!options.use_bias) return weights;
  if (!two_biases) {
    weights.input_bias = cell.parameter("bias", Type(x.dtype(), {gates * units}), bias_initializer);
    return weights;
  }
  const Value bias = cell.parameter("bias", Type(x.dtype(), {2, gates * units}), bias_initializer);
  weights.input_bias = squeeze(slice_axis(bias, 0, 0, 1), 0);
  weights.recurrent_bias = squeeze(slice_axis(bias, 0, 1, 2), 0);
  return weights;
}

/// Runs `step` over the sequence; `state_size` parts of [batch, units].
template <RecurrentCell kCell>
std::vector<Value> run_cell(LayerContext& context, const Recurrent<kCell>& options,
                            const CallInputs& inputs, const CellWeights& weights, size_t state_size,
                            const CellStep& step) {
  Value x = inputs.sequence;
  const int64_t steps = x.shape().size(1);
  const Type state_type(x.dtype(), {x.shape()[0], options.units});
  if (options.dropout > 0)
    x = x *
        dropout_mask(context, Type(x.dtype(), {x.shape()[0], 1, x.shape()[2]}), options.dropout);
  Value projected = dot_general(x, weights.kernel, {.lhs_contract = {2}, .rhs_contract = {0}});
  if (weights.input_bias.defined()) projected = projected + weights.input_bias;
  std::vector<Value> carries = inputs.initial_state;
  if (carries.empty())
    for (size_t i = 0; i < state_size; ++i) carries.push_back(zeros(context.builder(), state_type));
  require(carries.size() == state_size, "the initial state has {} parts, but must have {}",
          carries.size(), state_size);
  for (const Value& carry : carries)
    require(carry.type() == state_type, "the initial state must be {}, but is {}",
            state_type.to_string(), carry.type().to_string());

  std::vector<Value> sequences = {transpose(projected, {1, 0, 2})},
                     constants = {weights.recurrent_kernel};
  if (inputs.mask.defined()) {
    sequences.push_back(transpose(inputs.mask, {1, 0}));
    carries.push_back(zeros(context.builder(), state_type));  // the output so far
  }
  if (weights.recurrent_bias.defined()) constants.push_back(weights.recurrent_bias);
  if (options.recurrent_dropout > 0) {
    LayerPart part(context, "recurrent");
    constants.push_back(dropout_mask(part, state_type, options.recurrent_dropout));
  }

  Builder body(standard_ops(), "step");
  std::vector<Value> before, slices, fixed;
  for (const Value& carry : carries)
    before.push_back(body.input(fmt::format("carry{}", before.size()), carry.type()));
  slices.push_back(
      body.input("features", Type(x.dtype(), {projected.shape()[0], projected.shape()[2]})));
  if (inputs.mask.defined())
    slices.push_back(body.input("mask", Type(DType::boolean, {x.shape()[0]})));
  for (const Value& constant : constants)
    fixed.push_back(body.input(fmt::format("constant{}", fixed.size()), constant.type()));
  std::vector<Value> state(before.begin(),
                           before.begin() + static_cast<std::ptrdiff_t>(state_size));
  if (options.recurrent_dropout > 0) state[0] = state[0] * fixed.back();
  std::vector<Value> after =
      step(slices[0], state, fixed[0], weights.recurrent_bias.defined() ? fixed[1] : Value());
  Value output = after[0];
  if (inputs.mask.defined()) {
    const Value keep = broadcast(slices[1], state_type.shape(), {0});
    output = select(keep, output, before.back());
    for (size_t i = 0; i < state_size; ++i) after[i] = select(keep, after[i], before[i]);
    after.push_back(output);
  }
  std::vector<Builder::Output> outputs;
  for (const Value& value : after)
    outputs.push_back({fmt::format("carry{}", outputs.size()), value});
  if (inputs.mask.defined() && options.zero_output_for_mask)
    output = select(broadcast(slices[1], state_type.shape(), {0}), output, zeros(body, state_type));
  if (options.return_sequences) outputs.push_back({"output", output});
  const std::vector<Value> done =
      scan(carries, sequences, constants, body.finish(outputs), steps, options.go_backwards);

  std::vector<Value> results;
  if (options.return_sequences) {
    Value sequence = transpose(done.back(), {1, 0, 2});
    if (options.go_backwards) sequence = reverse(sequence, {1});
    results.push_back(sequence);
  } else {
    results.push_back(done[inputs.mask.defined() ? state_size : 0]);
  }
  if (options.return_state)
    results.insert(results.end(), done.begin(),
                   done.begin() + static_cast<std::ptrdiff_t>(state_size));
  return results;
}

/// Part `gate` of [batch, gates * units].
Value gate(Value gates, int64_t gate, int64_t units) {
  return slice_axis(gates, 1, gate * units, (gate + 1) * units);
}

std::vector<Value> simple_step(const SimpleRNN& layer, Value projected, Value h,
                               Value recurrent_kernel) {
  return {activation(layer.activation, projected + matmul(h, recurrent_kernel))};
}

std::vector<Value> lstm_step(const LSTM& layer, Value projected, Value h, Value c,
                             Value recurrent_kernel) {
  const Value gates = projected + matmul(h, recurrent_kernel);
  const auto sigma = [&](int64_t g) {
    return activation(layer.recurrent_activation, gate(gates, g, layer.units));
  };
  const Value memory =
      sigma(1) * c + sigma(0) * activation(layer.activation, gate(gates, 2, layer.units));
  return {sigma(3) * activation(layer.activation, memory), memory};
}

std::vector<Value> gru_step(const GRU& layer, Value projected, Value h, Value recurrent_kernel,
                            Value recurrent_bias) {
  const int64_t units = layer.units;
  const auto sigma = [&](Value x) { return activation(layer.recurrent_activation, x); };
  Value z, candidate;
  if (layer.reset_after) {
    Value recurrent = matmul(h, recurrent_kernel);
    if (recurrent_bias.defined()) recurrent = recurrent + recurrent_bias;
    z = sigma(gate(projected, 0, units) + gate(recurrent, 0, units));
    const Value r = sigma(gate(projected, 1, units) + gate(recurrent, 1, units));
    candidate = gate(projected, 2, units) + r * gate(recurrent, 2, units);
  } else {
    const Value recurrent = matmul(h, slice_axis(recurrent_kernel, 1, 0, 2 * units));
    z = sigma(gate(projected, 0, units) + gate(recurrent, 0, units));
    const Value r = sigma(gate(projected, 1, units) + gate(recurrent, 1, units));
    candidate = gate(projected, 2, units) + matmul(r * h, gate(recurrent_kernel, 2, units));
  }
  return {z * h + (1 - z) * activation(layer.activation, candidate)};
}

}  // namespace

template <RecurrentCell kCell>
std::vector<Value> Recurrent<kCell>::build(LayerContext& context,
                                           std::span<const Value> values) const {
  constexpr int64_t kGates = kCell == RecurrentCell::lstm ? 4 : kCell == RecurrentCell::gru ? 3 : 1;
  const CallInputs call = sort_inputs(values, inputs);
  const Value x = call.sequence;
  require(units > 0, "units is {}, but must be positive", units);
  require(x.rank() == 3, "the input must be [batch, steps, features], but is {}",
          x.type().to_string());
  require(!x.shape()[1].is_named(),
          "the number of steps must be known, but is the dimension '{}': give it a size on import",
          x.shape()[1].name());
  const bool forget = kCell == RecurrentCell::lstm && unit_forget_bias &&
                      (bias_initializer == "zeros" || bias_initializer == "Zeros");
  const CellWeights weights =
      cell_weights(context, *this, x, kGates, kCell == RecurrentCell::gru && reset_after,
                   forget ? "unit_forget_bias" : bias_initializer);
  return run_cell(context, *this, call, weights, kCell == RecurrentCell::lstm ? 2 : 1,
                  [&](Value projected, std::span<const Value> state, Value kernel,
                      [[maybe_unused]] Value bias) {
                    if constexpr (kCell == RecurrentCell::simple)
                      return simple_step(*this, projected, state[0], kernel);
                    else if constexpr (kCell == RecurrentCell::lstm)
                      return lstm_step(*this, projected, state[0], state[1], kernel);
                    else
                      return gru_step(*this, projected, state[0], kernel, bias);
                  });
}

template struct Recurrent<RecurrentCell::simple>;
template struct Recurrent<RecurrentCell::lstm>;
template struct Recurrent<RecurrentCell::gru>;

}  // namespace brisk
