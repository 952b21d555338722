#include "brisk/compress/rounding/cholesky.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "brisk/base/parallel.h"

// Blocks of columns from the left: the block's square is factored element by element, the rows
// below it by substitution, and what is right of it loses their product. That product is nearly all
// of the work: it goes over tiles whose part of the transposed block stays in the cache, along
// rows. Each element's terms are subtracted in one order, whoever does it.
//
// Nobody that brisk depends on factors matrices, and a library for these lines alone would be one
// more thing to install.

namespace brisk {
namespace {

constexpr int64_t kBlock = 64, kTile = 256;

/// The square at `begin`; false where a pivot is not positive.
bool factor_square(double* matrix, int64_t size, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    double* row = matrix + i * size;
    for (int64_t j = begin; j <= i; ++j) {
      const double* other = matrix + j * size;
      double sum = row[j];
      for (int64_t p = begin; p < j; ++p) sum -= row[p] * other[p];
      if (j < i) {
        row[j] = sum / other[j];
      } else {
        if (!(sum > 0) || !std::isfinite(sum)) return false;
        row[i] = std::sqrt(sum);
      }
    }
  }
  return true;
}

/// A row below the square.
void substitute(double* row, const double* matrix, int64_t size, int64_t begin, int64_t end) {
  for (int64_t j = begin; j < end; ++j) {
    const double* other = matrix + j * size;
    double sum = row[j];
    for (int64_t p = begin; p < j; ++p) sum -= row[p] * other[p];
    row[j] = sum / other[j];
  }
}

/// row[j] -= sum over p of factors[p] * columns[p][j], for the tile's j.
void subtract(double* row, const double* factors, const double* columns, int64_t stride,
              int64_t depth, int64_t width) {
  for (int64_t p = 0; p < depth; ++p) {
    const double factor = factors[p];
    const double* column = columns + p * stride;
#pragma omp simd
    for (int64_t j = 0; j < width; ++j) row[j] -= factor * column[j];
  }
}

}  // namespace

bool factor_cholesky(std::span<double> matrix, int64_t size, int threads) {
  double* data = matrix.data();
  std::vector<double> turned(static_cast<size_t>(kBlock * size));
  for (int64_t begin = 0; begin < size; begin += kBlock) {
    const int64_t end = std::min(begin + kBlock, size), depth = end - begin, rest = size - end;
    if (!factor_square(data, size, begin, end)) return false;
    parallel_for(rest, threads, [&](int64_t first, int64_t last) {
      for (int64_t i = end + first; i < end + last; ++i) {
        substitute(data + i * size, data, size, begin, end);
        for (int64_t p = 0; p < depth; ++p)
          turned[static_cast<size_t>(p * size + i)] = data[i * size + begin + p];
      }
    });
    const int64_t tiles = (rest + kTile - 1) / kTile;
    // Rows by turns, for the last ones are the longest.
    const int64_t shares = std::max<int64_t>(1, std::min<int64_t>(rest, 64));
    parallel_for(shares, threads, [&](int64_t first, int64_t last) {
      for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t from = end + tile * kTile;
        for (int64_t share = first; share < last; ++share)
          for (int64_t i = end + share; i < size; i += shares)
            if (const int64_t width = std::min(from + kTile, i + 1) - from; width > 0)
              subtract(data + i * size + from, data + i * size + begin, turned.data() + from, size,
                       depth, width);
      }
    });
  }
  return true;
}

}  // namespace brisk
