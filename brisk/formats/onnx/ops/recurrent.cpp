#include <numeric>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/source/source.h"

// RNN, GRU and LSTM: one scan over time a direction. The input's share of the gates is one matrix
// product before the scan; inside it there is only the recurrent one. Sequences shorter than the
// longest keep their state and give zeros after their end; a backward pass begins at their own end.

namespace brisk::onnx {
namespace {

struct Activation {
  std::string name;
  double alpha = 0, beta = 0;
};

Value activated(Value x, const Activation& f) {
  const auto full = [&](double value) { return filled(*x.builder, x.dtype(), x.shape(), value); };
  if (f.name == "Sigmoid") return sigmoid(x);
  if (f.name == "Tanh") return tanh(x);
  if (f.name == "Relu") return maximum(x, full(0));
  if (f.name == "Affine") return x * f.alpha + f.beta;
  if (f.name == "LeakyRelu") return select(less(x, full(0)), x * f.alpha, x);
  if (f.name == "ThresholdedRelu") return select(greater_equal(x, full(f.alpha)), x, full(0));
  if (f.name == "ScaledTanh") return tanh(x * f.beta) * f.alpha;
  if (f.name == "HardSigmoid") return clamp(x * f.alpha + f.beta, 0, 1);
  if (f.name == "Elu") return select(less(x, full(0)), expm1(x) * f.alpha, x);
  if (f.name == "Softsign") return x / (1.0 + abs(x));
  if (f.name == "Softplus") return softplus(x);
  refuse("the activation '{}' is not known", f.name);
}

double default_alpha(const std::string& name) {
  if (name == "LeakyRelu") return 0.01;
  if (name == "HardSigmoid") return 0.2;
  return 1;
}
double default_beta(const std::string& name) {
  return name == "HardSigmoid" ? 0.5 : name == "ScaledTanh" ? 1 : 0;
}

/// What the three have in common.
struct Layer {
  Call& c;
  int64_t gates, hidden, directions, steps, batch;
  bool batch_first;
  std::vector<Activation> activations;
  double clip;

  Layer(Call& call, int64_t gate_count, std::vector<std::string> defaults)
      : c(call),
        gates(gate_count),
        batch_first(call.integer("layout", 0) != 0),
        clip(call.real("clip", 0)) {
    directions = size_of(c.in(2), 0);
    hidden = c.integer("hidden_size", size_of(c.in(2), 2));
    const Value x = c.in(0);
    require(x.rank() == 3 && size_of(c.in(2), 2) == hidden && size_of(c.in(1), 1) == gates * hidden,
            "its weights {} and {} do not fit {} gates of {} units", c.in(1).shape().to_string(),
            c.in(2).shape().to_string(), gates, hidden);
    steps = size_of(x, batch_first ? 1 : 0);
    batch = size_of(x, batch_first ? 0 : 1);
    std::vector<std::string> names = c.texts("activations");
    if (names.empty())
      for (int64_t d = 0; d < directions; ++d)
        names.insert(names.end(), defaults.begin(), defaults.end());
    const std::vector<float> alphas = c.reals("activation_alpha"),
                             betas = c.reals("activation_beta");
    size_t next_alpha = 0, next_beta = 0;
    for (const std::string& name : names) {
      Activation f{name, default_alpha(name), default_beta(name)};
      const bool takes_alpha = name != "Sigmoid" && name != "Tanh" && name != "Relu" &&
                               name != "Softsign" && name != "Softplus";
      const bool takes_beta = name == "Affine" || name == "ScaledTanh" || name == "HardSigmoid";
      if (takes_alpha && next_alpha < alphas.size()) f.alpha = alphas[next_alpha++];
      if (takes_beta && next_beta < betas.size()) f.beta = betas[next_beta++];
      activations.push_back(f);
    }
    require(activations.size() >= defaults.size() * static_cast<size_t>(directions),
            "it names {} activations", activations.size());
    per_direction_ = defaults.size();
  }

  /// [steps, batch, inputs].
  Value input() const { return batch_first ? transpose(c.in(0), {1, 0, 2}) : c.in(0); }
  /// Of direction d: [gates * hidden, ...] or whatever input i holds.
  Value of(size_t i, int64_t d) const { return squeeze(slice_axis(c.in(i), 0, d, d + 1), 0); }
  Value initial(size_t i, int64_t d) const {
    if (!c.has(i)) return filled(c.builder(), c.in(0).dtype(), {Extent(batch), Extent(hidden)}, 0);
    const Value all = batch_first ? transpose(c.in(i), {1, 0, 2}) : c.in(i);
    return squeeze(slice_axis(all, 0, d, d + 1), 0);
  }
  bool backward(int64_t d) const {
    const std::string direction = c.text("direction", "forward");
    return direction == "reverse" || (direction == "bidirectional" && d == 1);
  }
  const Activation& activation(int64_t d, size_t i) const {
    return activations[static_cast<size_t>(d) * per_direction_ + i];
  }
  Value limited(Value x) const { return clip > 0 ? clamp(x, -clip, clip) : x; }

