#include <algorithm>

#include "brisk/base/checked.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

bool untouched(const PadAttributes& padding, size_t i) {
  return padding.low[i] == 0 && padding.high[i] == 0 && padding.interior[i] == 0;
}

std::vector<Type> infer(const InferContext& context) {
  const auto& padding = context.as<PadAttributes>();
  const TensorType& x = context.tensor(0);
  const TensorType& value = context.tensor(1);
  check_count(context, padding.low.size(), "paddings before");
  check_count(context, padding.high.size(), "paddings after");
  check_count(context, padding.interior.size(), "paddings between");
  require(value.dtype == x.dtype && value.shape.rank() == 0,
          "[pad] the padding value is {}, but {} needs a scalar of its element type",
          context.operands[1].to_string(), context.operands[0].to_string());
  Shape shape;
  for (size_t i = 0; i < padding.low.size(); ++i) {
    const Extent& extent = x.shape[static_cast<int64_t>(i)];
    if (untouched(padding, i)) {
      shape.push_back(extent);
      continue;
    }
    require(!extent.is_named(), "[pad] axis {} of {} has no size yet; bind '{}' first", i,
            context.operands[0].to_string(), extent.name());
    require(padding.interior[i] >= 0, "[pad] interior padding {} of axis {} is negative",
            padding.interior[i], i);
    const int64_t between =
        checked_multiply(std::max<int64_t>(extent.size() - 1, 0), padding.interior[i], "[pad]");
    const int64_t spread = checked_add(extent.size(), between, "[pad]");
    const int64_t size =
        checked_add(checked_add(padding.low[i], spread, "[pad]"), padding.high[i], "[pad]");
    require(size >= 0, "[pad] edges {} and {} crop more than axis {} of {} has", padding.low[i],
            padding.high[i], i, context.operands[0].to_string());
    shape.push_back(Extent(size));
  }
  return {moved(context, std::move(shape))};
}

std::vector<int64_t> negated(std::vector<int64_t> values) {
  for (int64_t& value : values) value = -value;
  return values;
}

/// Elements of the result that came from x, in x's shape: the edges are taken off (cropped ones are
/// put back as zeros), then every (interior + 1)-th element is read.
Value take_back(const Vjp& d) {
  const auto& padding = d.as<PadAttributes>();
  const Value g = d.grad();
  const auto some = [](const std::vector<int64_t>& list) {
    return std::any_of(list.begin(), list.end(), [](int64_t n) { return n != 0; });
  };
  Value inner = g;
  if (some(padding.low) || some(padding.high))
    inner = pad(g, d.builder.scalar(g.dtype(), 0), negated(padding.low), negated(padding.high));
  if (!some(padding.interior)) return inner;
  std::vector<int64_t> steps = padding.interior;
  for (int64_t& step : steps) ++step;
  return slice(inner, std::vector<int64_t>(steps.size(), 0), std::vector<int64_t>(steps.size(), -1),
               steps);
}

/// The sum of the gradient over the places that the padding value fills.
Value value_gradient(const Vjp& d) {
  const auto& padding = d.as<PadAttributes>();
  Builder& builder = d.builder;
  const Value inside = broadcast_to(builder.scalar(DType::boolean, 1), d.in(0).shape());
  const Value filled =
      pad(inside, builder.scalar(DType::boolean, 0), padding.low, padding.high, padding.interior);
  return reduce_sum(select(filled, builder.scalar(d.grad().dtype(), 0), d.grad()));
}

}  // namespace

Op pad_op() {
  return move("pad")
      .operands(2)
      .attributes<PadAttributes>()
      .doc(
          "The operand with `low` elements before, `high` after and `interior` between the "
          "elements of each axis, all equal to the second operand; negative edges crop.")
      .infer(infer)
      .vjp([](const Vjp& d) -> std::vector<Value> {
        return {d.needs(0) ? take_back(d) : Value(), d.needs(1) ? value_gradient(d) : Value()};
      });
}

Value pad(Value x, Value value, std::vector<int64_t> low, std::vector<int64_t> high,
          std::vector<int64_t> interior) {
  require(x.defined(), "[pad] its operand is not defined");
  if (interior.empty()) interior.assign(low.size(), 0);
  return x.builder->emit_one("pad", {x, value},
                             PadAttributes{std::move(low), std::move(high), std::move(interior)});
}

}  // namespace brisk
