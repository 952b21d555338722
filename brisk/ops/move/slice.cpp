#include "brisk/base/error.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"

namespace brisk {
namespace {

/// One axis of a slice, its limit resolved.
struct Range {
  int64_t start, limit, step;
  bool whole = false;  ///< all of an axis, which may be named
  int64_t count() const { return limit == start ? 0 : (limit - start - 1) / step + 1; }
};

Range range_of(const SliceAttributes& slice, const Shape& shape, size_t i) {
  const Extent& extent = shape[static_cast<int64_t>(i)];
  Range range{slice.starts[i], slice.limits[i], slice.steps[i]};
  if (extent.is_named()) {
    require(range.start == 0 && range.limit == -1 && range.step == 1,
            "[slice] axis {} of shape {} has no size yet; take it whole (0:-1) or bind '{}' first",
            i, shape.to_string(), extent.name());
    range.whole = true;
    return range;
  }
  if (range.limit == -1) range.limit = extent.size();
  require(range.start >= 0 && range.start <= range.limit && range.limit <= extent.size(),
          "[slice] range {}:{} of axis {} does not fit shape {}", range.start, range.limit, i,
          shape.to_string());
  require(range.step >= 1, "[slice] step {} of axis {} is below 1", range.step, i);
  range.whole = range.start == 0 && range.limit == extent.size() && range.step == 1;
  return range;
}

std::vector<Type> infer(const InferContext& context) {
  const auto& slice = context.as<SliceAttributes>();
  const Shape& operand = context.tensor(0).shape;
  check_count(context, slice.starts.size(), "starts");
  check_count(context, slice.limits.size(), "limits");
  check_count(context, slice.steps.size(), "steps");
  Shape shape;
  for (size_t i = 0; i < slice.starts.size(); ++i) {
    const Range range = range_of(slice, operand, i);
    shape.push_back(range.whole ? operand[static_cast<int64_t>(i)] : Extent(range.count()));
  }
  return {moved(context, std::move(shape))};
}

std::optional<IndexMap> index_map(const InferContext& context, const Type& result) {
  const auto& slice = context.as<SliceAttributes>();
  IndexMap map = empty_map(result.rank(), result.rank());
  map.offset = slice.starts;
  for (size_t i = 0; i < slice.steps.size(); ++i) map.stride[i][i] = slice.steps[i];
  return map;
}

/// What the slice read goes back to its place, between zeros.
std::vector<Value> vjp(const Vjp& d) {
  const auto& slice = d.as<SliceAttributes>();
  const Shape& operand = d.in(0).shape();
  std::vector<int64_t> low, high, interior;
  for (size_t i = 0; i < slice.starts.size(); ++i) {
    const Range range = range_of(slice, operand, i);
    const int64_t count = range.whole ? 0 : range.count();
    const int64_t spread = count == 0 ? 0 : (count - 1) * range.step + 1;
    low.push_back(range.whole ? 0 : range.start);
    high.push_back(range.whole ? 0 : operand.size(static_cast<int64_t>(i)) - range.start - spread);
    interior.push_back(range.whole ? 0 : range.step - 1);
  }
  return {pad(d.grad(), d.builder.scalar(d.grad().dtype(), 0), low, high, interior)};
}

}  // namespace

Op slice_op() {
  return move("slice")
      .attributes<SliceAttributes>()
      .doc(
          "A box of the operand: per axis the indices from `starts` below `limits` by `steps`; a "
          "limit of -1 is the end.")
      .infer(infer)
      .index_map(index_map)
      .vjp(vjp);
}

Value slice(Value x, std::vector<int64_t> starts, std::vector<int64_t> limits,
            std::vector<int64_t> steps) {
  require(x.defined(), "[slice] its operand is not defined");
  if (steps.empty()) steps.assign(starts.size(), 1);
  return x.builder->emit_one(
      "slice", {x}, SliceAttributes{std::move(starts), std::move(limits), std::move(steps)});
}

Value slice_axis(Value x, int64_t axis, int64_t start, int64_t limit) {
  require(x.defined(), "[slice] its operand is not defined");
  axis = normalize_axis(axis, x.rank(), "slice");
  std::vector<int64_t> starts(static_cast<size_t>(x.rank()), 0);
  std::vector<int64_t> limits(starts.size(), -1);
  starts[static_cast<size_t>(axis)] = start;
  limits[static_cast<size_t>(axis)] = limit;
  return slice(x, std::move(starts), std::move(limits));
}

}  // namespace brisk