 private:
  size_t per_direction_ = 0;
};

Value gate(Value all, int64_t i, int64_t hidden) {
  return slice_axis(all, all.rank() - 1, i * hidden, (i + 1) * hidden);
}

/// One direction: `step(states, share, constants)` gives the next states, of which the first is the
/// output. Returns the outputs [steps, batch, hidden] and the last states.
struct Run {
  Value outputs;
  std::vector<Value> states;
};
using Step = std::function<std::vector<Value>(std::vector<Value> states, Value share,
                                              const std::vector<Value>& constants)>;

Run run(const Layer& layer, int64_t d, Value share, std::vector<Value> states,
        const std::vector<Value>& constants, const Step& step) {
  Call& c = layer.c;
  const bool masked = c.has(4);
  std::vector<Value> sequences = {share};
  if (masked) {  // [steps, batch, 1]: whether a step lies inside the sequence
    const Shape shape{Extent(layer.steps), Extent(layer.batch), Extent(1)};
    const Value at = iota(c.builder(), DType::i64, shape, 0);
    const Value length = broadcast_to(
        reshape(cast(c.in(4), DType::i64), {Extent(1), Extent(layer.batch), Extent(1)}), shape);
    sequences.push_back(less(at, length));
  }
  Builder body(c.builder().ops(), "step");
  const auto inputs_like = [&](const std::vector<Value>& values, bool slices) {
    std::vector<Value> inputs;
    for (const Value& value : values) {
      Shape shape = value.shape();
      if (slices) shape = Shape(std::vector<Extent>(shape.begin() + 1, shape.end()));
      inputs.push_back(
          body.input(fmt::format("in{}", body.num_nodes()), Type(value.dtype(), shape)));
    }
    return inputs;
  };
  const std::vector<Value> old = inputs_like(states, false), slices = inputs_like(sequences, true),
                           fixed = inputs_like(constants, false);
  std::vector<Value> next = step(old, slices[0], fixed);
  Value output = next[0];
  if (masked) {
    const Value inside = broadcast_to(slices[1], output.shape());
    output = select(inside, output, filled(body, output.dtype(), output.shape(), 0));
    for (size_t i = 0; i < next.size(); ++i) next[i] = select(inside, next[i], old[i]);
  }
  std::vector<Builder::Output> outputs;
  for (const Value& value : next)
    outputs.push_back({fmt::format("state{}", outputs.size()), value});
  outputs.push_back({"output", output});
  const Graph graph = body.finish(outputs);
  const std::vector<Value> results =
      scan(states, sequences, constants, graph, layer.steps, layer.backward(d));
  return {results.back(), {results.begin(), results.end() - 1}};
}

void give(const Layer& layer, const std::vector<Run>& runs) {
  Call& c = layer.c;
  std::vector<Value> outputs;
  for (const Run& run : runs) outputs.push_back(expand_dims(run.outputs, 1));
  const Value y = outputs.size() == 1
                      ? outputs[0]
                      : concatenate(outputs, 1);  // [steps, directions, batch, hidden]
  if (c.wants(0)) c.out(0, layer.batch_first ? transpose(y, {2, 0, 1, 3}) : y);
  for (size_t s = 0; s < runs[0].states.size(); ++s) {
    if (!c.wants(s + 1)) continue;
    std::vector<Value> last;
    for (const Run& run : runs) last.push_back(expand_dims(run.states[s], 0));
    const Value joined = last.size() == 1 ? last[0] : concatenate(last, 0);
    c.out(s + 1, layer.batch_first ? transpose(joined, {1, 0, 2}) : joined);
  }
}

/// x W^T + both biases (the recurrent one only for the gates that `recurrent_bias` names).
Value input_share(const Layer& layer, int64_t d, bool with_recurrent_bias) {
  Call& c = layer.c;
  Value share = matmul(layer.input(), transpose(layer.of(1, d), {1, 0}));
  if (!c.has(3)) return share;
  const Value bias = layer.of(3, d);
  const int64_t width = layer.gates * layer.hidden;
  share = share + slice_axis(bias, 0, 0, width);
  return with_recurrent_bias ? share + slice_axis(bias, 0, width, 2 * width) : share;
}

void rnn(Call& c) {
  const Layer layer(c, 1, {"Tanh"});
  std::vector<Run> runs;
  for (int64_t d = 0; d < layer.directions; ++d)
    runs.push_back(run(
        layer, d, input_share(layer, d, true), {layer.initial(5, d)},
        {transpose(layer.of(2, d), {1, 0})},
        [&](const std::vector<Value>& states, Value share, const std::vector<Value>& constants) {
          return std::vector<Value>{activated(
              layer.limited(share + matmul(states[0], constants[0])), layer.activation(d, 0))};
        }));
  give(layer, runs);
}

void gru(Call& c) {
  const Layer layer(c, 3, {"Sigmoid", "Tanh"});
  const bool before = c.integer("linear_before_reset", 0) != 0;
  const int64_t hidden = layer.hidden;
  std::vector<Run> runs;
  for (int64_t d = 0; d < layer.directions; ++d) {
    const Value recurrent = transpose(layer.of(2, d), {1, 0});  // [hidden, 3 * hidden], gates z r h
    Value bias = filled(c.builder(), recurrent.dtype(), {Extent(3 * hidden)}, 0);
    if (c.has(3)) bias = slice_axis(layer.of(3, d), 0, 3 * hidden, 6 * hidden);
    runs.push_back(run(
        layer, d, input_share(layer, d, false), {layer.initial(5, d)}, {recurrent, bias},
        [&](const std::vector<Value>& states, Value share, const std::vector<Value>& constants) {
          const Value h = states[0];
          const Value w_gates = slice_axis(constants[0], 1, 0, 2 * hidden),
                      w_hidden = slice_axis(constants[0], 1, 2 * hidden, 3 * hidden);
          const Value b_gates = slice_axis(constants[1], 0, 0, 2 * hidden),
                      b_hidden = slice_axis(constants[1], 0, 2 * hidden, 3 * hidden);
          const Value both = slice_axis(share, 1, 0, 2 * hidden) + matmul(h, w_gates) + b_gates;
          const Value z = activated(layer.limited(gate(both, 0, hidden)), layer.activation(d, 0));
          const Value r = activated(layer.limited(gate(both, 1, hidden)), layer.activation(d, 0));
          const Value candidate =
              before ? r * (matmul(h, w_hidden) + b_hidden) : matmul(r * h, w_hidden) + b_hidden;
          const Value n =
              activated(layer.limited(gate(share, 2, hidden) + candidate), layer.activation(d, 1));
          return std::vector<Value>{(1.0 - z) * n + z * h};
        }));
  }
  give(layer, runs);
}

void lstm(Call& c) {
  const Layer layer(c, 4, {"Sigmoid", "Tanh", "Tanh"});
  const int64_t hidden = layer.hidden;
  const bool coupled = c.integer("input_forget", 0) != 0;
  std::vector<Run> runs;
  for (int64_t d = 0; d < layer.directions; ++d) {
    std::vector<Value> constants = {transpose(layer.of(2, d), {1, 0})};  // gates i o f c
    if (c.has(7)) constants.push_back(layer.of(7, d));                   // peepholes i o f
    runs.push_back(run(
        layer, d, input_share(layer, d, true), {layer.initial(5, d), layer.initial(6, d)},
        constants,
        [&](const std::vector<Value>& states, Value share, const std::vector<Value>& given) {
          const Value all = share + matmul(states[0], given[0]);
          const Value cell = states[1];
          const auto with_peephole = [&](int64_t g, int64_t p, Value seen) {
            Value x = gate(all, g, hidden);
            if (given.size() > 1)
              x = x + slice_axis(given[1], 0, p * hidden, (p + 1) * hidden) * seen;
            return layer.limited(x);
          };
          const Value i = activated(with_peephole(0, 0, cell), layer.activation(d, 0));
          const Value f =
              coupled ? 1.0 - i : activated(with_peephole(2, 2, cell), layer.activation(d, 0));
          const Value g = activated(layer.limited(gate(all, 3, hidden)), layer.activation(d, 1));
          const Value next = f * cell + i * g;
          const Value o = activated(with_peephole(1, 1, next), layer.activation(d, 0));
          return std::vector<Value>{o * activated(next, layer.activation(d, 2)), next};
        }));
  }
  give(layer, runs);
}

constexpr OpRow kRecurrentRows[] = {{"RNN", rnn}, {"GRU", gru}, {"LSTM", lstm}};

}  // namespace

std::span<const OpRow> recurrent_ops() {
  return kRecurrentRows;
}

}  // namespace brisk::onnx
