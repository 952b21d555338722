#include "brisk/ops/index/index.h"
#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/linear_index.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/source/source.h"

// Reading at positions given as data.

namespace brisk::onnx {
namespace {

void gather_op(Call& c) {
  if (!c.item(0)->extents.empty() && c.integer("axis", 0) == 0) {
    const std::vector<Extent>& extents = c.item(0)->extents;
    std::vector<Extent> taken;
    for (int64_t at : c.known_integers(1)) {
      if (at < 0) at += static_cast<int64_t>(extents.size());
      require(at >= 0 && at < static_cast<int64_t>(extents.size()),
              "position {} of a shape of rank {}", at, extents.size());
      taken.push_back(extents[static_cast<size_t>(at)]);
    }
    return c.out(c.trace.extents(taken, c.type(1).rank() == 0));
  }
  if (c.element(0) == ElementType::string) {
    const HostTensor texts = c.known(0);
    require(texts.sizes.size() == 1, "strings are gathered from lists only");
    std::vector<std::string> taken;
    for (int64_t at : c.known_integers(1)) {
      if (at < 0) at += texts.sizes[0];
      require(at >= 0 && at < texts.sizes[0], "position {} of {} strings", at, texts.sizes[0]);
      taken.push_back((*texts.strings)[static_cast<size_t>(at)]);
    }
    return c.out(HostTensor(c.known(1).sizes, std::move(taken)));
  }
  const Value x = c.in(0);
  const int64_t axis = checked_axis(c.integer("axis", 0), x.rank());
  const Extent& extent = extent_of(x, axis);
  // Positions that are known are put right here; then the axis may even be a named one.
  if (c.trace.is_constant(c.item(1))) {
    std::vector<int64_t> at = c.known_integers(1);
    bool negative = false;
    for (int64_t& position : at) {
      if (position < 0 && !extent.is_named()) position += extent.size();
      negative |= position < 0;
    }
    if (!negative) {
      const Value list = c.builder().constant(Tensor::of<int64_t>(c.known(1).sizes, at));
      return c.out(gather(x, list, axis), c.element(0));
    }
  }
  c.out(gather(x, positions(c.in(1), size_of(x, axis)), axis), c.element(0));
}

void gather_elements(Call& c) {
  Value x = c.in(0);
  const Value raw = c.in(1);
  const int64_t axis = checked_axis(c.integer("axis", 0), x.rank());
  const Value indices = positions(raw, size_of(x, axis));
  for (int64_t i = 0; i < x.rank(); ++i)
    if (i != axis && !(extent_of(x, i) == extent_of(indices, i)))
      x = slice_axis(x, i, 0, size_of(indices, i));
  c.out(take_along_axis(x, indices, axis), c.element(0));
}

void gather_nd(Call& c) {
  const Value x = c.in(0);
  const Value indices = c.in(1);
  const int64_t batch = c.integer("batch_dims", 0);
  const LinearIndex linear = linear_index(x.shape(), indices, batch);
  Shape rows{Extent(linear.places)};
  Shape result(std::vector<Extent>(indices.shape().begin(), indices.shape().end() - 1));
  for (int64_t i = linear.indexed_axes; i < x.rank(); ++i) {
    rows.push_back(extent_of(x, i));
    result.push_back(extent_of(x, i));
  }
  c.out(reshape(gather(reshape(x, rows), linear.index, 0), result), c.element(0));
}

void one_hot_op(Call& c) {
  const int64_t depth = c.known_integer(1);
  require(depth >= 0, "its depth is {}", depth);
  const Value indices = positions(c.in(0), depth);
  const int64_t rank = indices.rank() + 1, axis = checked_axis(c.integer("axis", -1), rank);
  if (c.trace.is_constant(c.item(2)) && reals(c.known(2)) == std::vector<double>{0, 1}) {
    const Value hot = one_hot(indices, depth, c.type(2).dtype());
    return c.out(axis_from_end(hot, axis), c.element(2));
  }
  const Value values = c.in(2);
  const Value hot = axis_from_end(one_hot(indices, depth, DType::i32), axis);
  const Value off = reshape(slice_axis(values, 0, 0, 1), {}),
              on = reshape(slice_axis(values, 0, 1, 2), {});
  const Value is_hot = not_equal(hot, filled(c.builder(), DType::i32, hot.shape(), 0));
  c.out(select(is_hot, broadcast_to(on, hot.shape()), broadcast_to(off, hot.shape())),
        c.element(2));
}

void array_feature_extractor(Call& c) {
  const Value x = c.in(0);
  const Value at = reshape(c.in(1), {Extent(int64_t{-1})});
  const Value taken = gather(x, positions(at, size_of(x, x.rank() - 1)), x.rank() - 1);
  c.out(x.rank() == 1 ? expand_dims(taken, 0) : taken, c.element(0));
}

constexpr OpRow kIndexRows[] = {
    {"Gather", gather_op},
    {"GatherElements", gather_elements},
    {"GatherND", gather_nd},
    {"OneHot", one_hot_op},
    {"ArrayFeatureExtractor", array_feature_extractor, 1, kMl},
};

}  // namespace

std::span<const OpRow> index_ops() {
  return kIndexRows;
}

}  // namespace brisk::onnx
