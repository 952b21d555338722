#include <numeric>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/limits.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/source/source.h"

// Rearranging elements: transpose, concatenate, split, slice, pad, tile and what is made of them.

namespace brisk::onnx {
namespace {

void transpose_op(Call& c) {
  const Value x = c.in(0);
  std::vector<int64_t> permutation = c.integers("perm");
  if (permutation.empty()) {
    permutation.resize(static_cast<size_t>(x.rank()));
    std::iota(permutation.rbegin(), permutation.rend(), 0);
  }
  c.out(x.rank() == 0 ? x : transpose(x, permutation), c.element(0));
}

void concat(Call& c) {
  bool named = false, all_lists = true;
  for (size_t i = 0; i < c.num_inputs(); ++i) {
    named |= !c.item(i)->extents.empty();
    all_lists &=
        !c.item(i)->extents.empty() || (c.element(i) == ElementType::i64 && c.type(i).rank() == 1 &&
                                        c.trace.is_constant(c.item(i)));
  }
  if (named && all_lists) {
    std::vector<Extent> joined;
    for (size_t i = 0; i < c.num_inputs(); ++i)
      for (const Extent& extent : c.extents(i)) joined.push_back(extent);
    return c.out(c.trace.extents(joined));
  }
  if (c.element(0) == ElementType::string) {
    std::vector<std::string> joined;
    for (size_t i = 0; i < c.num_inputs(); ++i) {
      const HostTensor part = c.known(i);
      require(part.sizes.size() == 1, "only lists of strings are concatenated");
      joined.insert(joined.end(), part.strings->begin(), part.strings->end());
    }
    const auto count = static_cast<int64_t>(joined.size());
    return c.out(HostTensor({count}, std::move(joined)));
  }
  std::vector<Value> parts;
  for (size_t i = 0; i < c.num_inputs(); ++i) parts.push_back(c.in(i));
  const int64_t axis =
      checked_axis(c.opset < 4 ? c.integer("axis", 1) : c.integer("axis"), parts[0].rank());
  c.out(parts.size() == 1 ? parts[0] : concatenate(parts, axis), c.element(0));
}

void split(Call& c) {
  const Value x = c.in(0);
  const int64_t axis = checked_axis(c.integer("axis", 0), x.rank()), size = size_of(x, axis);
  std::vector<int64_t> sizes;
  if (const auto given = c.integers_of("split", 1)) {
    sizes = *given;
  } else {
    const auto count = c.integer("num_outputs", static_cast<int64_t>(c.outputs.size()));
    require(count > 0, "it splits into {} parts", count);
    const int64_t part = (size + count - 1) / count;
    for (int64_t at = 0, i = 0; i < count; ++i, at += part)
      sizes.push_back(std::clamp<int64_t>(size - at, 0, part));
  }
  require(sizes.size() >= c.outputs.size() &&
              std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) == size,
          "the parts [{}] do not make up the size {} of axis {}", fmt::join(sizes, ", "), size,
          axis);
  int64_t start = 0;
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    require(sizes[i] >= 0, "a part has the size {}", sizes[i]);
    c.out(i, slice_axis(x, axis, start, start + sizes[i]), c.element(0));
    start += sizes[i];
  }
}

struct SliceRange {
  int64_t start = 0, count = 0, step = 1;
};
SliceRange slice_range(int64_t start, int64_t end, int64_t step, int64_t size) {
  require(step != 0, "its step is 0");
  if (start < 0) start += size;
  if (end < 0) end += size;
  SliceRange range{.step = step};
  if (step > 0) {
    start = std::clamp<int64_t>(start, 0, size);
    end = std::clamp<int64_t>(end, 0, size);
    range.count = end > start ? (end - start - 1) / step + 1 : 0;
  } else {
    start = std::clamp<int64_t>(start, -1, size - 1);
    end = std::clamp<int64_t>(end, -1, size - 1);
    range.count = start > end ? (start - end - 1) / -step + 1 : 0;
  }
  range.start = start;
  return range;
}

