#include "tests/support/tolerances.h"

#include <algorithm>
#include <cmath>

#include "brisk/base/error.h"

namespace brisk::testing {
namespace {

double largest_magnitude(const Tensor& tensor) {
  double largest = 0;
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    if (const double value = std::abs(tensor.get(i)); std::isfinite(value))
      largest = std::max(largest, value);
  return largest;
}

bool agrees(double expected, double actual, double allowed) {
  if (std::isnan(expected) || std::isnan(actual)) return std::isnan(expected) == std::isnan(actual);
  if (std::isinf(expected) || std::isinf(actual)) return expected == actual;
  return std::abs(actual - expected) <= allowed;
}

std::string difference_of_bits(const Tensor& expected, const Tensor& actual) {
  const int64_t size = byte_size(expected.dtype());
  for (int64_t i = 0; i < expected.num_elements(); ++i)
    if (!std::equal(expected.bytes() + i * size, expected.bytes() + (i + 1) * size,
                    actual.bytes() + i * size))
      return fmt::format("element {} of {} is {}, but {} is expected", i, actual.describe(),
                         actual.get(i), expected.get(i));
  return "";
}

}  // namespace

double tolerance(DType type) {
  switch (type) {
    case DType::f64:
      return 1e-12;
    case DType::f32:
      return 2e-6;
    case DType::f16:
      return 1e-3;
    case DType::bf16:
      return 8e-3;
    case DType::f8e4m3:
      return 0.125;
    case DType::f8e5m2:
      return 0.25;
    default:
      return 0;
  }
}

std::string difference(const Tensor& expected, const Tensor& actual, ErrorModel model,
                       double roundings) {
  if (expected.dtype() != actual.dtype() || expected.sizes() != actual.sizes())
    return fmt::format("{} is given where {} is expected", actual.describe(), expected.describe());
  if (!is_floating(expected.dtype())) return difference_of_bits(expected, actual);
  const double relative = roundings * tolerance(expected.dtype());
  const double largest = largest_magnitude(expected);
  const double absolute = model == ErrorModel::sum ? largest : 0.05 * std::min(1.0, largest);
  for (int64_t i = 0; i < expected.num_elements(); ++i) {
    const double allowed = relative * (std::abs(expected.get(i)) + absolute);
    if (!agrees(expected.get(i), actual.get(i), allowed))
      return fmt::format("element {} of {} is {:.9g}, but {:.9g} is expected (within {:.3g})", i,
                         actual.describe(), actual.get(i), expected.get(i), allowed);
  }
  return "";
}

}  // namespace brisk::testing
