#include "brisk/compress/block_rounding.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/base/packed_integers.h"
#include "brisk/base/philox.h"

namespace brisk {
namespace {

/// Normally distributed.
Tensor random_matrix(int64_t k, int64_t n) {
  Tensor matrix(DType::f32, {k, n});
  PhiloxSequence sequence(k * 1000 + n);
  for (float& w : matrix.data<float>()) w = 0.02F * static_cast<float>(sequence.next_normal());
  return matrix;
}

double sqnr(const Tensor& matrix, const WeightGrid& grid) {
  const Tensor steps = block_steps(matrix, grid);
  return block_sqnr(matrix, rounded_to_blocks(matrix, steps, grid), steps, grid);
}

/// Squared error of column `c` of the block from `row` on with this step, each weight at its
/// nearest multiple.
double error_with(const Tensor& matrix, int64_t row, int64_t rows, int64_t c, double step) {
  double error = 0;
  for (int64_t r = row; r < row + rows; ++r) {
    const double w = matrix.get(r * matrix.sizes()[1] + c);
    const double integer = std::fmin(std::fmax(std::nearbyint(w / step), -8), 7);
    error += (w - integer * step) * (w - integer * step);
  }
  return error;
}

TEST(BlockRounding, ComesNearTheBestStepsThereAre) {
  const Tensor matrix = random_matrix(64, 70);
  const WeightGrid grid{.bits = 4, .block_size = 32};
  const Tensor steps = block_steps(matrix, grid);
  EXPECT_EQ(steps.describe(), "bf16[2, 70]");
  double found = 0, best = 0;
  for (int64_t block = 0; block < 2; ++block)
    for (int64_t c = 0; c < 70; ++c) {
      found += error_with(matrix, block * 32, 32, c, steps.get(block * 70 + c));
      double least = INFINITY;
      for (int i = 1; i <= 2000; ++i)
        for (const double sign : {-1.0, 1.0})
          least = std::fmin(least, error_with(matrix, block * 32, 32, c, sign * i * 1e-5));
      best += least;
    }
  EXPECT_LT(10 * std::log10(found / best), 0.3) << "decibels";
}

TEST(BlockRounding, LosesAsMuchAsItsBitsAndBlocksSay) {
  const Tensor matrix = random_matrix(512, 64);
  // A uniform grid of 16 values over a normal distribution is 19.4 dB at best (Max, 1960).
  EXPECT_NEAR(sqnr(matrix, {.bits = 4}), 19.6, 0.4);
  EXPECT_NEAR(sqnr(matrix, {.bits = 4, .block_size = 128}), 20.3, 0.3);
  EXPECT_NEAR(sqnr(matrix, {.bits = 4, .block_size = 32}), 21.8, 0.3);
  EXPECT_GT(sqnr(matrix, {.bits = 8, .block_size = 32}), 43);
}

TEST(BlockRounding, KeepsWhatTheGridHas) {
  const Tensor matrix = Tensor::of<float>({4, 2}, {-2, 0, 1.75F, 0, 0.25F, 0, -1, 0});
  const WeightGrid grid{.bits = 4, .block_size = 4};
  const Tensor steps = block_steps(matrix, grid);
  EXPECT_EQ(steps.get(0), 0.25);
  const Tensor integers = rounded_to_blocks(matrix, steps, grid);
  EXPECT_TRUE(
      bit_equal(unpacked_i4(integers), Tensor::of<int8_t>({4, 2}, {-8, 0, 7, 0, 1, 0, -4, 0})));
  EXPECT_EQ(block_sqnr(matrix, integers, steps, grid), INFINITY);
  const Tensor positive = Tensor::of<float>({3, 1}, {2, -1.75F, 0.25F});
  EXPECT_EQ(block_steps(positive, grid).get(0), -0.25) << "the greatest weight is -8 steps";
}

TEST(BlockRounding, TakesBlocksThatEndEarly) {
  const Tensor matrix = random_matrix(37, 3);
  for (const int64_t block : {8, 32, 64}) {
    const WeightGrid grid{.bits = 4, .block_size = block};
    const Tensor steps = block_steps(matrix, grid);
    EXPECT_EQ(steps.sizes(), (std::vector<int64_t>{(36 + block) / block, 3}));
    EXPECT_GT(sqnr(matrix, grid), 18);
  }
  EXPECT_EQ(block_steps(random_matrix(0, 3), {.bits = 4, .block_size = 8}).sizes(),
            (std::vector<int64_t>{0, 3}));
  EXPECT_EQ(block_steps(random_matrix(0, 3), {.bits = 4}).sizes(), (std::vector<int64_t>{3}));
}

}  // namespace
}  // namespace brisk
