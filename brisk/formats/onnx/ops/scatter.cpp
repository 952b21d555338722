#include <limits>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/linear_index.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Writing at positions given as data. brisk adds at positions; the rest is made of that:
//
//   set    x where nothing is written, else what is added to zeros (positions differ, as ONNX asks)
//   mul, max, min    for each place all updates are compared with it: where(index == place, update,
//                    neutral) is folded. Duplicates are right, at a cost of places x updates.

namespace brisk::onnx {
namespace {

/// Folds updates [..., m] into x [..., n] at index [..., m], along the last axis.
Value fold_into(Value x, Value index, Value updates, const std::string& reduction) {
  Builder& builder = *x.builder;
  const int64_t last = x.rank() - 1;
  Shape wide = x.shape(), row = updates.shape();
  wide.push_back(extent_of(updates, last));
  row[last] = Extent(1);
  row.push_back(extent_of(updates, last));
  const Value hit =
      equal(iota(builder, index.dtype(), wide, last), broadcast_to(reshape(index, row), wide));
  const auto spread = [&](double neutral) {
    return select(hit, broadcast_to(reshape(updates, row), wide),
                  filled(builder, x.dtype(), wide, neutral));
  };
  const bool floating = is_floating(x.dtype());
  const double infinity = std::numeric_limits<double>::infinity();
  const auto lowest = [&](bool high) {
    if (floating) return high ? infinity : -infinity;
    const IntegerRange range = integer_range(element_type_of(x.dtype()));
    return high ? range.high : range.low;
  };
  if (reduction == "mul") return x * reduce_prod(spread(1), {last + 1});
  if (reduction == "max") return maximum(x, reduce_max(spread(lowest(false)), {last + 1}));
  require(reduction == "min", "its reduction is '{}'", reduction);
  return minimum(x, reduce_min(spread(lowest(true)), {last + 1}));
}

/// bool and short integers are added in i32.
Value additive(Value x) {
  return is_floating(x.dtype()) || bits(x.dtype()) >= 32 ? x : cast(x, DType::i32);
}

/// Both: f(zeros or x, indices, updates) adds.
template <typename Add>
Value written(Value x, Value updates, const std::string& reduction, Add add) {
  Builder& builder = *x.builder;
  if (reduction == "add") return cast(add(additive(x), additive(updates)), x.dtype());
  const Value wide = additive(updates);
  const Value zeros = filled(builder, wide.dtype(), x.shape(), 0);
  const Value hits = add(filled(builder, DType::i32, x.shape(), 0),
                         filled(builder, DType::i32, updates.shape(), 1));
  const Value hit = greater(hits, filled(builder, DType::i32, x.shape(), 0));
  return select(hit, cast(add(zeros, wide), x.dtype()), x);
}

void scatter_elements(Call& c) {
  const Value x = c.in(0);
  const int64_t axis = checked_axis(c.integer("axis", 0), x.rank());
  const Value indices = positions(c.in(1), size_of(x, axis)), updates = c.in(2);
  const std::string reduction = c.text("reduction", "none");
  // Updates may be smaller along other axes: what lies beyond them stays as it is.
  Value y = x;
  std::vector<Value> beyond;  ///< an axis each, what is left of x behind the axes before it
  for (int64_t i = 0; i < x.rank(); ++i) {
    const int64_t size = size_of(y, i), reached = i == axis ? size : size_of(updates, i);
    beyond.push_back(reached == size ? Value() : slice_axis(y, i, reached, size));
    if (reached != size) y = slice_axis(y, i, 0, reached);
  }
  if (reduction == "none" || reduction == "add")
    y = written(y, updates, reduction, [&](Value into, Value what) {
      return put_along_axis_add(into, indices, what, axis);
    });
  else
    y = axis_from_end(fold_into(axis_to_end(y, axis), axis_to_end(indices, axis),
                                axis_to_end(updates, axis), reduction),
                      axis);
  for (int64_t i = x.rank(); i-- > 0;)
    if (const Value& rest = beyond[static_cast<size_t>(i)]; rest.defined())
      y = concatenate(std::vector<Value>{y, rest}, i);
  c.out(y, c.element(0));
}

void scatter_nd(Call& c) {
  const Value x = c.in(0);
  const LinearIndex linear = linear_index(x.shape(), c.in(1), 0);
  const std::string reduction = c.text("reduction", "none");
  int64_t inner = 1;
  for (int64_t i = linear.indexed_axes; i < x.rank(); ++i) inner *= size_of(x, i);
  const Value rows = reshape(x, {linear.places, inner});
  const Value index = reshape(linear.index, {Extent(int64_t{-1})});
  const Value updates = reshape(c.in(2), {extent_of(index, 0), Extent(inner)});
  Value result;
  if (reduction == "none" || reduction == "add") {
    result = written(rows, updates, reduction,
                     [&](Value into, Value what) { return scatter_add(into, index, what, 0); });
  } else {
    const Value wide_index = broadcast_to(reshape(index, {Extent(1), extent_of(index, 0)}),
                                          {Extent(inner), extent_of(index, 0)});
    result = transpose(
        fold_into(transpose(rows, {1, 0}), wide_index, transpose(updates, {1, 0}), reduction),
        {1, 0});
  }
  c.out(reshape(result, x.shape()), c.element(0));
}

/// A cache written at positions along one axis: past [batch, ..., length, ...], update,
/// write_indices [batch]; mode linear or circular.
void tensor_scatter(Call& c) {
  const Value past = c.in(0), update = c.in(1);
  const int64_t axis = checked_axis(c.integer("axis", -2), past.rank()),
                length = size_of(past, axis);
  Value at = iota(c.builder(), DType::i64, update.shape(), axis);
  if (c.has(2))
    at = at + broadcast_to(along(cast(c.in(2), DType::i64), 0, past.rank()), update.shape());
  if (c.text("mode", "linear") == "circular")
    at = remainder(at, filled(c.builder(), DType::i64, at.shape(), static_cast<double>(length)));
  const Value place = positions(at, length);
  c.out(
      written(past, update, "none",
              [&](Value into, Value what) { return put_along_axis_add(into, place, what, axis); }),
      c.element(0));
}

constexpr OpRow kScatterRows[] = {
    {"Scatter", scatter_elements},
    {"ScatterElements", scatter_elements},
    {"ScatterND", scatter_nd},
    {"TensorScatter", tensor_scatter},
};

}  // namespace

std::span<const OpRow> scatter_ops() {
  return kScatterRows;
}

}  // namespace brisk::onnx
