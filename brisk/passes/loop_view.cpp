#include "brisk/passes/loop_view.h"

#include "brisk/ir/op.h"

namespace brisk {
namespace {

LoopIndex constant_index(const LoopSpace& space, int64_t offset) {
  return {offset, std::vector<int64_t>(space.sizes.size())};
}

LoopIndex axis_index(const LoopSpace& space, size_t axis) {
  LoopIndex index = constant_index(space, 0);
  index.strides[axis] = space.sizes[axis] == 1 ? 0 : 1;
  return index;
}

}  // namespace

LoopView view_at_points(const LoopSpace& space) {
  LoopView view;
  for (size_t axis = 0; axis < space.sizes.size(); ++axis) view.push_back(axis_index(space, axis));
  return view;
}

std::optional<LoopView> view_of_fold(const LoopSpace& space, const Shape& shape) {
  LoopView dropped, ones;
  std::vector<int64_t> dropped_sizes, ones_sizes;
  for (size_t axis = 0; axis < space.sizes.size(); ++axis) {
    const bool folded = space.folded[axis];
    ones.push_back(folded ? constant_index(space, 0) : axis_index(space, axis));
    ones_sizes.push_back(folded ? 1 : space.sizes[axis]);
    if (folded) continue;
    dropped.push_back(axis_index(space, axis));
    dropped_sizes.push_back(space.sizes[axis]);
  }
  if (shape.sizes() == dropped_sizes) return dropped;
  if (shape.sizes() == ones_sizes) return ones;
  return std::nullopt;
}

std::optional<LoopView> view_through_move(const Graph& graph, const Node& move,
                                          const LoopSpace& space, const LoopView& view) {
  if (move.op->kind != OpKind::move || !move.op->index_map_rule) return std::nullopt;
  std::vector<Type> operands;
  for (const ValueId& operand : move.operands) operands.push_back(graph.type(operand));
  const InferContext context{*move.op, operands, move.attributes, move.regions};
  const auto map = move.op->index_map_rule(context, move.results[0]);
  if (!map) return std::nullopt;
  LoopView source;
  for (size_t d = 0; d < map->offset.size(); ++d) {
    LoopIndex index = constant_index(space, map->offset[d]);
    for (size_t j = 0; j < view.size(); ++j) {
      index.offset += map->stride[d][j] * view[j].offset;
      for (size_t a = 0; a < index.strides.size(); ++a)
        index.strides[a] += map->stride[d][j] * view[j].strides[a];
    }
    source.push_back(std::move(index));
  }
  return source;
}

}  // namespace brisk
