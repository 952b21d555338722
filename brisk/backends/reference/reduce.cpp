// Reductions: floats accumulate in double and are rounded once, integers wrap in 64 bits.

#include <cmath>
#include <limits>
#include <type_traits>

#include "brisk/backends/reference/elements.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/backends/reference/strided.h"
#include "brisk/base/error.h"
#include "brisk/base/shape.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk::reference {
namespace {

/// The neutral element in type `type`; infinities become an integer type's limits.
Scalar identity_of(const Op& op, DType type) {
  if (is_floating(type)) return {op.identity, 0};
  return dispatch(type, [&]<typename T>() -> Scalar {
    if constexpr (std::is_integral_v<T>) {
      using Limits = std::numeric_limits<T>;
      if (std::isinf(op.identity))
        return {0, static_cast<uint64_t>(op.identity > 0 ? Limits::max() : Limits::lowest())};
    }
    return {0, static_cast<uint64_t>(static_cast<int64_t>(op.identity))};
  });
}

/// Axis lists split a shape into [outer, extent, inner] around one axis.
struct AxisSplit {
  int64_t outer = 1, extent = 1, inner = 1;
  AxisSplit(const std::vector<int64_t>& sizes, int64_t axis) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      if (static_cast<int64_t>(i) < axis)
        outer *= sizes[i];
      else if (static_cast<int64_t>(i) == axis)
        extent = sizes[i];
      else
        inner *= sizes[i];
    }
  }
};

/// Integers of signed types as their values, so that comparisons are right.
template <typename Number>
std::vector<Number> load_numbers(const Tensor& x) {
  if constexpr (std::is_same_v<Number, int64_t>)
    return load_positions(x);
  else
    return widen<Number>(x);
}

template <typename Number>
std::vector<Tensor> index_of_extreme(const KernelCall& call, bool largest) {
  const Tensor& x = call.in(0);
  const int64_t axis = normalize_axis(call.as<AxisAttributes>().axis, x.rank(), call.node.op->name);
  const AxisSplit split(x.sizes(), axis);
  require(split.extent > 0, "[{}] axis {} of {} is empty", call.node.op->name, axis, x.describe());
  const std::vector<Number> values = load_numbers<Number>(x);
  const TensorType& type = call.result();
  std::vector<uint64_t> indices;
  for (int64_t outer = 0; outer < split.outer; ++outer) {
    for (int64_t inner = 0; inner < split.inner; ++inner) {
      const auto at = [&](int64_t i) {
        return values[static_cast<size_t>((outer * split.extent + i) * split.inner + inner)];
      };
      int64_t best = 0;
      for (int64_t i = 1; i < split.extent; ++i) {
        if (at(best) != at(best)) break;  // a NaN is the extreme
        if (at(i) != at(i) || (largest ? at(i) > at(best) : at(i) < at(best))) best = i;
      }
      indices.push_back(static_cast<uint64_t>(best));
    }
  }
  return {narrow<uint64_t>(type.dtype, type.shape.sizes(), indices)};
}

std::vector<Tensor> evaluate_extreme(const KernelCall& call, bool largest) {
  const DType type = call.in(0).dtype();
  if (is_floating(type)) return index_of_extreme<double>(call, largest);
  if (is_signed(type)) return index_of_extreme<int64_t>(call, largest);
  return index_of_extreme<uint64_t>(call, largest);
}

std::vector<Tensor> evaluate_argmax(const KernelCall& call) {
  return evaluate_extreme(call, true);
}
std::vector<Tensor> evaluate_argmin(const KernelCall& call) {
  return evaluate_extreme(call, false);
}

std::vector<Tensor> evaluate_cumulative_sum(const KernelCall& call) {
  const Tensor& x = call.in(0);
  const AxisSplit split(
      x.sizes(), normalize_axis(call.as<AxisAttributes>().axis, x.rank(), call.node.op->name));
  return with_wide(x.dtype(), [&]<typename Wide>() -> std::vector<Tensor> {
    std::vector<Wide> values = widen<Wide>(x);
    for (size_t i = 0; i < values.size(); ++i) {
      const auto position = static_cast<int64_t>(i) / split.inner % split.extent;
      if (position > 0) values[i] += values[i - static_cast<size_t>(split.inner)];
    }
    return {narrow<Wide>(x.dtype(), x.sizes(), values)};
  });
}

}  // namespace

std::vector<Tensor> evaluate_reduction(const KernelCall& call) {
  const Tensor& x = call.in(0);
  const TensorType& type = call.result();
  const Op& op = *call.node.op;
  const auto& attributes = call.as<ReduceAttributes>();
  // Strides of the result over the operand's axes: 0 along the reduced ones.
  std::vector<int64_t> kept = x.sizes();
  for (const int64_t axis : attributes.axes) kept[static_cast<size_t>(axis)] = 1;
  std::vector<int64_t> strides = row_major_strides(kept);
  for (const int64_t axis : attributes.axes) strides[static_cast<size_t>(axis)] = 0;

  std::vector<Scalar> elements(static_cast<size_t>(x.num_elements()));
  load_scalars(x, 0, elements);
  Tensor result(type.dtype, type.shape.sizes());
  std::vector<Scalar> totals(static_cast<size_t>(result.num_elements()),
                             identity_of(op, type.dtype));
  const DType accumulator = is_floating(type.dtype) ? DType::f64 : type.dtype;
  const ScalarInstruction combine{.op = op.combiner, .type = accumulator};
  size_t next = 0;
  walk<1>(x.sizes(), {strides}, {0}, [&](const std::array<int64_t, 1>& at) {
    Scalar& total = totals[static_cast<size_t>(at[0])];
    const std::array<Scalar, 2> operands{total, elements[next++]};
    total = evaluate(combine, accumulator, operands);
  });
  store_scalars(result, 0, totals);
  return {result};
}

Kernel find_reduce_kernel(std::string_view op) {
  if (op == "argmax") return evaluate_argmax;
  if (op == "argmin") return evaluate_argmin;
  if (op == "cumulative_sum") return evaluate_cumulative_sum;
  return nullptr;
}

}  // namespace brisk::reference
