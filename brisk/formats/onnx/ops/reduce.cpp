#include <limits>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Reductions, argmax and argmin, running sums and products.

namespace brisk::onnx {
namespace {

struct Reduction {
  std::vector<int64_t> axes;
  bool keep = true;
  bool nothing = false;  ///< noop_with_empty_axes
};

/// Axes were an attribute until `since`, an input from then on.
Reduction reduction(const Call& c, int64_t rank, int64_t since) {
  Reduction result;
  result.keep = c.integer("keepdims", 1) != 0;
  std::optional<std::vector<int64_t>> axes;
  if (c.opset < since)
    axes = c.has_attribute("axes") ? std::optional(c.integers("axes")) : std::nullopt;
  else if (c.has(1))
    axes = c.known_integers(1);
  if (axes && !axes->empty()) {
    result.axes = checked_axes(*axes, rank);
  } else if (c.integer("noop_with_empty_axes", 0) != 0) {
    result.nothing = true;
  } else {
    for (int64_t i = 0; i < rank; ++i) result.axes.push_back(i);
  }
  return result;
}

template <typename F>
void reduce_with(Call& c, int64_t since, F f) {
  const Value x = c.in(0);
  const Reduction r = reduction(c, x.rank(), since);
  c.out(f(x, r), c.element(0));
}

Value sum_of(Value x, const Reduction& r) {
  return r.nothing || r.axes.empty() ? x : reduce_sum(x, r.axes, r.keep);
}

void sum(Call& c) {
  reduce_with(c, 13, sum_of);
}
void mean(Call& c) {
  reduce_with(c, 18, [](Value x, const Reduction& r) {
    if (r.nothing || r.axes.empty()) return x;
    if (is_floating(x.dtype())) return reduce_mean(x, r.axes, r.keep);
    int64_t count = 1;
    for (const int64_t axis : r.axes) count *= size_of(x, axis);
    const Value total = reduce_sum(x, r.axes, r.keep);
    return total / filled(*x.builder, x.dtype(), total.shape(),
                          static_cast<double>(std::max<int64_t>(count, 1)));
  });
}
template <bool kMax>
void extreme(Call& c) {
  reduce_with(c, 18, [](Value x, const Reduction& r) {
    if (r.nothing || r.axes.empty()) return x;
    if (x.dtype() == DType::boolean)
      return kMax ? reduce_any(x, r.axes, r.keep) : reduce_all(x, r.axes, r.keep);
    return kMax ? reduce_max(x, r.axes, r.keep) : reduce_min(x, r.axes, r.keep);
  });
}
void product(Call& c) {
  reduce_with(c, 18, [](Value x, const Reduction& r) {
    return r.nothing || r.axes.empty() ? x : reduce_prod(x, r.axes, r.keep);
  });
}
void l1(Call& c) {
  reduce_with(c, 18, [](Value x, const Reduction& r) {
    return sum_of(is_signed(x.dtype()) ? abs(x) : x, r);
  });
}
void sum_square(Call& c) {
  reduce_with(c, 18, [](Value x, const Reduction& r) { return sum_of(square(x), r); });
}
void l2(Call& c) {
  reduce_with(c, 18, [](Value x, const Reduction& r) {
    const Value wide = is_floating(x.dtype()) ? widened(x) : cast(x, DType::f64);
    return cast(sqrt(sum_of(square(wide), r)), x.dtype());
  });
}
void log_sum(Call& c) {
  reduce_with(c, 18, [](Value x, const Reduction& r) {
    return cast(log(sum_of(widened(x), r)), x.dtype());
  });
}
void log_sum_exp_op(Call& c) {
  reduce_with(c, 18, [](Value x, const Reduction& r) {
    if (r.nothing || r.axes.empty()) return x;
    const Value wide = widened(x);
    Value largest = reduce_max(wide, r.axes, true);
    largest = select(is_finite(largest), largest,
                     filled(*x.builder, largest.dtype(), largest.shape(), 0));
    const Value total = reduce_sum(exp(wide - largest), r.axes, true);
    const Value result = cast(log(total) + largest, x.dtype());
    if (r.keep) return result;
    return reduce_sum(result, r.axes, false);  // axes of extent 1
  });
}

template <Value (*F)(Value, int64_t)>
void index_of(Call& c) {
  Value x = c.in(0);
  const int64_t axis = checked_axis(c.integer("axis", 0), x.rank()), size = size_of(x, axis);
  const bool last = c.integer("select_last_index", 0) != 0;
  if (last) x = reverse(x, {axis});
  Value index = cast(F(x, axis), DType::i64);
  if (last) index = static_cast<double>(size - 1) - index;
  c.out(c.integer("keepdims", 1) != 0 ? expand_dims(index, axis) : index);
}

struct Running {
  Value x;
  int64_t axis;
  bool exclusive, reversed;
};
Running running(Call& c) {
  Running r{c.in(0), 0, c.integer("exclusive", 0) != 0, c.integer("reverse", 0) != 0};
  r.axis = checked_axis(c.known_integer(1), r.x.rank());
  if (r.reversed) r.x = reverse(r.x, {r.axis});
  return r;
}
/// Exclusive: moved by one place, `first` at the beginning.
Value finished(const Running& r, Value y, double first) {
  if (r.exclusive) {
    std::vector<int64_t> low(static_cast<size_t>(y.rank()), 0), high(low);
    low[static_cast<size_t>(r.axis)] = 1;
    high[static_cast<size_t>(r.axis)] = -1;
    y = pad(y, y.builder->scalar(y.dtype(), first), low, high);
  }
  return r.reversed ? reverse(y, {r.axis}) : y;
}

void cum_sum(Call& c) {
  const Running r = running(c);
  c.out(finished(r, cumulative_sum(r.x, r.axis), 0));
}

/// Products of prefixes: where(j <= i, x[j], 1) multiplied over j.
void cum_prod(Call& c) {
  const Running r = running(c);
  const Value x = axis_to_end(r.x, r.axis);
  const int64_t last = x.rank() - 1, size = size_of(x, last);
  Shape wide = x.shape();
  wide.push_back(Extent(size));
  Shape row = x.shape();
  row[last] = Extent(1);
  row.push_back(Extent(size));
  const Value source = broadcast_to(reshape(x, row), wide);
  const Value keep = less_equal(iota(c.builder(), DType::i32, wide, last + 1),
                                iota(c.builder(), DType::i32, wide, last));
  const Value y =
      reduce_prod(select(keep, source, filled(c.builder(), x.dtype(), wide, 1)), {last + 1});
  c.out(finished(r, axis_from_end(y, r.axis), 1));
}

constexpr OpRow kReduceRows[] = {
    {"ReduceSum", sum},
    {"ReduceMean", mean},
    {"ReduceMax", extreme<true>},
    {"ReduceMin", extreme<false>},
    {"ReduceProd", product},
    {"ReduceL1", l1},
    {"ReduceL2", l2},
    {"ReduceSumSquare", sum_square},
    {"ReduceLogSum", log_sum},
    {"ReduceLogSumExp", log_sum_exp_op},
    {"ArgMax", index_of<argmax>},
    {"ArgMin", index_of<argmin>},
    {"CumSum", cum_sum},
    {"CumProd", cum_prod},
};

}  // namespace

std::span<const OpRow> reduce_ops() {
  return kReduceRows;
}

}  // namespace brisk::onnx
