#include "brisk/compress/block_rounding.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "brisk/base/packed_integers.h"
#include "brisk/base/parallel.h"
#include "brisk/base/rounding.h"

// A block's weights are few, so that their extreme is no good measure of the others: shorter steps
// that cut it off are tried, and a longer one. What is tried is what is stored, so that rounding a
// step to bf16 costs nothing that is not seen. The extreme itself is -8 steps and not 7: that is
// one value more for its side, about 0.5 dB of normally distributed weights in blocks of 32. From
// the best of these, least squares move the step to where its integers would have it.

namespace brisk {
namespace {

constexpr size_t kStripe = 64;  ///< columns side by side
using Columns = std::array<float, kStripe>;

/// The extreme's share of low() steps.
constexpr float kShares[] = {1.1F,  1.05F, 1.0F,  0.95F, 0.9F,  0.85F, 0.8F,
                             0.75F, 0.7F,  0.65F, 0.6F,  0.55F, 0.5F};
constexpr int kRefinements = 2;

/// x to the nearest whole number, halfway cases to the even one, inside the grid. |x| < 2^22
float whole(float x, float low, float high) {
  constexpr float kNoFractions = 12582912;  // 1.5 * 2^23
  const float inside = x > low ? (x < high ? x : high) : low;
  return inside + kNoFractions - kNoFractions;
}

/// Rows of a block of kStripe columns; those beyond the matrix are 0.
struct Stripe {
  std::vector<Columns> rows;
  Stripe(const Tensor& matrix, int64_t first_row, int64_t last_row, int64_t column) {
    const int64_t n = matrix.sizes()[1];
    const auto count = static_cast<size_t>(std::min(static_cast<int64_t>(kStripe), n - column));
    const float* from = matrix.data<float>().data() + first_row * n + column;
    rows.assign(static_cast<size_t>(last_row - first_row), Columns{});
    for (Columns& row : rows) {
      std::copy_n(from, count, row.begin());
      from += n;
    }
  }
};

class StepSearch {
 public:
  StepSearch(const Stripe& stripe, const WeightGrid& grid)
      : stripe_(stripe), low_(grid.low()), high_(grid.high()), short_(grid.steps() == DType::bf16) {
    error_.fill(INFINITY);
  }

  const Columns& run() {
    Columns extreme{};
    for (const Columns& row : stripe_.rows)
      for (size_t c = 0; c < kStripe; ++c)
        if (std::fabs(row[c]) > std::fabs(extreme[c])) extreme[c] = row[c];
    Columns step;
    for (const float share : kShares) {
      for (size_t c = 0; c < kStripe; ++c) step[c] = extreme[c] * share / low_;
      propose(step);
    }
    for (int i = 0; i < kRefinements; ++i) propose(least_squares());
    return step_;
  }

 private:
  float stored(float step) const {
    const float rounded = short_ ? static_cast<float>(bfloat16(step)) : step;
    return rounded == 0 ? 1 : rounded;
  }

  void propose(Columns step) {
    for (float& s : step) s = stored(s);
    Columns error{};
    for (const Columns& row : stripe_.rows)
      for (size_t c = 0; c < kStripe; ++c) {
        const float lost = row[c] - step[c] * whole(row[c] / step[c], low_, high_);
        error[c] += lost * lost;
      }
    for (size_t c = 0; c < kStripe; ++c)
      if (error[c] < error_[c]) step_[c] = step[c], error_[c] = error[c];
  }

  /// The steps of which the integers of the best ones so far are the weights' best multiples.
  Columns least_squares() const {
    Columns products{}, squares{}, step;
    for (const Columns& row : stripe_.rows)
      for (size_t c = 0; c < kStripe; ++c) {
        const float integer = whole(row[c] / step_[c], low_, high_);
        products[c] += row[c] * integer;
        squares[c] += integer * integer;
      }
    for (size_t c = 0; c < kStripe; ++c)
      step[c] = squares[c] > 0 ? products[c] / squares[c] : step_[c];
    return step;
  }

  const Stripe& stripe_;
  float low_, high_;
  bool short_;
  Columns step_ = {}, error_ = {};
};

int64_t rows_of_block(const Tensor& matrix, const WeightGrid& grid) {
  return grid.block_size > 0 ? grid.block_size : std::max<int64_t>(matrix.sizes()[0], 1);
}

}  // namespace

Tensor block_steps(const Tensor& matrix, const WeightGrid& grid) {
  const int64_t k = matrix.sizes()[0], n = matrix.sizes()[1], block = rows_of_block(matrix, grid);
  const int64_t blocks = ceil_div(k, block);
  Tensor steps(DType::f32, {blocks, n});
  float* to = steps.data<float>().data();
  const int64_t stripes = ceil_div(n, static_cast<int64_t>(kStripe));
  parallel_for(blocks * stripes, available_cores(), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / stripes * block, column = i % stripes * static_cast<int64_t>(kStripe);
      const Stripe stripe(matrix, row, std::min(row + block, k), column);
      const Columns found = StepSearch(stripe, grid).run();
      std::copy_n(found.begin(), std::min(static_cast<int64_t>(kStripe), n - column),
                  to + i / stripes * n + column);
    }
  });
  if (grid.block_size == 0)
    return k == 0 ? Tensor::of({n}, std::vector<float>(static_cast<size_t>(n), 1))
                  : steps.reshaped({n});
  return steps.cast(grid.steps());
}

Tensor rounded_to_blocks(const Tensor& matrix, const Tensor& steps, const WeightGrid& grid) {
  const int64_t k = matrix.sizes()[0], n = matrix.sizes()[1], block = rows_of_block(matrix, grid);
  const Tensor wide = steps.cast(DType::f32);
  const float *weight = matrix.data<float>().data(), *step = wide.data<float>().data();
  Tensor integers(DType::i8, {k, n});
  int8_t* to = integers.data<int8_t>().data();
  for (int64_t row = 0; row < k; ++row)
    for (int64_t column = 0; column < n; ++column)
      to[row * n + column] = static_cast<int8_t>(whole(
          weight[row * n + column] / step[row / block * n + column], grid.low(), grid.high()));
  return grid.bits == 4 ? packed_i4(integers) : integers;
}

double block_sqnr(const Tensor& matrix, const Tensor& integers, const Tensor& steps,
                  const WeightGrid& grid) {
  const int64_t n = matrix.sizes()[1], block = rows_of_block(matrix, grid);
  const Tensor bytes = integers.dtype() == DType::i4 ? unpacked_i4(integers) : integers,
               wide = steps.cast(DType::f32);
  const auto weights = matrix.data<float>();
  const int8_t* stored = bytes.data<int8_t>().data();
  const float* step = wide.data<float>().data();
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < matrix.num_elements(); ++i) {
    const double w = weights[static_cast<size_t>(i)];
    const double lost = w - static_cast<double>(step[i / n / block * n + i % n]) * stored[i];
    signal += w * w;
    noise += lost * lost;
  }
  return noise > 0 && signal > 0 ? 10 * std::log10(signal / noise) : INFINITY;
}

}  // namespace brisk
