#include <algorithm>
#include <cmath>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/quantize/quantize.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/source/splat.h"
#include "brisk/ops/window/pooled_shape.h"
#include "brisk/passes/simplify.h"

// The table of local rewrites. Rules keep values bit-equal except for the sign of zero and where a
// line says otherwise; none assumes that values are finite.

namespace brisk {
namespace {

using Operands = std::span<const Value>;
using Replacement = std::optional<Value>;

const Node& producer(const Value& value) {
  return value.builder->node(value.id.node);
}

bool is_splat(const Value& value, double wanted) {
  const auto found = splat(value);
  return found && *found == wanted;
}

Replacement when(bool condition, const Value& value) {
  return condition ? Replacement(value) : std::nullopt;
}

Value splat_like(Builder& builder, const Type& type, double value) {
  const Value scalar = builder.scalar(type.dtype(), value);
  return type.rank() == 0 ? scalar : broadcast(scalar, type.shape(), {});
}

/// Both operands constant in every element: the result is, too.
Replacement fold_binary(Builder& builder, const Node& node, Operands x,
                        double (*f)(double, double)) {
  if (!is_floating(node.results[0].dtype())) return std::nullopt;
  const auto a = splat(x[0]), b = splat(x[1]);
  if (!a || !b) return std::nullopt;
  double value = f(*a, *b);
  if (node.results[0].dtype() != DType::f64) value = static_cast<float>(value);
  return splat_like(builder, node.results[0], value);
}

/// The integers behind a dequantize; a float value of 8 bits, scaled and scaled back, is off by
/// less than half of a step.
Replacement requantize_as_before(Builder&, const Node& node, Operands x) {
  const Node& inner = producer(x[0]);
  if (inner.op->name != "dequantize") return std::nullopt;
  const auto& to = node.attributes.as<QuantizeAttributes>();
  const auto& from = inner.attributes.as<DequantizeAttributes>();
  const Value integers{x[0].builder, inner.operands[0]};
  return when(bits(to.dtype) == 8 && integers.dtype() == to.dtype && to.scale == from.scale &&
                  to.zero_point == from.zero_point,
              integers);
}

/// Rounding is monotonic, so that it may as well come before the greatest of a window is taken.
Replacement sink_quantize(Builder& builder, const Node& node, Operands x) {
  const Node mover = producer(x[0]);
  const std::string& op = mover.op->name;
  if (op != "max_pool" && op != "concatenate" && op != "reshape" && op != "transpose")
    return std::nullopt;
  const auto is_dequantized = [&](const ValueId& operand) {
    return builder.node(operand.node).op->name == "dequantize";
  };
  if (!std::all_of(mover.operands.begin(), mover.operands.end(), is_dequantized))
    return std::nullopt;
  std::vector<Value> integers;
  for (const ValueId& operand : mover.operands) {
    const Value part{&builder, operand};
    const auto same = requantize_as_before(builder, node, std::vector{part});
    integers.push_back(same ? *same : quantize(part, node.attributes.as<QuantizeAttributes>()));
  }
  return builder.emit(*mover.op, integers, mover.attributes, {})[0];
}

Replacement remove_reshape(Builder&, const Node& node, Operands x) {
  return when(x[0].type() == node.results[0], x[0]);
}

Replacement compose_reshape(Builder&, const Node& node, Operands x) {
  const Node& inner = producer(x[0]);
  if (inner.op->name != "reshape") return std::nullopt;
  return reshape({x[0].builder, inner.operands[0]}, node.results[0].shape());
}

Replacement remove_transpose(Builder&, const Node& node, Operands x) {
  const auto& permutation = node.attributes.as<TransposeAttributes>().permutation;
  for (size_t i = 0; i < permutation.size(); ++i)
    if (permutation[i] != static_cast<int64_t>(i)) return std::nullopt;
  return x[0];
}

Replacement compose_transpose(Builder&, const Node& node, Operands x) {
  const Node& inner = producer(x[0]);
  if (inner.op->name != "transpose") return std::nullopt;
  const auto& first = inner.attributes.as<TransposeAttributes>().permutation;
  std::vector<int64_t> both;
  for (const int64_t axis : node.attributes.as<TransposeAttributes>().permutation)
    both.push_back(first[static_cast<size_t>(axis)]);
  return transpose({x[0].builder, inner.operands[0]}, both);
}

Replacement compose_broadcast(Builder&, const Node& node, Operands x) {
  const Node& inner = producer(x[0]);
  if (inner.op->name != "broadcast") return std::nullopt;
  const auto& outer_axes = node.attributes.as<BroadcastAttributes>().axes;
  std::vector<int64_t> axes;
  for (const int64_t axis : inner.attributes.as<BroadcastAttributes>().axes)
    axes.push_back(outer_axes[static_cast<size_t>(axis)]);
  return broadcast({x[0].builder, inner.operands[0]}, node.results[0].shape(), axes);
}

/// A reshape that only inserts axes of extent 1 says no more than which axes are new.
Replacement broadcast_of_inserted_ones(Builder&, const Node& node, Operands x) {
  const Node& inner = producer(x[0]);
  if (inner.op->name != "reshape") return std::nullopt;
  const Value source{x[0].builder, inner.operands[0]};
  const auto& outer_axes = node.attributes.as<BroadcastAttributes>().axes;
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < x[0].rank(); ++i) {
    const auto next = static_cast<int64_t>(axes.size());
    if (next < source.rank() && source.shape()[next] == x[0].shape()[i])
      axes.push_back(outer_axes[static_cast<size_t>(i)]);
    else if (x[0].shape()[i] != Extent(1))
      return std::nullopt;
  }
  if (static_cast<int64_t>(axes.size()) != source.rank()) return std::nullopt;
  return broadcast(source, node.results[0].shape(), axes);
}

Replacement broadcast_of_same_shape(Builder&, const Node& node, Operands x) {
  const auto& axes = node.attributes.as<BroadcastAttributes>().axes;
  if (x[0].type() != node.results[0]) return std::nullopt;
  for (size_t i = 0; i < axes.size(); ++i)
    if (axes[i] != static_cast<int64_t>(i)) return std::nullopt;
  return x[0];
}

Replacement remove_slice(Builder&, const Node& node, Operands x) {
  return when(x[0].type() == node.results[0], x[0]);
}

Replacement remove_pad(Builder&, const Node& node, Operands x) {
  const auto& pads = node.attributes.as<PadAttributes>();
  for (size_t i = 0; i < pads.low.size(); ++i)
    if (pads.low[i] != 0 || pads.high[i] != 0 || pads.interior[i] != 0) return std::nullopt;
  return x[0];
}

/// Sum over axes that were broadcast: a product with their number. Rounds differently.
Replacement sum_of_splat(Builder& builder, const Node& node, Operands x) {
  const auto value = splat(x[0]);
  if (!value || !is_floating(x[0].dtype()) || !x[0].shape().is_static()) return std::nullopt;
  double count = 1;
  for (const int64_t axis : node.attributes.as<ReduceAttributes>().axes)
    count *= static_cast<double>(x[0].shape().size(axis));
  // Of no elements the sum is zero, even where each would be infinite.
  return splat_like(builder, node.results[0], count == 0 ? 0 : *value * count);
}

/// Integers are added exactly, in whatever order a device takes them, and scaled once: all devices
/// come to the same bits. Rounds differently.
Replacement sum_of_integers(Builder&, const Node& node, Operands x) {
  const Node dequantized = producer(x[0]);
  if (dequantized.op->name != "dequantize") return std::nullopt;
  const auto& form = dequantized.attributes.as<DequantizeAttributes>();
  const auto& sum = node.attributes.as<ReduceAttributes>();
  const Value integers{x[0].builder, dequantized.operands[0]};
  if (form.zero_point != 0 || bits(integers.dtype()) > 8) return std::nullopt;
  double greatest = 255;
  for (const int64_t axis : sum.axes) {
    if (x[0].shape()[axis].is_named()) return std::nullopt;
    greatest *= static_cast<double>(x[0].shape().size(axis));
  }
  constexpr double kExact = 1 << 24;  // of f32
  if (greatest > kExact) return std::nullopt;
  return reduce_sum(cast(integers, x[0].dtype()), sum.axes, sum.keep_dims) * form.scale;
}

/// A reduction over axes of extent 1 only moves nothing: a reshape.
Replacement reduce_of_ones(Builder&, const Node& node, Operands x) {
  for (const int64_t axis : node.attributes.as<ReduceAttributes>().axes)
    if (x[0].shape()[axis] != Extent(1)) return std::nullopt;
  return x[0].shape() == node.results[0].shape() ? x[0] : reshape(x[0], node.results[0].shape());
}

/// Each pooled gradient lands in exactly one place: summing the places over batch and space is
/// summing the pooled gradients. Rounds differently (other order).
Replacement sum_of_pool_gradient(Builder&, const Node& node, Operands x) {
  const Node& inner = producer(x[0]);
  if (inner.op->name != "max_pool_gradient" ||
      !windows_reach_input(inner.attributes.as<WindowGradientAttributes>()))
    return std::nullopt;
  const auto& attributes = node.attributes.as<ReduceAttributes>();
  if (static_cast<int64_t>(attributes.axes.size()) != x[0].rank() - 1 ||
      attributes.axes.back() == x[0].rank() - 1)
    return std::nullopt;
  return reduce_sum({x[0].builder, inner.operands[0]}, attributes.axes, attributes.keep_dims);
}

Replacement cast_of_cast(Builder&, const Node& node, Operands x) {
  const DType to = node.results[0].dtype();
  if (x[0].dtype() == to) return x[0];
  const Node& inner = producer(x[0]);
  if (inner.op->name != "cast") return std::nullopt;
  const Value source{x[0].builder, inner.operands[0]};
  // Widening and back is exact: bf16 -> f32 -> bf16.
  if (source.dtype() == to && is_floating(to) && is_floating(x[0].dtype()) &&
      bits(x[0].dtype()) > bits(to))
    return source;
  // Integers that are cut to as many bits as they had: i32 -> i64 -> i32.
  if (source.dtype() == to && is_integer(to) && is_integer(x[0].dtype()) &&
      bits(x[0].dtype()) >= bits(to))
    return source;
  return std::nullopt;
}

constexpr SimplifyRule kRules[] = {
    {"add", "constant + constant",
     [](Builder& b, const Node& n, Operands x) {
       return fold_binary(b, n, x, [](double p, double q) { return p + q; });
     }},
    {"multiply", "constant * constant",
     [](Builder& b, const Node& n, Operands x) {
       return fold_binary(b, n, x, [](double p, double q) { return p * q; });
     }},
    {"subtract", "constant - constant",
     [](Builder& b, const Node& n, Operands x) {
       return fold_binary(b, n, x, [](double p, double q) { return p - q; });
     }},
    {"add", "x + 0 -> x",
     [](Builder&, const Node&, Operands x) { return when(is_splat(x[1], 0), x[0]); }},
    {"add", "0 + x -> x",
     [](Builder&, const Node&, Operands x) { return when(is_splat(x[0], 0), x[1]); }},
    {"subtract", "x - 0 -> x",
     [](Builder&, const Node&, Operands x) { return when(is_splat(x[1], 0), x[0]); }},
    {"multiply", "x * 1 -> x",
     [](Builder&, const Node&, Operands x) { return when(is_splat(x[1], 1), x[0]); }},
    {"multiply", "1 * x -> x",
     [](Builder&, const Node&, Operands x) { return when(is_splat(x[0], 1), x[1]); }},
    {"divide", "x / 1 -> x",
     [](Builder&, const Node&, Operands x) { return when(is_splat(x[1], 1), x[0]); }},
    {"pow", "x ^ 1 -> x",
     [](Builder&, const Node&, Operands x) { return when(is_splat(x[1], 1), x[0]); }},
    {"pow", "x ^ 2 -> square(x)",
     [](Builder&, const Node&, Operands x) {
       return is_splat(x[1], 2) ? Replacement(square(x[0])) : std::nullopt;
     }},
    {"negate", "-(-x) -> x",
     [](Builder&, const Node&, Operands x) {
       const Node& inner = producer(x[0]);
       return when(inner.op->name == "negate",
                   inner.op->name == "negate" ? Value{x[0].builder, inner.operands[0]} : x[0]);
     }},
    {"stop_gradient", "stop_gradient(x) -> x",
     [](Builder&, const Node&, Operands x) { return Replacement(x[0]); }},
    {"select", "select(c, x, x) -> x",
     [](Builder&, const Node&, Operands x) { return when(x[1] == x[2], x[1]); }},
    {"cast", "cast(cast(x)) -> x where exact", cast_of_cast},
    {"reshape", "reshape to the same shape", remove_reshape},
    {"reshape", "reshape of reshape", compose_reshape},
    {"transpose", "identity permutation", remove_transpose},
    {"transpose", "transpose of transpose", compose_transpose},
    {"broadcast", "broadcast to the same shape", broadcast_of_same_shape},
    {"broadcast", "broadcast of broadcast", compose_broadcast},
    {"broadcast", "broadcast of reshape that inserts ones", broadcast_of_inserted_ones},
    {"slice", "slice of everything", remove_slice},
    {"pad", "pad by nothing", remove_pad},
    {"quantize", "dequantize and quantize as before", requantize_as_before},
    {"quantize", "of what moves dequantized integers", sink_quantize},
    {"concatenate", "of one part",
     [](Builder&, const Node&, Operands x) { return when(x.size() == 1, x[0]); }},
    {"reduce_sum", "sum of equal elements", sum_of_splat},
    {"reduce_sum", "sum of dequantized integers", sum_of_integers},
    {"reduce_sum", "over extents of 1", reduce_of_ones},
    {"reduce_max", "over extents of 1", reduce_of_ones},
    {"reduce_min", "over extents of 1", reduce_of_ones},
    {"reduce_prod", "over extents of 1", reduce_of_ones},
    {"reduce_any", "over extents of 1", reduce_of_ones},
    {"reduce_all", "over extents of 1", reduce_of_ones},
    {"reduce_sum", "sum of max_pool_gradient", sum_of_pool_gradient},
};

}  // namespace

std::span<const SimplifyRule> simplify_rules() {
  return kRules;
}

}  // namespace brisk
