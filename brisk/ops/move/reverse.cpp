#include <algorithm>

#include "brisk/base/error.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"

namespace brisk {
namespace {

std::optional<IndexMap> index_map(const InferContext& context, const Type& result) {
  const auto& axes = context.as<AxesAttributes>().axes;
  IndexMap map = empty_map(result.rank(), result.rank());
  for (size_t i = 0; i < map.offset.size(); ++i) map.stride[i][i] = 1;
  for (const int64_t axis : axes) {
    const Extent& extent = result.shape()[axis];
    if (extent.is_named()) return std::nullopt;
    const auto i = static_cast<size_t>(axis);
    map.offset[i] = extent.size() - 1;
    map.stride[i][i] = -1;
  }
  return map;
}

}  // namespace

Op reverse_op() {
  return move("reverse")
      .attributes<AxesAttributes>()
      .doc("The operand with the order of its elements along `axes` turned around.")
      .infer([](const InferContext& context) -> std::vector<Type> {
        const Shape& shape = context.tensor(0).shape;
        check_ascending_axes(context, context.as<AxesAttributes>().axes, shape.rank());
        return {moved(context, shape)};
      })
      .index_map(index_map)
      .vjp([](const Vjp& d) -> std::vector<Value> {
        return {reverse(d.grad(), d.as<AxesAttributes>().axes)};
      });
}

Value reverse(Value x, std::vector<int64_t> axes) {
  require(x.defined(), "[reverse] its operand is not defined");
  for (int64_t& axis : axes) axis = normalize_axis(axis, x.rank(), "reverse");
  std::sort(axes.begin(), axes.end());
  if (axes.empty()) return x;
  return x.builder->emit_one("reverse", {x}, AxesAttributes{std::move(axes)});
}

}  // namespace brisk
