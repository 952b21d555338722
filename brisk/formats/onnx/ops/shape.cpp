#include <algorithm>
#include <cmath>
#include <numeric>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/source/source.h"

// What makes tensors of nothing, and what speaks of shapes. Where sizes have only names, Shape
// gives extents that Gather, Slice, Concat, Squeeze, Unsqueeze and Cast hand on to Reshape and its
// kind.

namespace brisk::onnx {
namespace {

void constant(Call& c) {
  for (const AttributeDef& attribute : c.node.attributes) {
    const auto count = [&](size_t n) { return std::vector<int64_t>{static_cast<int64_t>(n)}; };
    if (attribute.name == "value" || attribute.name == "sparse_value")
      return c.out(attribute.tensor);
    if (attribute.name == "value_int")
      return c.out(HostTensor(Tensor::of<int64_t>({}, std::vector<int64_t>{attribute.integer})));
    if (attribute.name == "value_float")
      return c.out(HostTensor(Tensor::of<float>({}, std::vector<float>{attribute.real})));
    if (attribute.name == "value_ints")
      return c.out(
          HostTensor(Tensor::of<int64_t>(count(attribute.integers.size()), attribute.integers)));
    if (attribute.name == "value_floats")
      return c.out(HostTensor(Tensor::of<float>(count(attribute.reals.size()), attribute.reals)));
    if (attribute.name == "value_string") return c.out(HostTensor({}, {attribute.text}));
    if (attribute.name == "value_strings")
      return c.out(HostTensor(count(attribute.texts.size()), attribute.texts));
  }
  refuse("it holds no value");
}

std::vector<Extent> extents_of(Call& c) {
  if (c.item(0)->known()) {
    std::vector<Extent> result;
    for (const int64_t size : c.item(0)->host.sizes) result.emplace_back(size);
    return result;
  }
  return c.type(0).shape().extents();
}

void shape(Call& c) {
  std::vector<Extent> extents = extents_of(c);
  const auto rank = static_cast<int64_t>(extents.size());
  const auto bound = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const int64_t start = bound(c.integer("start", 0)), end = bound(c.integer("end", rank));
  c.out(c.trace.extents(start < end
                            ? std::vector<Extent>(extents.begin() + start, extents.begin() + end)
                            : std::vector<Extent>()));
}

void size(Call& c) {
  int64_t count = 1;
  for (const Extent& extent : extents_of(c)) count *= extent.size();
  c.out(c.trace.extents({Extent(count)}, true));
}

void constant_of_shape(Call& c) {
  HostTensor value(Tensor::scalar(DType::f32, 0));
  if (const AttributeDef* attribute = c.node.find("value")) value = attribute->tensor;
  require(value.tensor.defined() && value.tensor.num_elements() == 1,
          "its value should be one number");
  const std::vector<Extent> extents = c.extents(0);
  for (const Extent& extent : extents)
    require(extent.is_named() || extent.size() >= 0, "the size {} is negative", extent.to_string());
  const Value scalar = c.builder().constant(value.tensor.reshaped({}));
  c.out(broadcast_to(scalar, Shape(extents)), value.element);
}

void range(Call& c) {
  const ElementType element = c.element(0);
  const DType type = carrier(element).value();
  int64_t count = 0;
  if (is_floating(type)) {
    const double start = c.known_real(0), limit = c.known_real(1), delta = c.known_real(2);
    require(delta != 0, "its step is 0");
    count = std::max<int64_t>(0, truncated(std::ceil((limit - start) / delta)));
  } else {
    const int64_t start = c.known_integer(0), limit = c.known_integer(1),
                  delta = c.known_integer(2);
    require(delta != 0, "its step is 0");
    int64_t span = 0;
    require(!__builtin_sub_overflow(limit, start, &span), "from {} to {} is too far", start, limit);
    count = std::max<int64_t>(
        0, span / delta + (span % delta != 0 && (span < 0) == (delta < 0) ? 1 : 0));
    if ((span < 0) != (delta < 0)) count = 0;
  }
  constexpr int64_t kMax = int64_t{1} << 31;
  require(count <= kMax, "a range of {} numbers is too long", count);
  const Value steps = cast(iota(c.builder(), DType::i64, {Extent(count)}, 0), compute_type(type));
  const Value start = cast(reshape(c.in(0), {}), compute_type(type)),
              delta = cast(reshape(c.in(2), {}), compute_type(type));
  c.out(cast(broadcast_to(start, steps.shape()) + steps * broadcast_to(delta, steps.shape()), type),
        element);
}

void eye_like(Call& c) {
  const ElementType element = c.element_attribute("dtype").value_or(c.element(0));
  const Shape shape = c.type(0).shape();
  require(shape.rank() == 2, "it takes a matrix, not {}", shape.to_string());
  const Value row = iota(c.builder(), DType::i64, shape, 0),
              column = iota(c.builder(), DType::i64, shape, 1);
  c.out(cast(equal(plus(row, static_cast<double>(c.integer("k", 0))), column),
             carrier(element).value()),
        element);
}

/// The shape asked of Reshape: 0 copies, -1 is the rest.
void reshape_op(Call& c) {
  const Type type = c.type(0);
  std::vector<Extent> extents;
  if (c.opset < 5)
    for (const int64_t size : c.integers("shape")) extents.emplace_back(size);
  else
    extents = c.extents(1);
  const bool allow_zero = c.integer("allowzero", 0) != 0;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (extents[i].is_named() || extents[i].size() != 0 || allow_zero) continue;
    require(static_cast<int64_t>(i) < type.rank(), "its shape copies axis {} of {}, which has none",
            i, type.to_string());
    extents[i] = type.shape()[static_cast<int64_t>(i)];
  }
  for (const Extent& extent : extents)
    require(extent.is_named() || extent.size() >= -1, "its shape holds {}", extent.to_string());
  if (c.item(0)->known() && c.item(0)->host.is_string()) refuse("strings are not reshaped");
  // -1 next to a size of 0 cannot be told; ONNX leaves it at 0 then.
  bool has_zero = false;
  for (const Extent& extent : extents) has_zero |= !extent.is_named() && extent.size() == 0;
  if (has_zero)
    for (Extent& extent : extents)
      if (!extent.is_named() && extent.size() == -1) extent = Extent(0);
  c.out(reshape(c.in(0), Shape(extents)), c.element(0));
}

void flatten(Call& c) {
  const Value x = c.in(0);
  int64_t axis = c.integer("axis", 1);
  if (axis < 0) axis += x.rank();
  require(axis >= 0 && axis <= x.rank(), "axis {} is outside of rank {}", axis, x.rank());
  // One side is counted, the other is the rest; a side that holds a named dimension is kept whole.
  int64_t before = 1, behind = 1;
  std::vector<Extent> named_before;
  bool open_behind = false;
  for (int64_t i = 0; i < x.rank(); ++i) {
    const Extent& extent = extent_of(x, i);
    if (extent.is_named() && i < axis) named_before.push_back(extent);
    if (extent.is_named() && i >= axis) open_behind = true;
    if (extent.is_named()) continue;
    (i < axis ? before : behind) *= extent.size();
  }
  if (named_before.empty() && !open_behind)
    return c.out(reshape(x, {Extent(before), Extent(behind)}), c.element(0));
  if (named_before.size() == 1 && before == 1 && !open_behind)
    return c.out(reshape(x, {named_before[0], Extent(behind)}), c.element(0));
  refuse("flattening {} at axis {} multiplies sizes that are only named: give them numbers",
         x.shape().to_string(), axis);
}

void expand(Call& c) {
  const Value x = c.in(0);
  const std::vector<Extent> wanted = c.extents(1);
  const auto rank = std::max<int64_t>(x.rank(), static_cast<int64_t>(wanted.size()));
  Shape shape;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t own = i - (rank - x.rank()),
                  other = i - (rank - static_cast<int64_t>(wanted.size()));
    const Extent a = own < 0 ? Extent(1) : extent_of(x, own);
    const Extent b = other < 0 ? Extent(1) : wanted[static_cast<size_t>(other)];
    shape.push_back(b == Extent(1) ? a : b);
  }
  c.out(broadcast_to(x, shape), c.element(0));
}

