#include <cmath>
#include <numbers>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/cast_to.h"
#include "brisk/formats/onnx/ops/limits.h"
#include "brisk/formats/onnx/ops/mersenne_twister.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Random numbers. ONNX leaves the generator open: brisk's counter-based one draws, its key made of
// the seed. Dropout in training mode with a seed is the exception: there ONNX's reference draws
// with NumPy's generator, and so does this, where the shape is known.

namespace brisk::onnx {
namespace {

Value key_of(Call& c) {
  // The seed is a float; its bits are the key, so that different seeds draw differently.
  const auto seed = static_cast<float>(c.real("seed", 0));
  uint32_t bits = 0;
  static_assert(sizeof bits == sizeof seed);
  std::copy_n(reinterpret_cast<const std::byte*>(&seed), sizeof bits,
              reinterpret_cast<std::byte*>(&bits));
  return c.builder().constant(Tensor::of<uint32_t>({2}, std::vector<uint32_t>{bits, 0x6f6e6e78}));
}

Value uniform(Call& c, const Shape& shape, double low, double high) {
  return plus(scaled(random_uniform(key_of(c), shape), high - low), low);
}

/// Box and Muller's two uniform numbers to one normal one.
Value normal(Call& c, const Shape& shape, double mean, double scale) {
  const Value key = key_of(c);
  const Value a = random_uniform(fold_key(key, 1), shape),
              b = random_uniform(fold_key(key, 2), shape);
  const Value radius = sqrt(log1p(-a) * -2.0);
  return plus(scaled(radius * cos(b * (2 * std::numbers::pi)), scale), mean);
}

Shape shape_attribute(const Call& c) {
  const std::vector<int64_t> sizes = c.integers("shape");
  for (const int64_t size : sizes)
    require(size >= 0 && size <= kMaxSize, "its shape holds {}", size);
  return Shape(sizes);
}

void give(Call& c, Value x, ElementType type) {
  c.out(cast_element(x, ElementType::f32, type), type);
}

void random_uniform_op(Call& c) {
  give(c, uniform(c, shape_attribute(c), c.real("low", 0), c.real("high", 1)),
       c.element_attribute("dtype").value_or(ElementType::f32));
}
void random_uniform_like(Call& c) {
  give(c, uniform(c, c.type(0).shape(), c.real("low", 0), c.real("high", 1)),
       c.element_attribute("dtype").value_or(c.element(0)));
}
void random_normal_op(Call& c) {
  give(c, normal(c, shape_attribute(c), c.real("mean", 0), c.real("scale", 1)),
       c.element_attribute("dtype").value_or(ElementType::f32));
}
void random_normal_like(Call& c) {
  give(c, normal(c, c.type(0).shape(), c.real("mean", 0), c.real("scale", 1)),
       c.element_attribute("dtype").value_or(c.element(0)));
}

void bernoulli(Call& c) {
  const ElementType to = c.element_attribute("dtype").value_or(c.element(0));
  const Value drawn = random_uniform(key_of(c), c.type(0).shape());
  c.out(cast_element(less(drawn, cast(c.in(0), DType::f32)), ElementType::boolean, to), to);
}

/// Row by row: as many draws as asked, by the place of a uniform number among the summed weights.
void multinomial(Call& c) {
  const Value x = cast(c.in(0), DType::f32);
  const int64_t draws = c.integer("sample_size", 1), rows = size_of(x, 0), classes = size_of(x, 1);
  const ElementType to = c.element_attribute("dtype").value_or(ElementType::i32);
  const Value bound = cumulative_sum(softmax(x, 1), 1);
  const Shape wide{Extent(rows), Extent(draws), Extent(classes)};
  const Value drawn =
      broadcast_to(expand_dims(random_uniform(key_of(c), {Extent(rows), Extent(draws)}), 2), wide);
  const Value passed = greater_equal(
      drawn, broadcast_to(reshape(bound, {Extent(rows), Extent(1), Extent(classes)}), wide));
  const Value label = minimum(reduce_sum(cast(passed, DType::i32), {2}),
                              c.builder().scalar(DType::i32, static_cast<double>(classes - 1)));
  c.out(cast_element(label, ElementType::i32, to), to);
}

void dropout_op(Call& c) {
  const Value x = c.in(0);
  const auto whole = [&] { return filled(c.builder(), DType::boolean, x.shape(), 1); };
  bool training = false;
  double ratio = 0.5;
  if (c.opset >= 12) {
    training = c.has(2) && reals(c.known(2))[0] != 0;
    if (training && c.has(1)) ratio = c.known_real(1);
  }
  if (!training || ratio == 0) {
    c.out(0, c.item(0));
    if (c.wants(1)) c.out(1, c.opset >= 10 ? whole() : cast(whole(), x.dtype()));
    return;
  }
  require(ratio > 0 && ratio < 1, "its ratio is {}", ratio);
  Value keep;
  if (c.has_attribute("seed")) {
    MersenneTwister generator(static_cast<uint32_t>(c.integer("seed")));
    Tensor mask(DType::boolean, x.shape().sizes());
    for (bool& kept : mask.data<bool>()) kept = generator.uniform() >= ratio;
    keep = c.builder().constant(std::move(mask));
  } else {
    keep = greater_equal(random_uniform(key_of(c), x.shape()),
                         filled(c.builder(), DType::f32, x.shape(), ratio));
  }
  const Value wide = widened(x);
  const Value kept =
      select(keep, wide * (1 / (1 - ratio)), filled(c.builder(), wide.dtype(), x.shape(), 0));
  c.out(0, cast(kept, x.dtype()));
  c.out(1, keep);
}

constexpr OpRow kRandomRows[] = {
    {"RandomUniform", random_uniform_op},
    {"RandomUniformLike", random_uniform_like},
    {"RandomNormal", random_normal_op},
    {"RandomNormalLike", random_normal_like},
    {"Bernoulli", bernoulli},
    {"Multinomial", multinomial},
    {"Dropout", dropout_op},
};

}  // namespace

std::span<const OpRow> random_ops() {
  return kRandomRows;
}

}  // namespace brisk::onnx
