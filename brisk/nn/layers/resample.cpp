// Resampling is linear, so it is a product with a constant matrix [new, old], one for each axis.
// Row i holds the filter centred at (i + 0.5) * old / new - 0.5, cut at the edges and scaled to
// sum 1. Nearest neighbours are a gather instead. (Filters: Keys 1981 with a = -0.5 for bicubic;
// Lanczos.)

#include "brisk/nn/layers/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

double triangle(double x) {
  return std::max(0.0, 1 - std::fabs(x));
}

double keys_cubic(double x) {
  x = std::fabs(x);
  if (x >= 2) return 0;
  if (x >= 1) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return ((1.5 * x - 2.5) * x) * x + 1;
}

double lanczos(double x, double radius) {
  x = std::fabs(x);
  if (x < 1e-3) return 1;
  if (x > radius) return 0;
  const double angle = std::numbers::pi * x;
  return radius * std::sin(angle) * std::sin(angle / radius) / (angle * angle);
}

double weight(Interpolation interpolation, double x) {
  switch (interpolation) {
    case Interpolation::bicubic:
      return keys_cubic(x);
    case Interpolation::lanczos3:
      return lanczos(x, 3);
    case Interpolation::lanczos5:
      return lanczos(x, 5);
    default:
      return triangle(x);
  }
}

/// TensorFlow takes the cubic's weights from a table of 1,024 places between two elements, so a
/// centre is rounded to those, after being computed in f32.
double table_place(int64_t i, int64_t old_size, int64_t new_size) {
  const float scale = static_cast<float>(old_size) / static_cast<float>(new_size);
  const float centre = (static_cast<float>(i) + 0.5F) * scale - 0.5F, below = std::floor(centre);
  return static_cast<double>(below) +
         static_cast<double>(std::lrint((centre - below) * 1024.0F)) / 1024.0;
}

Tensor weights(int64_t old_size, int64_t new_size, Interpolation interpolation, bool antialias) {
  const double scale = static_cast<double>(old_size) / static_cast<double>(new_size);
  const double width = antialias ? std::max(scale, 1.0) : 1.0;
  Tensor matrix = Tensor::zeros(DType::f32, {new_size, old_size});
  const std::span<float> values = matrix.data<float>();
  for (int64_t i = 0; i < new_size; ++i) {
    double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
    if (interpolation == Interpolation::bicubic && !antialias)
      centre = table_place(i, old_size, new_size);
    double sum = 0;
    for (int64_t j = 0; j < old_size; ++j)
      sum += weight(interpolation, (static_cast<double>(j) - centre) / width);
    for (int64_t j = 0; j < old_size && std::fabs(sum) > 1e-6; ++j)
      values[static_cast<size_t>(i * old_size + j)] = static_cast<float>(
          weight(interpolation, (static_cast<double>(j) - centre) / width) / sum);
  }
  return matrix;
}

}  // namespace

Interpolation interpolation_from_keras(const std::string& name) {
  if (name == "nearest") return Interpolation::nearest;
  if (name == "bilinear") return Interpolation::bilinear;
  if (name == "bicubic") return Interpolation::bicubic;
  if (name == "lanczos3") return Interpolation::lanczos3;
  if (name == "lanczos5") return Interpolation::lanczos5;
  refuse("interpolation must be nearest, bilinear, bicubic, lanczos3 or lanczos5, but is '{}'",
         name);
}

Value resample(Value x, int64_t axis, int64_t size, Interpolation interpolation, bool antialias) {
  require(size > 0 && size <= (int64_t{1} << 20), "an axis cannot be resampled to {} elements",
          size);
  const int64_t old_size = x.shape().size(axis);
  if (old_size == size) return x;
  if (interpolation == Interpolation::nearest) {
    Tensor indices(DType::i32, {size});
    for (int64_t i = 0; i < size; ++i)
      indices.data<int32_t>()[static_cast<size_t>(i)] = static_cast<int32_t>(std::min(
          old_size - 1,
          static_cast<int64_t>((static_cast<double>(i) + 0.5) * static_cast<double>(old_size) /
                               static_cast<double>(size))));
    return gather(x, x.builder->constant(indices), axis);
  }
  const Value matrix =
      x.builder->constant(weights(old_size, size, interpolation, antialias).cast(x.dtype()));
  const Value y =
      dot_general(x, matrix, {.lhs_contract = {axis}, .rhs_contract = {1}});  // the axis comes last
  std::vector<int64_t> order;
  for (int64_t a = 0; a < axis; ++a) order.push_back(a);
  order.push_back(y.rank() - 1);
  for (int64_t a = axis; a + 1 < y.rank(); ++a) order.push_back(a);
  return transpose(y, order);
}

}  // namespace brisk