void slice_op(Call& c) {
  std::vector<int64_t> starts, ends, axes, steps;
  if (c.opset < 10) {
    starts = c.integers("starts");
    ends = c.integers("ends");
    axes = c.integers("axes");
  } else {
    starts = c.known_integers(1);
    ends = c.known_integers(2);
    if (c.has(3)) axes = c.known_integers(3);
    if (c.has(4)) steps = c.known_integers(4);
  }
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  require(
      starts.size() == ends.size() && axes.size() == starts.size() && steps.size() == starts.size(),
      "it has {} starts, {} ends, {} axes and {} steps", starts.size(), ends.size(), axes.size(),
      steps.size());
  if (!c.item(0)->extents.empty()) {
    const std::vector<Extent>& extents = c.item(0)->extents;
    require(starts.size() == 1, "a shape is sliced along several axes");
    const SliceRange range =
        slice_range(starts[0], ends[0], steps[0], static_cast<int64_t>(extents.size()));
    std::vector<Extent> taken;
    for (int64_t i = 0; i < range.count; ++i)
      taken.push_back(extents[static_cast<size_t>(range.start + i * range.step)]);
    return c.out(c.trace.extents(taken));
  }
  Value x = c.in(0);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = checked_axis(axes[i], x.rank());
    const bool whole =
        starts[i] == 0 && ends[i] >= std::numeric_limits<int32_t>::max() && steps[i] == 1;
    if (whole) continue;
    const SliceRange range = slice_range(starts[i], ends[i], steps[i], size_of(x, axis));
    if (range.count == size_of(x, axis) && range.step == 1) continue;
    x = slice_any(x, axis, range.start, range.count, range.step);
  }
  c.out(x, c.element(0));
}

/// Along one axis the source of each place: the edge, its mirror image, or the other end.
Value pad_by_index(Value x, int64_t axis, int64_t low, int64_t high, const std::string& mode) {
  const int64_t size = size_of(x, axis);
  if (low == 0 && high == 0) return x;
  check_table("padded axis", std::max<int64_t>(size + low + high, 0));
  std::vector<int64_t> sources;
  for (int64_t i = -low; i < size + high; ++i) {
    int64_t at = i;
    if (mode == "edge") {
      at = std::clamp<int64_t>(i, 0, size - 1);
    } else if (mode == "wrap") {
      at = ((i % size) + size) % size;
    } else {
      const int64_t period = std::max<int64_t>(2 * (size - 1), 1);
      at = ((i % period) + period) % period;
      if (at >= size) at = period - at;
    }
    sources.push_back(at);
  }
  return gather(x, integer_list(*x.builder, sources), axis);
}

void pad_op(Call& c) {
  Value x = c.in(0);
  std::vector<int64_t> pads =
      c.opset < 11 ? c.integers(c.opset < 2 ? "paddings" : "pads") : c.known_integers(1);
  check_bounded("pads", pads);
  const std::string mode = c.text("mode", "constant");
  std::vector<int64_t> axes(static_cast<size_t>(x.rank()));
  std::iota(axes.begin(), axes.end(), 0);
  if (c.opset >= 18 && c.has(3)) {
    axes = c.known_integers(3);
    for (int64_t& axis : axes) axis = checked_axis(axis, x.rank());
  }
  require(pads.size() == 2 * axes.size(), "it has {} pads for {} axes", pads.size(), axes.size());
  std::vector<int64_t> low(static_cast<size_t>(x.rank())), high(low);
  for (size_t i = 0; i < axes.size(); ++i) {
    low[static_cast<size_t>(axes[i])] = pads[i];
    high[static_cast<size_t>(axes[i])] = pads[i + axes.size()];
  }
  if (mode == "constant") {
    Value value = c.builder().scalar(x.dtype(), c.opset < 11 ? c.real("value", 0) : 0);
    if (c.opset >= 11 && c.has(2)) value = cast(reshape(c.in(2), {}), x.dtype());
    return c.out(pad(x, value, low, high), c.element(0));
  }
  require(mode == "reflect" || mode == "edge" || mode == "wrap", "its mode is '{}'", mode);
  for (int64_t axis = 0; axis < x.rank(); ++axis)
    x = pad_by_index(x, axis, low[static_cast<size_t>(axis)], high[static_cast<size_t>(axis)],
                     mode);
  c.out(x, c.element(0));
}

void tile(Call& c) {
  const Value x = c.in(0);
  const std::vector<int64_t> repeats = c.known_integers(1);
  require(static_cast<int64_t>(repeats.size()) == x.rank(), "it has {} repeats for rank {}",
          repeats.size(), x.rank());
  Shape spread, joined;
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < x.rank(); ++i) {
    const int64_t repeat = repeats[static_cast<size_t>(i)];
    require(repeat >= 0 && repeat <= kMaxSize, "it repeats {} times", repeat);
    spread.push_back(Extent(repeat));
    spread.push_back(extent_of(x, i));
    axes.push_back(2 * i + 1);
    joined.push_back(repeat == 1 ? extent_of(x, i) : Extent(repeat * size_of(x, i)));
  }
  c.out(reshape(broadcast(x, spread, axes), joined), c.element(0));
}

