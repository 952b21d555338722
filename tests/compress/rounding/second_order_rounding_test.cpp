#include "brisk/compress/rounding/second_order_rounding.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/base/philox.h"
#include "brisk/compress/rounding/cholesky.h"
#include "tests/compress/residual_model.h"
#include "tests/compress/rounding/mixed_inputs.h"

namespace brisk {
namespace {

Tensor nearest(const Tensor& weights, const RoundingGrid& grid) {
  const int64_t rows = weights.sizes()[0], outputs = weights.sizes()[1];
  Tensor result(DType::i8, {rows, outputs});
  for (int64_t i = 0; i < rows * outputs; ++i) {
    const int64_t block = grid.block_size > 0 ? i / outputs / grid.block_size : 0;
    const double scale = grid.scales[static_cast<size_t>(block * outputs + i % outputs)];
    result.set(
        i, std::clamp(std::nearbyint(weights.get(i) / scale), double(grid.low), double(grid.high)));
  }
  return result;
}

TEST(Cholesky, GivesAFactorOfAnySize) {
  for (const int64_t n : {1, 2, 63, 64, 65, 200, 330}) {
    const Tensor h = moments_of(mixed(2 * n + 3, n, 3, 5));
    std::vector<double> factor(static_cast<size_t>(n * n));
    for (int64_t i = 0; i < n * n; ++i) factor[static_cast<size_t>(i)] = h.get(i);
    ASSERT_TRUE(factor_cholesky(factor, n)) << n;
    double worst = 0;
    for (int64_t a = 0; a < n; ++a)
      for (int64_t b = 0; b <= a; ++b) {
        double sum = 0;
        for (int64_t p = 0; p <= b; ++p)
          sum += factor[static_cast<size_t>(a * n + p)] * factor[static_cast<size_t>(b * n + p)];
        worst = std::max(worst, std::fabs(sum - h.get(a * n + b)));
      }
    EXPECT_LT(worst, 1e-12 * largest(h) * static_cast<double>(n)) << n;
  }
  std::vector<double> indefinite = {1, 0, 2, 1};
  EXPECT_FALSE(factor_cholesky(indefinite, 2));
  std::vector<double> not_a_number = {1, 0, NAN, 1};
  EXPECT_FALSE(factor_cholesky(not_a_number, 2));
}

/// GPTQ as its paper has it, for one output: the inverse of the moments, and from it, after each
/// weight, the inverse of what is left.
std::vector<int> by_inverses(std::vector<double> weights, std::vector<double> h, double scale,
                             int limit) {
  const size_t n = weights.size();
  std::vector<double> inverse(n * n, 0.0);  // by Gauss and Jordan
  for (size_t i = 0; i < n; ++i) inverse[i * n + i] = 1;
  for (size_t p = 0; p < n; ++p) {
    const double pivot = h[p * n + p];
    for (size_t j = 0; j < n; ++j) h[p * n + j] /= pivot, inverse[p * n + j] /= pivot;
    for (size_t i = 0; i < n; ++i) {
      if (i == p) continue;
      const double factor = h[i * n + p];
      for (size_t j = 0; j < n; ++j) {
        h[i * n + j] -= factor * h[p * n + j];
        inverse[i * n + j] -= factor * inverse[p * n + j];
      }
    }
  }
  std::vector<int> integers(n);
  for (size_t q = 0; q < n; ++q) {
    const double pivot = inverse[q * n + q];
    integers[q] = static_cast<int>(
        std::clamp(std::nearbyint(weights[q] / scale), -double(limit), double(limit)));
    const double error = (weights[q] - integers[q] * scale) / pivot;
    for (size_t j = 0; j < n; ++j) weights[j] -= error * inverse[q * n + j];
    const std::vector<double> before = inverse;
    for (size_t i = 0; i < n; ++i)
      for (size_t j = 0; j < n; ++j)
        inverse[i * n + j] -= before[i * n + q] * before[q * n + j] / pivot;
    for (size_t j = 0; j < n; ++j)
      if (j > q) inverse[q * n + j] = inverse[j * n + q] = 0;
  }
  return integers;
}

TEST(SecondOrderRounding, IsWhatInversesGive) {
  constexpr int64_t kRows = 24, kOutputs = 40;
  const Tensor moments = moments_of(mixed(100, kRows, 4, 7));
  double trace = 0;
  std::vector<int64_t> order(kRows);  // greatest inputs first
  for (int64_t a = 0; a < kRows; ++a) {
    trace += moments.get(a * kRows + a);
    order[static_cast<size_t>(a)] = a;
  }
  std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return moments.get(a * kRows + a) > moments.get(b * kRows + b);
  });
  const Tensor weights = mixed(kRows, kOutputs, 2, 8);
  const std::vector<double> scales(kOutputs, 0.31);
  const Tensor found =
      round_second_order(weights, moments, {.scales = scales, .low = -7, .high = 7});
  for (int64_t c = 0; c < kOutputs; ++c) {
    std::vector<double> h, w;
    for (const int64_t a : order) {
      w.push_back(weights.get(a * kOutputs + c));
      for (const int64_t b : order)
        h.push_back(moments.get(a * kRows + b) + (a == b ? 0.01 * trace / kRows : 0));
    }
    const std::vector<int> wanted = by_inverses(w, h, 0.31, 7);
    for (size_t i = 0; i < order.size(); ++i)
      EXPECT_EQ(found.get(order[i] * kOutputs + c), wanted[i]) << order[i] << " " << c;
  }
}

