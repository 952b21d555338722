#include <algorithm>

#include "brisk/nn/einsum.h"
#include "brisk/nn/operations/operation.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

struct Reduction {
  std::vector<int64_t> axes;
  bool keep_dims = false;
};

Reduction reduction(const OperationCall& call) {
  return {call.integers(call.argument(1, "axis")), call.flag_or(call.option("keepdims"), false)};
}

template <Value (*kFunction)(Value, std::vector<int64_t>, bool), bool kFloat = false>
std::vector<Value> reduce(const OperationCall& call) {
  const Reduction r = reduction(call);
  const Value x = call.value(0, "x");
  return {kFunction(kFloat ? as_float(x) : x, r.axes, r.keep_dims)};
}

Value variance(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return reduce_mean(square(x - reduce_mean(x, axes, true)), axes, keep_dims);
}
Value deviation(Value x, std::vector<int64_t> axes, bool keep_dims) {
  return sqrt(variance(x, axes, keep_dims));
}

template <Value (*kFunction)(Value, int64_t)>
std::vector<Value> extreme(const OperationCall& call) {
  Value x = call.value(0, "x");
  const auto axis = call.integer(call.argument(1, "axis"));
  require(axis.has_value(), "[{}] needs an axis", call.name);
  const int64_t at = normalize_axis(*axis, x.rank(), call.name);
  const Value index = kFunction(x, at);
  return {call.flag_or(call.option("keepdims"), false) ? expand_dims(index, at) : index};
}

std::vector<Value> cumulative(const OperationCall& call) {
  const Value x = call.value(0, "x");
  const auto axis = call.integer(call.argument(1, "axis"));
  require(axis.has_value(), "[{}] needs an axis", call.name);
  return {cumulative_sum(x, normalize_axis(*axis, x.rank(), call.name))};
}

std::vector<Value> log_sum_exp_of(const OperationCall& call) {
  const Reduction r = reduction(call);
  require(r.axes.size() == 1, "[{}] works along one axis", call.name);
  return {log_sum_exp(as_float(call.value(0, "x")), r.axes[0], r.keep_dims)};
}

std::vector<Value> norm(const OperationCall& call) {
  const Reduction r{call.integers(call.option("axis")),
                    call.flag_or(call.option("keepdims"), false)};
  const Json order = call.option("ord");
  require(order.is_null() || order == 2 || order == "fro" || order == 1,
          "[{}] ord must be 1, 2 or None", call.name);
  const Value x = as_float(call.value(0, "x"));
  if (order == 1) return {reduce_sum(abs(x), r.axes, r.keep_dims)};
  return {sqrt(reduce_sum(square(x), r.axes, r.keep_dims))};
}

std::vector<Value> normalize(const OperationCall& call) {
  const Value x = as_float(call.value(0, "x"));
  const int64_t axis = call.integer_or(call.option("axis"), -1);
  const double epsilon = call.number_or(call.option("epsilon"), 1e-12);
  return {x * rsqrt(maximum(reduce_sum(square(x), {axis}, true),
                            call.builder.scalar(x.dtype(), epsilon)))};
}

std::vector<Value> product(const OperationCall& call) {
  const auto [a, b] = call.pair("x1", "x2");
  if (a.rank() >= 2 && b.rank() >= 2 && a.rank() != b.rank() && b.rank() != 2) {
    // Leading axes broadcast.
    Value x = a, y = b;
    while (x.rank() < y.rank()) x = expand_dims(x, 0);
    while (y.rank() < x.rank()) y = expand_dims(y, 0);
    Shape left = x.shape(), right = y.shape();
    for (int64_t axis = 0; axis + 2 < x.rank(); ++axis) {
      const Extent joint = left[axis] == Extent(1) ? right[axis] : left[axis];
      left[axis] = joint;
      right[axis] = joint;
    }
    return {matmul(broadcast_to(x, left), broadcast_to(y, right))};
  }
  if (b.rank() == 1)
    return {dot_general(a, b, {.lhs_contract = {a.rank() - 1}, .rhs_contract = {0}})};
  return {matmul(a, b)};
}

std::vector<Value> einsum_of_two(const OperationCall& call) {
  const Json equation = call.option("subscripts");
  require(equation.is_string(), "[{}] has no subscripts", call.name);
  require(call.args.size() == 2, "[{}] takes two operands, not {}", call.name, call.args.size());
  const Value a = as_float(call.value(call.args[0])), b = as_float(call.value(call.args[1]));
  return {einsum(a, b, einsum_letters(equation.get<std::string>(), a.rank(), b.rank()))};
}

/// NumPy's dot: the last axis of the first with the last but one of the second.
std::vector<Value> dot_of(const OperationCall& call) {
  const auto [a, b] = call.pair("x1", "x2");
  if (a.rank() == 0 || b.rank() == 0) return {a * b};
  return {dot_general(
      a, b,
      {.lhs_contract = {a.rank() - 1}, .rhs_contract = {std::max<int64_t>(b.rank() - 2, 0)}})};
}

constexpr Operation kReductionOperations[] = {
    {"Sum", reduce<reduce_sum>},      {"Mean", reduce<reduce_mean, true>},
    {"Max", reduce<reduce_max>},      {"Min", reduce<reduce_min>},
    {"Amax", reduce<reduce_max>},     {"Amin", reduce<reduce_min>},
    {"Prod", reduce<reduce_prod>},    {"Any", reduce<reduce_any>},
    {"All", reduce<reduce_all>},      {"Var", reduce<variance, true>},
    {"Std", reduce<deviation, true>}, {"Argmax", extreme<argmax>},
    {"Argmin", extreme<argmin>},      {"Cumsum", cumulative},
    {"Logsumexp", log_sum_exp_of},    {"Norm", norm},
    {"Normalize", normalize},         {"Matmul", product},
    {"Einsum", einsum_of_two},        {"Dot", dot_of},
};

}  // namespace

std::span<const Operation> reduction_operations() {
  return kReductionOperations;
}

}  // namespace brisk
