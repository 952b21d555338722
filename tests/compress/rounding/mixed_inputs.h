#pragma once

/// Inputs that go together, and their moments.

#include <vector>

#include "brisk/base/philox.h"
#include "brisk/base/tensor.h"

namespace brisk {

/// Random numbers, by row a mix of `rank` others.
inline Tensor mixed(int64_t rows, int64_t columns, int64_t rank, uint64_t seed) {
  PhiloxSequence random(seed);
  std::vector<double> mix(static_cast<size_t>(rank * columns));
  for (double& m : mix) m = random.next_normal();
  Tensor x(DType::f32, {rows, columns});
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<double> own(static_cast<size_t>(rank));
    for (double& o : own) o = random.next_normal();
    for (int64_t c = 0; c < columns; ++c) {
      double sum = 0.1 * random.next_normal();
      for (int64_t r = 0; r < rank; ++r)
        sum += own[static_cast<size_t>(r)] * mix[static_cast<size_t>(r * columns + c)];
      x.set(row * columns + c, sum);
    }
  }
  return x;
}

/// E[x x^T] of rows.
inline Tensor moments_of(const Tensor& x) {
  const int64_t rows = x.sizes()[0], k = x.sizes()[1];
  Tensor moments = Tensor::zeros(DType::f32, {k, k});
  for (int64_t a = 0; a < k; ++a)
    for (int64_t b = 0; b < k; ++b) {
      double sum = 0;
      for (int64_t row = 0; row < rows; ++row) sum += x.get(row * k + a) * x.get(row * k + b);
      moments.set(a * k + b, sum / static_cast<double>(rows));
    }
  return moments;
}

}  // namespace brisk