/// Lists of extents pass through these with their names.
bool is_extents(const Call& c, size_t i) {
  return c.has(i) && !c.item(i)->extents.empty();
}

void squeeze_op(Call& c) {
  if (is_extents(c, 0)) return c.out(c.trace.extents(c.item(0)->extents, true));
  const Value x = c.in(0);
  const bool named = c.opset < 13 ? c.has_attribute("axes") : c.has(1);
  std::vector<int64_t> axes;
  if (named) axes = checked_axes(c.opset < 13 ? c.integers("axes") : c.known_integers(1), x.rank());
  std::vector<Extent> extents;
  for (int64_t i = 0; i < x.rank(); ++i) {
    const bool drop =
        named ? std::find(axes.begin(), axes.end(), i) != axes.end() : extent_of(x, i) == Extent(1);
    require(!drop || extent_of(x, i) == Extent(1), "axis {} of {} is squeezed but not 1", i,
            x.shape().to_string());
    if (!drop) extents.push_back(extent_of(x, i));
  }
  c.out(reshape(x, Shape(extents)), c.element(0));
}

void unsqueeze(Call& c) {
  if (is_extents(c, 0) && c.type(0).rank() == 0) return c.out(c.trace.extents(c.item(0)->extents));
  const Value x = c.in(0);
  std::vector<int64_t> axes = c.opset < 13 ? c.integers("axes") : c.known_integers(1);
  const int64_t rank = x.rank() + static_cast<int64_t>(axes.size());
  axes = checked_axes(axes, rank);
  Shape shape;
  for (int64_t i = 0, next = 0; i < rank; ++i)
    shape.push_back(std::find(axes.begin(), axes.end(), i) != axes.end() ? Extent(1)
                                                                         : extent_of(x, next++));
  c.out(reshape(x, shape), c.element(0));
}

void identity(Call& c) {
  c.out(c.item(0));
}

constexpr OpRow kShapeRows[] = {
    {"Constant", constant},   {"Shape", shape},
    {"Size", size},           {"ConstantOfShape", constant_of_shape},
    {"Range", range},         {"EyeLike", eye_like},
    {"Reshape", reshape_op},  {"Flatten", flatten},
    {"Expand", expand},       {"Squeeze", squeeze_op},
    {"Unsqueeze", unsqueeze}, {"Identity", identity},
};

}  // namespace

std::span<const OpRow> shape_ops() {
  return kShapeRows;
}

}  // namespace brisk::onnx
