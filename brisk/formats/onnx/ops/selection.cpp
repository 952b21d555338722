#include <algorithm>
#include <cmath>
#include <numeric>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Sorting and selecting. How many elements Compress, NonZero, Unique and NonMaxSuppression give
// depends on their values: they are computed between stages, on the host. TopK gives a fixed number
// and stays in the graph: the rank of an element is the number of elements that go before it.

namespace brisk::onnx {
namespace {

/// For each element along the last axis how many go before it: O(n^2), which fused loops do fast
/// for the sizes that models sort.
void top_k(Call& c) {
  Value x = c.in(0);
  const int64_t axis = checked_axis(c.integer("axis", -1), x.rank());
  const int64_t k = c.opset < 10 ? c.integer("k") : c.known_integer(1);
  const bool largest = c.integer("largest", 1) != 0;
  x = axis_to_end(x, axis);
  const int64_t last = x.rank() - 1, size = size_of(x, last);
  require(k >= 0 && k <= size, "it takes {} of {} elements", k, size);
  Shape wide = x.shape(), row = x.shape(), column = x.shape();
  wide.push_back(Extent(size));
  row[last] = Extent(1);
  row.push_back(Extent(size));
  column.push_back(Extent(1));
  const Value own = broadcast_to(reshape(x, column), wide),
              other = broadcast_to(reshape(x, row), wide);
  const Value own_at = iota(c.builder(), DType::i32, wide, last),
              other_at = iota(c.builder(), DType::i32, wide, last + 1);
  const Value before = largest ? greater(other, own) : less(other, own);
  const Value first = logical_or(before, logical_and(equal(other, own), less(other_at, own_at)));
  const Value rank = cast(reduce_sum(cast(first, DType::i32), {last + 1}), DType::i64);
  // The element of rank r goes to place r.
  const Value at = iota(c.builder(), DType::i64, x.shape(), last);
  const Value order =
      put_along_axis_add(filled(c.builder(), DType::i64, x.shape(), 0), rank, at, last);
  const Value taken = slice_axis(order, last, 0, k);
  c.out(0, axis_from_end(take_along_axis(x, taken, last), axis), c.element(0));
  c.out(1, axis_from_end(taken, axis));
}

void non_zero(Call& c) {
  const HostTensor x = c.known(0);
  const std::vector<int64_t> strides = row_major_strides(x.sizes);
  std::vector<int64_t> places;
  for (int64_t i = 0; i < x.tensor.num_elements(); ++i)
    if (x.tensor.get(i) != 0) places.push_back(i);
  const auto rank = static_cast<int64_t>(x.sizes.size()),
             count = static_cast<int64_t>(places.size());
  Tensor result(DType::i64, {rank, count});
  for (int64_t axis = 0; axis < rank; ++axis)
    for (int64_t i = 0; i < count; ++i)
      result.data<int64_t>()[static_cast<size_t>(axis * count + i)] =
          places[static_cast<size_t>(i)] / strides[static_cast<size_t>(axis)] %
          x.sizes[static_cast<size_t>(axis)];
  c.out(HostTensor(std::move(result)));
}

void compress(Call& c) {
  const std::vector<int64_t> condition = c.known_integers(1);
  Value x = c.in(0);
  int64_t axis = 0;
  if (c.has_attribute("axis"))
    axis = checked_axis(c.integer("axis"), x.rank());
  else
    x = reshape(x, {Extent(int64_t{-1})});
  std::vector<int64_t> kept;
  for (size_t i = 0; i < condition.size() && static_cast<int64_t>(i) < size_of(x, axis); ++i)
    if (condition[i] != 0) kept.push_back(static_cast<int64_t>(i));
  c.out(gather(x, integer_list(c.builder(), kept), axis), c.element(0));
}

/// The slices of `x` along `axis` as rows of numbers.
std::vector<std::vector<double>> rows_of(const HostTensor& x, int64_t axis) {
  const std::vector<double> values = reals(x);
  const int64_t size = x.sizes[static_cast<size_t>(axis)];
  int64_t inner = 1;
  for (size_t i = static_cast<size_t>(axis) + 1; i < x.sizes.size(); ++i) inner *= x.sizes[i];
  std::vector<std::vector<double>> rows(static_cast<size_t>(size));
  for (size_t i = 0; i < values.size(); ++i)
    rows[static_cast<size_t>(static_cast<int64_t>(i) / inner % size)].push_back(values[i]);
  return rows;
}

void unique(Call& c) {
  HostTensor x = c.known(0);
  int64_t axis = 0;
  if (c.has_attribute("axis"))
    axis = checked_axis(c.integer("axis"), static_cast<int64_t>(x.sizes.size()));
  else
    x = HostTensor(x.element, x.tensor.reshaped({x.tensor.num_elements()}));
  const std::vector<std::vector<double>> rows = rows_of(x, axis);
  std::vector<int64_t> order(rows.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return rows[static_cast<size_t>(a)] < rows[static_cast<size_t>(b)];
  });
  std::vector<int64_t> first, counts, inverse(rows.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const bool same =
        i > 0 && rows[static_cast<size_t>(order[i])] == rows[static_cast<size_t>(order[i - 1])];
    if (!same) {
      first.push_back(order[i]);
      counts.push_back(0);
    }
    ++counts.back();
    inverse[static_cast<size_t>(order[i])] = static_cast<int64_t>(first.size()) - 1;
  }
  if (c.integer("sorted", 1) == 0) {  // in the order of first appearance
    std::vector<int64_t> by_place(first.size()), new_place(first.size());
    std::iota(by_place.begin(), by_place.end(), 0);
    std::sort(by_place.begin(), by_place.end(), [&](int64_t a, int64_t b) {
      return first[static_cast<size_t>(a)] < first[static_cast<size_t>(b)];
    });
    std::vector<int64_t> new_first, new_counts;
    for (size_t i = 0; i < by_place.size(); ++i) {
      new_place[static_cast<size_t>(by_place[i])] = static_cast<int64_t>(i);
      new_first.push_back(first[static_cast<size_t>(by_place[i])]);
      new_counts.push_back(counts[static_cast<size_t>(by_place[i])]);
    }
    for (int64_t& place : inverse) place = new_place[static_cast<size_t>(place)];
    first = new_first;
    counts = new_counts;
  }
  const auto list = [](const std::vector<int64_t>& values) {
    return HostTensor(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
  };
  const Value source = c.trace.value(c.trace.constant(x));
  c.out(0, gather(source, integer_list(c.builder(), first), axis), x.element);
  c.out(1, c.trace.constant(list(first)));
  c.out(2, c.trace.constant(list(inverse)));
  c.out(3, c.trace.constant(list(counts)));
}

struct Box {
  double y1, x1, y2, x2;
};
double overlap(const Box& a, const Box& b) {
  const double height = std::max(0.0, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
  const double width = std::max(0.0, std::min(a.x2, b.x2) - std::max(a.x1, b.x1));
  const double shared = height * width;
  const double total = (a.y2 - a.y1) * (a.x2 - a.x1) + (b.y2 - b.y1) * (b.x2 - b.x1) - shared;
  return total > 0 ? shared / total : 0;
}

void non_max_suppression(Call& c) {
  const HostTensor boxes = c.known(0), scores = c.known(1);
  require(boxes.sizes.size() == 3 && boxes.sizes[2] == 4 && scores.sizes.size() == 3,
          "it takes boxes [batch, n, 4] and scores [batch, classes, n]");
  require(boxes.sizes[0] == scores.sizes[0] && boxes.sizes[1] == scores.sizes[2],
          "its boxes and scores do not fit each other");
  const int64_t batch = boxes.sizes[0], count = boxes.sizes[1], classes = scores.sizes[1];
  const int64_t limit = c.has(2) ? c.known_integer(2) : 0;
  const double threshold = c.has(3) ? c.known_real(3) : 0;
  const bool has_score = c.has(4);
  const double score_limit = has_score ? c.known_real(4) : 0;
  const bool centred = c.integer("center_point_box", 0) != 0;
  const auto box = [&](int64_t sample, int64_t i) {
    const auto at = [&](int64_t k) { return boxes.tensor.get((sample * count + i) * 4 + k); };
    if (centred)
      return Box{at(1) - at(3) / 2, at(0) - at(2) / 2, at(1) + at(3) / 2, at(0) + at(2) / 2};
    return Box{std::min(at(0), at(2)), std::min(at(1), at(3)), std::max(at(0), at(2)),
               std::max(at(1), at(3))};
  };
  std::vector<int64_t> selected;
  for (int64_t sample = 0; sample < batch; ++sample)
    for (int64_t label = 0; label < classes; ++label) {
      const auto score = [&](int64_t i) {
        return scores.tensor.get((sample * classes + label) * count + i);
      };
      std::vector<int64_t> order;
      for (int64_t i = 0; i < count; ++i)
        if (!has_score || score(i) > score_limit) order.push_back(i);
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t a, int64_t b) { return score(a) > score(b); });
      std::vector<int64_t> kept;
      for (const int64_t candidate : order) {
        if (static_cast<int64_t>(kept.size()) >= limit) break;
        const bool hidden = std::any_of(kept.begin(), kept.end(), [&](int64_t other) {
          return overlap(box(sample, candidate), box(sample, other)) > threshold;
        });
        if (!hidden) kept.push_back(candidate);
      }
      for (const int64_t i : kept) selected.insert(selected.end(), {sample, label, i});
    }
  c.out(HostTensor(Tensor::of<int64_t>({static_cast<int64_t>(selected.size()) / 3, 3}, selected)));
}

constexpr OpRow kSelectionRows[] = {
    {"TopK", top_k},
    {.op = "NonZero", .importer = non_zero, .host = true},
    {"Compress", compress},
    {.op = "Unique", .importer = unique, .host = true},
    {.op = "NonMaxSuppression", .importer = non_max_suppression, .host = true},
};

}  // namespace

std::span<const OpRow> selection_ops() {
  return kSelectionRows;
}

}  // namespace brisk::onnx
