#include "brisk/formats/onnx/canonical/formulas.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "brisk/formats/onnx/canonical/match.h"
#include "brisk/formats/onnx/canonical/own_ops.h"
#include "brisk/ir/rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/splat.h"
#include "brisk/ops/standard.h"
#include "brisk/passes/simplify.h"

// A formula of short floats is computed in f32 and rounded once, as the op is. It is matched in the
// form in which `simplify` leaves it.

namespace brisk::onnx {
namespace {

constexpr int64_t kNever = INT64_MAX;

struct Formula {
  std::string_view op;
  int64_t since;           ///< the opset that has the op itself
  std::string_view root;   ///< the formula's last op, and the op that makes one of its operands:
  std::string_view inner;  ///< what is worth a closer look
  size_t num_inputs;
  Value (*own)(std::span<const Value> x);
  Value (*formula)(std::span<const Value> x);
};

Value number(const Value& like, double value) {
  return broadcast_to(like.builder->scalar(like.dtype(), value), like.shape());
}

Value gelu_by_erf(std::span<const Value> x) {
  return x[0] * 0.5 * (erf(x[0] * std::sqrt(0.5)) + 1.0);
}
Value gelu_by_tanh(std::span<const Value> x) {
  const Value cube = x[0] * x[0] * x[0];
  return x[0] * 0.5 * (tanh((x[0] + cube * 0.044715) * std::sqrt(2 / std::acos(-1.0))) + 1.0);
}

/// ONNX has the arc tangent of a quotient only: the half plane is told by the signs.
Value atan2_by_quotient(std::span<const Value> operands) {
  const Value &y = operands[0], &x = operands[1];
  const Value zero = number(y, 0), angle = atan2(y / x, number(y, 1));
  const Value half = select(less(y, zero), number(y, -std::acos(-1.0)), number(y, std::acos(-1.0)));
  const Value turned = select(less(x, zero), angle + half, angle);
  return select(logical_and(equal(x, zero), equal(y, zero)), zero, turned);
}

Value finite_by_comparing(std::span<const Value> x) {
  const double infinity = std::numeric_limits<double>::infinity();
  return logical_not(logical_or(
      logical_or(equal(x[0], number(x[0], infinity)), equal(x[0], number(x[0], -infinity))),
      not_equal(x[0], x[0])));
}

constexpr Formula kFormulas[] = {
    {"is_finite", kNever, "logical_not", "logical_or", 1,
     [](std::span<const Value> x) { return is_finite(x[0]); }, finite_by_comparing},
    {"log1p", kNever, "log", "add", 1, [](std::span<const Value> x) { return log1p(x[0]); },
     [](std::span<const Value> x) { return log(x[0] + 1.0); }},
    {"expm1", kNever, "subtract", "exp", 1, [](std::span<const Value> x) { return expm1(x[0]); },
     [](std::span<const Value> x) { return exp(x[0]) - 1.0; }},
    {"atan2", kNever, "select", "logical_and", 2,
     [](std::span<const Value> x) { return atan2(x[0], x[1]); }, atan2_by_quotient},
    {"silu", 24, "multiply", "sigmoid", 1, [](std::span<const Value> x) { return silu(x[0]); },
     [](std::span<const Value> x) { return x[0] * sigmoid(x[0]); }},
    {"mish", 18, "multiply", "tanh", 1, [](std::span<const Value> x) { return mish(x[0]); },
     [](std::span<const Value> x) { return x[0] * tanh(softplus(x[0])); }},
    {"gelu", 20, "multiply", "multiply", 1,
     [](std::span<const Value> x) { return gelu(x[0], false); }, gelu_by_erf},
    {"gelu", 20, "multiply", "multiply", 1,
     [](std::span<const Value> x) { return gelu(x[0], true); }, gelu_by_tanh},
};

/// The formula of operands that may be short.
Value computed(const Formula& row, std::span<const Value> x) {
  const DType type = x[0].dtype();
  std::vector<Value> wide;
  for (const Value& operand : x) wide.push_back(cast(operand, compute_type(type)));
  const Value result = row.formula(wide);
  return result.dtype() == DType::boolean ? result : cast(result, type);
}

Graph over_scalars(const Formula& row, DType type,
                   Value (*make)(const Formula&, std::span<const Value>)) {
  Builder builder(standard_ops(), "formula");
  std::vector<Value> inputs;
  for (size_t i = 0; i < row.num_inputs; ++i)
    inputs.push_back(builder.input(fmt::format("x{}", i), Type(type, Shape())));
  return builder.finish({{"y", make(row, inputs)}});
}

/// What the operands of a formula may be that gives this type.
std::vector<DType> operand_types(DType result) {
  if (is_floating(result)) return {result};
  return {DType::f32, DType::f64, DType::f16, DType::bf16};  // of comparisons
}

/// Whether the row is about this node, attributes included.
bool is_about(const Formula& row, const Node& node) {
  if (row.op != node.op->name) return false;
  const DType type = node.results[0].dtype();
  const Graph own =
      over_scalars(row, is_floating(type) ? type : DType::f32,
                   [](const Formula& f, std::span<const Value> x) { return f.own(x); });
  return own.node(own.outputs()[0].value.node).attributes == node.attributes;
}

}  // namespace

Graph written_out(const Graph& graph, int64_t opset) {
  return rewrite(graph,
                 [opset](Builder&, const Node& node, NodeId,
                         std::span<const Value> x) -> std::optional<std::vector<Value>> {
                   if (node.op->name == "atan2" && splat(x[1]) == 1.0) return std::nullopt;  // Atan
                   for (const Formula& row : kFormulas)
                     if (row.since > opset && is_about(row, node))
                       return std::vector<Value>{computed(row, x)};
                   return std::nullopt;
                 });
}

const Graph& FormulaReader::formula(size_t row, DType type) {
  Graph& graph = formulas_[{row, type}];
  if (!graph.defined())
    graph = simplify(by_rules(simplify(over_scalars(kFormulas[row], type, computed))));
  return graph;
}

std::optional<Value> FormulaReader::read(Builder& builder, const Node& node,
                                         std::span<const Value> operands) {
  const DType type = node.results[0].dtype();
  const auto made_by = [&](const Node& reader, std::string_view op) {
    return std::any_of(reader.operands.begin(), reader.operands.end(),
                       [&](ValueId x) { return builder.node(x.node).op->name == op; });
  };
  Node last = node;
  last.operands.clear();
  for (const Value& operand : operands) last.operands.push_back(operand.id);
  if (compute_type(type) != type && last.op->name == "cast")
    last = builder.node(last.operands[0].node);
  std::optional<Value> made;  // the node itself, to be looked at; nobody reads it where it is none
  for (size_t row = 0; row < std::size(kFormulas); ++row) {
    const Formula& formula = kFormulas[row];
    if (formula.root != last.op->name || !made_by(last, formula.inner)) continue;
    if (!made) made = builder.emit(*node.op, operands, node.attributes, {})[0];
    for (const DType operand : operand_types(type))
      if (const auto inputs = match(this->formula(row, operand), *made))
        return formula.own(*inputs);
  }
  return std::nullopt;
}

}  // namespace brisk::onnx
