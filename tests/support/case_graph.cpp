#include "tests/support/case_graph.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "brisk/base/error.h"
#include "brisk/base/philox.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"

namespace brisk::testing {
namespace {

/// One of the values where formulas break.
double draw_limit(DType type, PhiloxSequence& random) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double largest = type == DType::f64   ? std::numeric_limits<double>::max()
                         : type == DType::f16 ? 65504
                                              : std::numeric_limits<float>::max();
  const std::array<double, 7> limits = {
      0.0,     -0.0,    kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN(),
      largest, -largest};
  return limits[random.next_below(limits.size())];
}

double draw_float(const CaseOperand& operand, DType type, PhiloxSequence& random) {
  if (operand.limits && random.next_below(8) == 0) return draw_limit(type, random);
  const auto near_kink = [&](double value) {
    return std::any_of(operand.kinks.begin(), operand.kinks.end(),
                       [&](double kink) { return std::abs(value - kink) < 0.05; });
  };
  while (true) {
    const double value = operand.low + (operand.high - operand.low) * random.next_unit();
    if (operand.whole) return std::floor(value);
    if (!near_kink(value)) return value;
  }
}

/// The lowest or the highest bit pattern of an integer type.
void set_limit(Tensor& tensor, int64_t index, bool highest) {
  dispatch(tensor.dtype(), [&]<typename T>() {
    if constexpr (std::is_integral_v<T>)
      tensor.data<T>()[static_cast<size_t>(index)] =
          highest ? std::numeric_limits<T>::max() : std::numeric_limits<T>::lowest();
  });
}

void draw_integer(const CaseOperand& operand, PhiloxSequence& random, Tensor& tensor,
                  int64_t index) {
  if (operand.limits && random.next_below(8) == 0)
    return set_limit(tensor, index, random.next_below(2) == 1);
  const double low = is_signed(tensor.dtype()) ? operand.low : std::max(operand.low, 0.0);
  const double high = std::max(operand.high, low);
  tensor.set(index, std::floor(low + (high - low + 1) * random.next_unit()));
}

Tensor draw(const CaseOperand& operand, DType type, PhiloxSequence& random) {
  Tensor tensor(type, operand.sizes);
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    if (is_floating(type))
      tensor.set(i, draw_float(operand, type, random));
    else
      draw_integer(operand, random, tensor, i);
  }
  return tensor;
}

}  // namespace

Graph case_graph(const OpCase& op_case, DType type) {
  Builder builder(standard_ops(), op_case.op);
  std::vector<Value> operands;
  for (const CaseOperand& operand : op_case.operands)
    operands.push_back(builder.input(fmt::format("operand{}", operands.size()),
                                     Type(operand.type.value_or(type), Shape(operand.sizes))));
  const std::vector<Value> results = op_case.build(builder, operands);
  std::vector<Builder::Output> outputs;
  for (const Value& result : results)
    outputs.push_back({fmt::format("result{}", outputs.size()), result});
  return builder.finish(outputs);
}

std::optional<Graph> projected(const Graph& graph) {
  Builder builder(graph.ops(), graph.name());
  std::vector<Value> inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i)
    inputs.push_back(builder.input(graph.input_name(i), graph.input_type(i)));
  const std::vector<Value> outputs = builder.inline_graph(graph, inputs);
  Value total;
  for (size_t k = 0; k < outputs.size(); ++k) {
    if (!is_floating(outputs[k].dtype())) continue;
    const Value weight = builder.input(fmt::format("weight{}", k), outputs[k].type());
    const Value part = reduce_sum(outputs[k] * weight);
    total = total.defined() ? total + part : part;
  }
  if (!total.defined()) return std::nullopt;
  return builder.finish({{"projection", total}});
}

std::vector<Tensor> case_values(const OpCase& op_case, DType type) {
  PhiloxSequence random(key_of(op_case.op + "/" + op_case.name));
  std::vector<Tensor> tensors;
  for (const CaseOperand& operand : op_case.operands)
    tensors.push_back(draw(operand, operand.type.value_or(type), random));
  return tensors;
}

std::vector<Tensor> weights_for(const Graph& graph, size_t first, uint64_t key) {
  PhiloxSequence random(key);
  std::vector<Tensor> weights;
  for (size_t i = first; i < graph.inputs().size(); ++i) {
    const Type& type = graph.input_type(i);
    Tensor& weight = weights.emplace_back(type.dtype(), type.shape().sizes());
    for (int64_t e = 0; e < weight.num_elements(); ++e) weight.set(e, 2 * random.next_unit() - 1);
  }
  return weights;
}

uint64_t key_of(std::string_view text) {
  uint64_t key = 0xcbf29ce484222325ull;
  for (const char c : text) key = (key ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return key;
}

}  // namespace brisk::testing