TEST(SecondOrderRounding, IsNearTheBestOfAllChoices) {
  // Three weights, whose 7^3 choices can all be tried.
  double best_sum = 0, found_sum = 0, nearest_sum = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    const Tensor moments = moments_of(mixed(20, 3, 1, seed)), weights = mixed(3, 1, 1, 100 + seed);
    const std::vector<double> scales = {1.0};
    const RoundingGrid grid = {.scales = scales, .low = -3, .high = 3};
    double best = INFINITY;
    Tensor integers(DType::i8, {3, 1});
    for (int choice = 0; choice < 343; ++choice) {
      for (int64_t i = 0, rest = choice; i < 3; ++i, rest /= 7)
        integers.set(i, static_cast<double>(rest % 7 - 3));
      best = std::min(best, rounding_error(weights, integers, moments, grid));
    }
    const double found = rounding_error(
        weights, round_second_order(weights, moments, grid, {.damping = 0}), moments, grid);
    EXPECT_GE(found, best * (1 - 1e-9)) << seed;
    best_sum += best, found_sum += found;
    nearest_sum += rounding_error(weights, nearest(weights, grid), moments, grid);
  }
  EXPECT_LT(found_sum, 0.5 * nearest_sum);
  EXPECT_LT(found_sum, 2 * best_sum);
}

TEST(SecondOrderRounding, KeepsToTheGridOfBlocks) {
  constexpr int64_t kRows = 50, kOutputs = 33, kBlock = 16;
  const Tensor moments = moments_of(mixed(200, kRows, 6, 3)),
               weights = mixed(kRows, kOutputs, 3, 4);
  std::vector<double> scales(4 * kOutputs);
  PhiloxSequence random(9);
  for (double& s : scales) s = 0.1 + 0.2 * random.next_unit();
  scales[5] = 0;  // a block without a weight
  const RoundingGrid grid = {.scales = scales, .block_size = kBlock, .low = -8, .high = 7};
  const Tensor found = round_second_order(weights, moments, grid);
  for (int64_t i = 0; i < found.num_elements(); ++i) {
    EXPECT_GE(found.get(i), -8);
    EXPECT_LE(found.get(i), 7);
  }
  for (int64_t a = 0; a < kBlock; ++a) EXPECT_EQ(found.get(a * kOutputs + 5), 0);
  scales[5] = 0.1;
  EXPECT_LT(rounding_error(weights, round_second_order(weights, moments, grid), moments, grid),
            0.5 * rounding_error(weights, nearest(weights, grid), moments, grid));
  EXPECT_TRUE(bit_equal(round_second_order(weights, moments, grid, {.threads = 1}),
                        round_second_order(weights, moments, grid, {.threads = 2})));
}

TEST(SecondOrderRounding, RoundsToTheNearestWhereInputsSayNothing) {
  const Tensor weights = mixed(6, 4, 2, 4);
  const std::vector<double> scales(4, 0.25);
  const RoundingGrid grid = {.scales = scales};
  EXPECT_TRUE(bit_equal(nearest(weights, grid),
                        round_second_order(weights, Tensor::zeros(DType::f32, {6, 6}), grid)));
  Tensor apart = Tensor::zeros(DType::f32, {6, 6});
  for (int64_t a = 0; a < 6; ++a) apart.set(a * 7, 1.0 + static_cast<double>(a));
  EXPECT_TRUE(bit_equal(nearest(weights, grid), round_second_order(weights, apart, grid)));
}

TEST(SecondOrderRounding, SaysWhatIsWrong) {
  const auto refused = [](auto&& f, const std::string& part) {
    try {
      f();
      ADD_FAILURE() << "no refusal: " << part;
    } catch (const UserError& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
    }
  };
  const Tensor weights = mixed(4, 2, 1, 1);
  const std::vector<double> scales(2, 0.1);
  const RoundingGrid grid = {.scales = scales};
  Tensor ones(DType::f32, {4, 4});
  for (int64_t i = 0; i < 16; ++i) ones.set(i, 1);
  refused([&] { round_second_order(weights, ones, grid, {.damping = 0}); },
          "singular with a damping of 0: give more samples");
  refused([&] { round_second_order(weights, moments_of(mixed(9, 3, 1, 1)), grid); },
          "are f32[3, 3], not f32[4, 4]");
  ones.set(3, NAN);
  refused([&] { round_second_order(weights, ones, grid); }, "not finite");
  refused(
      [&] {
        round_second_order(weights, moments_of(mixed(9, 4, 1, 1)),
                           {.scales = scales, .block_size = 2});
      },
      "2 blocks of rows by 2 outputs have 2 scales");
}

}  // namespace
}  // namespace brisk
