#include "brisk/formats/onnx/canonical/non_negative.h"
#include "brisk/formats/onnx/canonical/rule.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

// Broadcasts, slices and constants of one form each. An operand's axes of extent 1 say nothing when
// it is broadcast: they go as far to the right as they can, where NumPy's rule puts them, and a
// constant loses them. What moves no element is a reshape.

namespace brisk::onnx {
namespace {

using Replacement = Rule::Replacement;
using Operands = Rule::Operands;

Replacement ones_to_the_right(Builder&, const Node& node, Operands x) {
  const auto& given = node.attributes.as<BroadcastAttributes>();
  std::vector<int64_t> axes = given.axes;
  int64_t end = given.shape.rank();
  for (size_t i = axes.size(); i-- > 0;) {
    if (x[0].shape()[static_cast<int64_t>(i)] == Extent(1)) axes[i] = end - 1;
    end = axes[i];
  }
  return axes == given.axes ? std::nullopt : Replacement(broadcast(x[0], given.shape, axes));
}

/// Of a constant, whose axes of extent 1 nobody needs.
Replacement constant_without_ones(Builder& builder, const Node& node, Operands x) {
  const Node& source = builder.node(x[0].id.node);
  if (source.op->name != "constant") return std::nullopt;
  const auto& given = node.attributes.as<BroadcastAttributes>();
  Shape shape;
  std::vector<int64_t> axes;
  for (size_t i = 0; i < given.axes.size(); ++i) {
    const Extent& extent = x[0].shape()[static_cast<int64_t>(i)];
    if (extent == Extent(1)) continue;
    shape.push_back(extent);
    axes.push_back(given.axes[i]);
  }
  if (shape.rank() == x[0].rank()) return std::nullopt;
  const Tensor& tensor = source.attributes.as<ConstantAttributes>().value;
  return broadcast(builder.constant(tensor.reshaped(shape.sizes())), given.shape, axes);
}

/// All new axes are of extent 1.
Replacement broadcast_of_nothing(Builder&, const Node& node, Operands x) {
  const auto& given = node.attributes.as<BroadcastAttributes>();
  size_t next = 0;
  for (int64_t axis = 0; axis < given.shape.rank(); ++axis) {
    const bool mapped = next < given.axes.size() && given.axes[next] == axis;
    if (mapped && !(x[0].shape()[static_cast<int64_t>(next++)] == given.shape[axis]))
      return std::nullopt;
    if (!mapped && !(given.shape[axis] == Extent(1))) return std::nullopt;
  }
  if (next != given.axes.size() || x[0].shape() == given.shape) return std::nullopt;
  return reshape(x[0], given.shape);
}

Replacement reshape_of_constant(Builder& builder, const Node& node, Operands x) {
  const Node& source = builder.node(x[0].id.node);
  const Shape& shape = node.results[0].shape();
  if (source.op->name != "constant" || !shape.is_static()) return std::nullopt;
  return builder.constant(source.attributes.as<ConstantAttributes>().value.reshaped(shape.sizes()));
}

/// The end of an axis as a number, where it has one; nothing is taken from the beginning, and one
/// element with a step of 1.
Replacement slice_in_one_form(Builder&, const Node& node, Operands x) {
  SliceAttributes slices = node.attributes.as<SliceAttributes>();
  const SliceAttributes given = slices;
  slices.steps.resize(slices.starts.size(), 1);
  for (size_t i = 0; i < slices.limits.size(); ++i) {
    const Extent& extent = x[0].shape()[static_cast<int64_t>(i)];
    if (extent.is_named()) continue;
    const int64_t size = node.results[0].shape().size(static_cast<int64_t>(i));
    if (size == 0) slices.starts[i] = 0;
    if (size <= 1) slices.steps[i] = 1;
    slices.limits[i] = size == 0 ? 0 : slices.starts[i] + (size - 1) * slices.steps[i] + 1;
  }
  if (slices.starts == given.starts && slices.limits == given.limits && slices.steps == given.steps)
    return std::nullopt;
  return slice(x[0], slices.starts, slices.limits, slices.steps);
}

/// A list of indices, spread over the other axes: ONNX's Range is a list.
Replacement iota_of_several_axes(Builder& builder, const Node& node, Operands) {
  const auto& a = node.attributes.as<IotaAttributes>();
  if (a.shape.rank() < 2) return std::nullopt;
  return broadcast(iota(builder, a.dtype, {a.shape[a.axis]}, 0), a.shape, {a.axis});
}

/// Whole numbers of every type that holds them.
Replacement cast_of_iota(Builder& builder, const Node& node, Operands x) {
  const Node& inner = builder.node(x[0].id.node);
  const DType type = node.results[0].dtype();
  constexpr int64_t kExactInFloat = int64_t{1} << 24;
  if (inner.op->name != "iota" || inner.results[0].dtype() != DType::i64) return std::nullopt;
  const auto& a = inner.attributes.as<IotaAttributes>();
  const bool exact = type == DType::i32 || type == DType::f32 || type == DType::f64;
  if (!exact || a.shape.rank() != 1 || a.shape[0].is_named() || a.shape.size(0) > kExactInFloat)
    return std::nullopt;
  return iota(builder, type, a.shape, a.axis);
}

/// Positions that may count from the end, but do not.
Replacement position_from_the_beginning(Builder& builder, const Node& node, Operands x) {
  Node choice = node;
  choice.operands = {x[0].id, x[1].id, x[2].id};
  const bool counts = size_counted_from_end(builder, choice).has_value();
  return counts && is_non_negative(x[2]) ? Replacement(x[2]) : std::nullopt;
}

/// Of lists, both are one.
Replacement scatter_into_list(Builder&, const Node&, Operands x) {
  return x[0].rank() == 1 ? Replacement(scatter_add(x[0], x[1], x[2], 0)) : std::nullopt;
}

constexpr Rule kMoveRules[] = {
    {"broadcast", "axes of extent 1 to the right", ones_to_the_right},
    {"broadcast", "of a constant with extents of 1", constant_without_ones},
    {"broadcast", "that only inserts ones -> reshape", broadcast_of_nothing},
    {"reshape", "of a constant -> constant", reshape_of_constant},
    {"slice", "one form of what is taken", slice_in_one_form},
    {"iota", "of several axes -> broadcast", iota_of_several_axes},
    {"cast", "cast(iota) -> iota", cast_of_iota},
    {"select", "select(i < 0, i + size, i) -> i where i >= 0", position_from_the_beginning},
    {"put_along_axis_add", "into a list -> scatter_add", scatter_into_list},
};

}  // namespace

std::span<const Rule> move_rules() {
  return kMoveRules;
}

}  // namespace brisk::onnx
