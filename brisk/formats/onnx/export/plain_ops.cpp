#include "brisk/formats/onnx/export/plain_ops.h"

#include <algorithm>
#include <numeric>

#include "brisk/ir/op.h"
#include "brisk/ir/rewrite.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

// Each row gives nothing where a node can stay as it is. What a row makes may need another one (a
// gradient at filters is a convolution, which may crop), so the graph is gone through until nothing
// changes: every row gives ops that stand further down in this list, or that no row is about.

namespace brisk::onnx {
namespace {

using Replacement = std::optional<std::vector<Value>>;
using Operands = std::span<const Value>;

Value filled_like(const Value& like, double value) {
  return broadcast_to(like.builder->scalar(like.dtype(), value), like.shape());
}

/// Places `start`, `start` + 1, ... of a window of `size` that lies within `extent`.
Value window_places(const Value& start, int64_t size, int64_t extent) {
  const Value first = clamp(start, 0, static_cast<double>(extent - size));
  return broadcast_to(first, {Extent(size)}) + iota(*start.builder, DType::i32, {Extent(size)}, 0);
}

Replacement dynamic_slice(Builder&, const Node& node, Operands x) {
  Value y = x[0];
  for (int64_t axis = 0; axis < y.rank(); ++axis) {
    const Extent &from = x[0].shape()[axis], &to = node.results[0].shape()[axis];
    if (from == to) continue;
    y = gather(y, window_places(x[static_cast<size_t>(axis) + 1], to.size(), from.size()), axis);
  }
  return std::vector{y};
}

Replacement dynamic_update_slice(Builder& builder, const Node&, Operands x) {
  const Shape& shape = x[0].shape();
  Value spread = x[1], inside;
  for (int64_t axis = 0; axis < x[0].rank(); ++axis) {
    const Extent& update = x[1].shape()[axis];
    if (update == shape[axis]) continue;
    const int64_t extent = shape.size(axis), size = update.size();
    if (size == 0) return std::vector{x[0]};
    const Value start =
        clamp(x[static_cast<size_t>(axis) + 2], 0, static_cast<double>(extent - size));
    const Value place =
        iota(builder, DType::i32, {Extent(extent)}, 0) - broadcast_to(start, {Extent(extent)});
    spread = gather(spread, clamp(place, 0, static_cast<double>(size - 1)), axis);
    const Value here =
        broadcast(logical_and(greater_equal(place, filled_like(place, 0)),
                              less(place, filled_like(place, static_cast<double>(size)))),
                  shape, {axis});
    inside = inside.defined() ? logical_and(inside, here) : here;
  }
  return std::vector{inside.defined() ? select(inside, spread, x[0]) : spread};
}

/// Elements in between: behind each of an axis of its own, the last of which are cut off.
Replacement pad_between(Builder&, const Node& node, Operands x) {
  const auto& a = node.attributes.as<PadAttributes>();
  if (std::all_of(a.interior.begin(), a.interior.end(), [](int64_t n) { return n == 0; }))
    return std::nullopt;
  Value y = x[0];
  for (int64_t axis = 0; axis < y.rank(); ++axis) {
    const int64_t between = a.interior[static_cast<size_t>(axis)];
    if (between == 0 || y.shape()[axis] == Extent(0)) continue;
    const int64_t size = y.shape().size(axis);
    Shape split, joined;
    for (int64_t i = 0; i < y.rank(); ++i) {
      split.push_back(y.shape()[i]);
      joined.push_back(i == axis ? Extent(size * (1 + between)) : y.shape()[i]);
      if (i == axis) split.push_back(Extent(1));
    }
    std::vector<int64_t> low(static_cast<size_t>(split.rank()), 0), high = low;
    high[static_cast<size_t>(axis) + 1] = between;
    const Value wide = reshape(pad(reshape(y, split), x[1], low, high), joined);
    y = slice_axis(wide, axis, 0, size * (1 + between) - between);
  }
  return std::vector{pad(y, x[1], a.low, a.high)};
}

/// Padding that crops, done before: `pads` keep what is left.
Value cropped(const Value& x, std::vector<int64_t>& low, std::vector<int64_t>& high) {
  std::vector<int64_t> before(static_cast<size_t>(x.rank()), 0), behind = before;
  for (size_t i = 0; i < low.size(); ++i) {
    before[i + 1] = std::min<int64_t>(low[i], 0);
    behind[i + 1] = std::min<int64_t>(high[i], 0);
    low[i] = std::max<int64_t>(low[i], 0);
    high[i] = std::max<int64_t>(high[i], 0);
  }
  return pad(x, x.builder->scalar(x.dtype(), 0), before, behind);
}

Replacement cropping_convolution(Builder&, const Node& node, Operands x) {
  auto a = node.attributes.as<ConvolutionAttributes>();
  const auto crops = [](int64_t edge) { return edge < 0; };
  if (std::none_of(a.pad_low.begin(), a.pad_low.end(), crops) &&
      std::none_of(a.pad_high.begin(), a.pad_high.end(), crops))
    return std::nullopt;
  const Value input = cropped(x[0], a.pad_low, a.pad_high);
  return std::vector{convolution(input, x[1], a)};
}

std::vector<int64_t> with_ends_exchanged(int64_t rank) {
  std::vector<int64_t> permutation(static_cast<size_t>(rank));
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation.front(), permutation.back());
  return permutation;
}
/// [batch, spatial..., channels] with the batch behind the spatial axes: a filter.
std::vector<int64_t> as_filter(int64_t rank) {
  std::vector<int64_t> permutation;
  for (int64_t i = 1; i + 1 < rank; ++i) permutation.push_back(i);
  permutation.push_back(0);
  permutation.push_back(rank - 1);
  return permutation;
}

/// A filter's gradient is a convolution of the input with the result's gradient, in which batch and
/// channels change places, and strides and dilations: one a group.
Replacement filter_gradient(Builder&, const Node& node, Operands x) {
  const auto& a = node.attributes.as<ConvolutionGradientAttributes>();
  const int64_t rank = x[0].rank(), groups = a.convolution.groups;
  const int64_t channels = x[0].shape().size(rank - 1) / groups,
                filters = x[1].shape().size(rank - 1) / groups;
  ConvolutionAttributes exchanged = a.convolution;
  std::swap(exchanged.strides, exchanged.dilations);
  exchanged.groups = 1;
  std::vector<int64_t> to_filter_order;  // from [channels, kernel..., filters]
  for (int64_t i = 1; i + 1 < rank; ++i) to_filter_order.push_back(i);
  to_filter_order.push_back(0);
  to_filter_order.push_back(rank - 1);
  std::vector<Value> parts;
  for (int64_t group = 0; group < groups; ++group) {
    const Value input = slice_axis(x[0], rank - 1, group * channels, (group + 1) * channels);
    const Value gradient = slice_axis(x[1], rank - 1, group * filters, (group + 1) * filters);
    Value y = convolution(transpose(input, with_ends_exchanged(rank)),
                          transpose(gradient, as_filter(rank)), exchanged);
    for (int64_t i = 1; i + 1 < rank; ++i)  // where the input reaches further than its windows
      y = slice_axis(y, i, 0, a.shape.size(i - 1));
    parts.push_back(transpose(y, to_filter_order));
  }
  return std::vector{concatenate(parts, rank - 1)};
}

/// Of signed integers as of unsigned ones; ONNX says nothing of shifts by the width or more.
Replacement signed_shift(Builder&, const Node& node, Operands x) {
  const DType type = node.results[0].dtype();
  if (!is_signed(type)) return std::nullopt;
  const int width = bits(type);
  const DType same_width = width == 64   ? DType::u64
                           : width == 32 ? DType::u32
                           : width == 16 ? DType::u16
                                         : DType::u8;
  const Value most = filled_like(x[1], width - 1), zero = filled_like(x[0], 0);
  const Value by = cast(minimum(x[1], most), same_width);
  if (node.op->name == "shift_left") {
    const Value y = cast(shift_left(cast(x[0], same_width), by), type);
    return std::vector{select(greater(x[1], most), zero, y)};
  }
  // -1 - x has the bits of x turned over: what moves in is the sign.
  const Value below = less(x[0], zero), turned = filled_like(x[0], -1) - x[0];
  const Value y = cast(shift_right(cast(select(below, turned, x[0]), same_width), by), type);
  return std::vector{select(below, filled_like(x[0], -1) - y, y)};
}

/// What a fused op stands for.
Replacement decomposed(Builder& builder, const Node& node, Operands x) {
  if (node.op->kind == OpKind::composite || !node.op->decompose_rule) return std::nullopt;
  return node.op->decompose_rule(
      DecomposeContext{builder, x, node.attributes, node.regions, node.results});
}

struct PlainRow {
  std::string_view op;
  Replacement (*write)(Builder& builder, const Node& node, Operands x);
};
constexpr PlainRow kPlainRows[] = {
    {"dynamic_slice", dynamic_slice},
    {"dynamic_update_slice", dynamic_update_slice},
    {"convolution_filter_gradient", filter_gradient},
    {"convolution", cropping_convolution},
    {"pad", pad_between},
    {"shift_left", signed_shift},
    {"shift_right", signed_shift},
};

}  // namespace

Graph in_plain_ops(const Graph& graph) {
  constexpr int kMostLevels = 16;  // of fused ops within fused ops
  Graph current = graph;
  for (int level = 0; level < kMostLevels; ++level) {
    bool changed = false;
    current = rewrite(current, [&](Builder& builder, const Node& node, NodeId, Operands x) {
      Replacement replaced = decomposed(builder, node, x);
      for (const PlainRow& row : kPlainRows)
        if (!replaced && row.op == node.op->name) replaced = row.write(builder, node, x);
      changed |= replaced.has_value();
      return replaced;
    });
    if (!changed) break;
  }
  return current;
}

}  // namespace brisk::onnx
