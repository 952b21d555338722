#include "brisk/base/error.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/move/move_kind.h"
#include "brisk/ops/move/move_ops.h"

// Windows whose place is data: dynamic_slice reads one, dynamic_update_slice replaces one. They
// are each other's gradient. A size of -1 is a whole axis, which may be named.

namespace brisk {
namespace {

void check_starts(const InferContext& context, size_t first) {
  const int64_t rank = context.tensor(0).shape.rank();
  const auto given = static_cast<int64_t>(context.operands.size() - first);
  require(given == rank, "[{}] {} starts are given for the {} axes of {}", context.op.name, given,
          rank, context.operands[0].to_string());
  for (size_t i = first; i < context.operands.size(); ++i)
    require(context.operands[i] == Type(DType::i32, {}), "[{}] start {} is {}, not i32[]",
            context.op.name, i - first, context.operands[i].to_string());
}

std::vector<Type> infer_slice(const InferContext& context) {
  const auto& sizes = context.as<DynamicSliceAttributes>().sizes;
  const Shape& operand = context.tensor(0).shape;
  check_count(context, sizes.size(), "sizes");
  check_starts(context, 1);
  Shape shape;
  for (int64_t axis = 0; axis < operand.rank(); ++axis) {
    const int64_t size = sizes[static_cast<size_t>(axis)];
    const Extent& extent = operand[axis];
    require(size == -1 || (!extent.is_named() && size >= 0 && size <= extent.size()),
            "[dynamic_slice] a window of {} does not fit axis {} of {}", size, axis,
            context.operands[0].to_string());
    shape.push_back(size == -1 ? extent : Extent(size));
  }
  return {moved(context, std::move(shape))};
}

std::vector<Type> infer_update(const InferContext& context) {
  const TensorType& x = context.tensor(0);
  const TensorType& update = context.tensor(1);
  check_starts(context, 2);
  bool fits = x.dtype == update.dtype && x.quantization == update.quantization &&
              x.shape.rank() == update.shape.rank();
  for (int64_t axis = 0; fits && axis < x.shape.rank(); ++axis) {
    const Extent &whole = x.shape[axis], &part = update.shape[axis];
    fits = whole == part || (!whole.is_named() && !part.is_named() && part.size() <= whole.size());
  }
  require(fits, "[dynamic_update_slice] the update {} does not fit into {}",
          context.operands[1].to_string(), context.operands[0].to_string());
  return {context.operands[0]};
}

std::vector<Value> operands_with(std::vector<Value> first, std::span<const Value> starts) {
  first.insert(first.end(), starts.begin(), starts.end());
  return first;
}

/// The sizes of `part` as a window into `whole`.
std::vector<int64_t> window_sizes(const Shape& part, const Shape& whole) {
  std::vector<int64_t> sizes;
  for (int64_t axis = 0; axis < part.rank(); ++axis)
    sizes.push_back(part[axis] == whole[axis] ? -1 : part.size(axis));
  return sizes;
}

std::vector<Value> vjp_slice(const Vjp& d) {
  std::vector<Value> gradients(d.operands.size());
  gradients[0] =
      dynamic_update_slice(zeros(d.builder, d.in(0).type()), d.grad(), d.operands.subspan(1));
  return gradients;
}

std::vector<Value> vjp_update(const Vjp& d) {
  const auto starts = d.operands.subspan(2);
  std::vector<Value> gradients(d.operands.size());
  if (d.needs(0))
    gradients[0] = dynamic_update_slice(d.grad(), zeros(d.builder, d.in(1).type()), starts);
  if (d.needs(1))
    gradients[1] = dynamic_slice(d.grad(), starts, window_sizes(d.in(1).shape(), d.in(0).shape()));
  return gradients;
}

}  // namespace

Op dynamic_slice_op() {
  return move("dynamic_slice")
      .operands(1, -1)
      .attributes<DynamicSliceAttributes>()
      .doc(
          "The window of `sizes` at the given starts (one i32 scalar per axis), which are moved so "
          "that it lies inside; a size of -1 takes the whole axis.")
      .infer(infer_slice)
      .vjp(vjp_slice);
}

Op dynamic_update_slice_op() {
  return move("dynamic_update_slice")
      .operands(2, -1)
      .doc(
          "The first operand with the window at the given starts (one i32 scalar per axis), moved "
          "so that it lies inside, replaced by the second operand.")
      .infer(infer_update)
      .vjp(vjp_update);
}

Value dynamic_slice(Value x, std::span<const Value> starts, std::vector<int64_t> sizes) {
  require(x.defined(), "[dynamic_slice] its operand is not defined");
  return x.builder->emit_one("dynamic_slice", operands_with({x}, starts),
                             DynamicSliceAttributes{std::move(sizes)});
}

Value dynamic_update_slice(Value x, Value update, std::span<const Value> starts) {
  require(x.defined(), "[dynamic_update_slice] its operand is not defined");
  return x.builder->emit_one("dynamic_update_slice", operands_with({x, update}, starts));
}

}  // namespace brisk