void depth_to_space(Call& c) {
  const Value x = c.in(0);
  const int64_t block = c.integer("blocksize"), channels = size_of(x, 1), height = size_of(x, 2),
                width = size_of(x, 3);
  require(block > 0 && block < 32768 && channels % (block * block) == 0,
          "{} channels do not divide into blocks of {}", channels, block);
  const int64_t depth = channels / (block * block);
  Value y;
  if (c.text("mode", "DCR") == "DCR")
    y = transpose(reshape(x, {extent_of(x, 0), block, block, depth, height, width}),
                  {0, 3, 4, 1, 5, 2});
  else
    y = transpose(reshape(x, {extent_of(x, 0), depth, block, block, height, width}),
                  {0, 1, 4, 2, 5, 3});
  c.out(reshape(y, {extent_of(x, 0), depth, height * block, width * block}));
}

void space_to_depth(Call& c) {
  const Value x = c.in(0);
  const int64_t block = c.integer("blocksize"), channels = size_of(x, 1), height = size_of(x, 2),
                width = size_of(x, 3);
  require(block > 0 && block < 32768 && height % block == 0 && width % block == 0,
          "{} x {} does not divide into blocks of {}", height, width, block);
  const Value y = transpose(
      reshape(x, {extent_of(x, 0), channels, height / block, block, width / block, block}),
      {0, 3, 5, 1, 2, 4});
  c.out(reshape(y, {extent_of(x, 0), channels * block * block, height / block, width / block}));
}

void trilu(Call& c) {
  const Value x = c.in(0);
  require(x.rank() >= 2, "it takes matrices, not rank {}", x.rank());
  const int64_t k = c.has(1) ? c.known_integer(1) : 0;
  const bool upper = c.integer("upper", 1) != 0;
  const Shape matrix{extent_of(x, x.rank() - 2), extent_of(x, x.rank() - 1)};
  const Value row = iota(c.builder(), DType::i64, matrix, 0),
              column = iota(c.builder(), DType::i64, matrix, 1);
  const Value limit = plus(row, static_cast<double>(k));
  const Value keep = upper ? greater_equal(column, limit) : less_equal(column, limit);
  c.out(select(broadcast_to(keep, x.shape()), x, filled(c.builder(), x.dtype(), x.shape(), 0)),
        c.element(0));
}

void center_crop_pad(Call& c) {
  Value x = c.in(0);
  const std::vector<int64_t> wanted = c.known_integers(1);
  std::vector<int64_t> axes = c.integers("axes");
  if (!c.has_attribute("axes")) {
    axes.resize(static_cast<size_t>(x.rank()));
    std::iota(axes.begin(), axes.end(), 0);
  }
  require(axes.size() == wanted.size(), "it has {} sizes for {} axes", wanted.size(), axes.size());
  std::vector<int64_t> low(static_cast<size_t>(x.rank())), high(low);
  for (size_t i = 0; i < axes.size(); ++i) {
    const int64_t axis = checked_axis(axes[i], x.rank()), size = size_of(x, axis),
                  missing = wanted[i] - size;
    const int64_t before = missing >= 0 ? missing / 2 : -((-missing) / 2);
    low[static_cast<size_t>(axis)] = before;
    high[static_cast<size_t>(axis)] = missing - before;
  }
  c.out(pad(x, c.builder().scalar(x.dtype(), 0), low, high), c.element(0));
}

void reverse_sequence(Call& c) {
  const Value x = c.in(0);
  const int64_t batch = c.integer("batch_axis", 1), time = c.integer("time_axis", 0);
  require(x.rank() >= 2 && batch != time, "it takes a batch axis and a time axis");
  const Value step = iota(c.builder(), DType::i64, x.shape(), time);
  const Value length = broadcast_to(along(cast(c.in(1), DType::i64), batch, x.rank()), x.shape());
  // Never negative, which is said here since ONNX would count such positions from the end.
  const Value source = maximum(select(less(step, length), length - step - 1.0, step),
                               filled(c.builder(), DType::i64, x.shape(), 0));
  c.out(take_along_axis(x, source, time), c.element(0));
}

constexpr OpRow kMoveRows[] = {
    {"Transpose", transpose_op},
    {"Concat", concat},
    {"Split", split},
    {"Slice", slice_op},
    {"Pad", pad_op},
    {"Tile", tile},
    {"DepthToSpace", depth_to_space},
    {"SpaceToDepth", space_to_depth},
    {"Trilu", trilu},
    {"CenterCropPad", center_crop_pad},
    {"ReverseSequence", reverse_sequence},
};

}  // namespace

std::span<const OpRow> move_ops() {
  return kMoveRows;
}

}  // namespace brisk::onnx
