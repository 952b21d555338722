#include "brisk/compress/calibration.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/base/philox.h"
#include "brisk/data/memory_source.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "tests/support/refusal.h"

namespace brisk {
namespace {

using testing::refusal;

/// x [batch, 3] and -|x|.
Program identity_and_fold() {
  Builder builder(standard_ops(), "observed");
  const Value x = builder.input("x", Type(DType::f32, Shape({Extent("batch"), Extent(3)})));
  Program program;
  program.graph = builder.finish({{"x", x}, {"below", 0.0 - abs(x)}});
  program.num_results = 2;
  return program;
}

Dataset numbers(const std::vector<float>& values) {
  return from_tensor_slices(
      {Tensor::of<float>({static_cast<int64_t>(values.size()) / 3, 3}, values)});
}

TEST(Calibration, ExtremesAreThoseOfAllBatches) {
  const auto ranges =
      calibrate(identity_and_fold(), {}, numbers({1, -2, 3, 4, 5, -7, 0, 0, 2}).batch(2),
                {.method = CalibrationMethod::min_max});
  ASSERT_EQ(ranges.size(), 2u);
  EXPECT_EQ(ranges[0].low, -7);
  EXPECT_EQ(ranges[0].high, 5);
  EXPECT_EQ(ranges[0].magnitude, 7);
  EXPECT_TRUE(ranges[0].is_signed());
  EXPECT_EQ(ranges[1].high, 0);
}

TEST(Calibration, AMovingAverageFollowsTheBatches) {
  const auto ranges =
      calibrate(identity_and_fold(), {}, numbers({4, 0, 0, 8, 0, 0, -2, 0, 0}).batch(1),
                {.method = CalibrationMethod::moving_average, .momentum = 0.5});
  EXPECT_DOUBLE_EQ(ranges[0].magnitude, 0.5 * (0.5 * 4 + 0.5 * 8) + 0.5 * 2);
}

MagnitudeHistogram normal_values(double outlier) {
  PhiloxSequence random(3);
  Tensor values(DType::f32, {100'000});
  for (int64_t i = 0; i < values.num_elements(); ++i) values.set(i, random.next_normal());
  values.set(7, outlier);
  MagnitudeHistogram histogram{std::vector<double>(2048), outlier};
  histogram.add(values);
  return histogram;
}

TEST(Calibration, APercentileIsThatOfANormalDistribution) {
  const MagnitudeHistogram histogram = normal_values(10);
  const double kept =
      kept_magnitude(histogram, {.method = CalibrationMethod::percentile, .percentile = 99}, 127);
  EXPECT_NEAR(kept, 2.5758, 0.03);
  EXPECT_EQ(
      kept_magnitude(histogram, {.method = CalibrationMethod::percentile, .percentile = 100}, 127),
      10);
}

/// The squared error of the same values kept up to `kept`, summed over them.
double error_of(double kept, int levels, double outlier) {
  PhiloxSequence random(3);
  double error = 0;
  const double step = kept / levels;
  for (int i = 0; i < 100'000; ++i) {
    const double drawn = random.next_normal(), x = i == 7 ? outlier : drawn;
    const double q = std::clamp(std::nearbyint(x / step), -double(levels), double(levels)) * step;
    error += (x - q) * (x - q);
  }
  return error;
}

TEST(Calibration, TheLeastSquaredErrorIsFound) {
  const double kept = kept_magnitude(normal_values(20), {.method = CalibrationMethod::mse}, 127);
  const double least = error_of(kept, 127, 20);
  for (const double other : {0.5 * kept, 0.8 * kept, 0.9 * kept, 1.1 * kept, 1.25 * kept, 20.0})
    EXPECT_GT(error_of(other, 127, 20), 0.995 * least) << other << " beside " << kept;
  EXPECT_GT(error_of(20, 127, 20), 1.2 * least) << "what min_max would keep";
}

TEST(Calibration, EntropyCutsOffAnOutlierAndKeepsWhatIsFull) {
  const double kept =
      kept_magnitude(normal_values(20), {.method = CalibrationMethod::entropy}, 127);
  EXPECT_GT(kept, 2);
  EXPECT_LT(kept, 10);
  const MagnitudeHistogram flat{std::vector<double>(2048, 5), 4};
  EXPECT_NEAR(kept_magnitude(flat, {.method = CalibrationMethod::entropy}, 127), 4, 0.3);
}

TEST(Calibration, IsTheSameForEachRunAndAnyThreads) {
  std::vector<float> values;
  PhiloxSequence random(5);
  for (int i = 0; i < 3000; ++i) values.push_back(static_cast<float>(random.next_normal()));
  for (const CalibrationMethod method :
       {CalibrationMethod::percentile, CalibrationMethod::entropy, CalibrationMethod::mse}) {
    const auto once = calibrate(identity_and_fold(), {}, numbers(values).batch(7),
                                {.method = method, .threads = 1});
    const auto again = calibrate(identity_and_fold(), {}, numbers(values).batch(7),
                                 {.method = method, .threads = 2});
    EXPECT_EQ(once[0].magnitude, again[0].magnitude);
    EXPECT_GT(once[0].magnitude, 1);
  }
}

TEST(Calibration, RefusesDataThatSaysNothing) {
  const auto says = [](const Dataset& data, const std::string& part,
                       CalibrationOptions options = {}) {
    const std::string text = refusal([&] { calibrate(identity_and_fold(), {}, data, options); });
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  says(numbers({1, 2, 3}), "is not batched");
  says(numbers({1, 2, 3}).take(0).batch(1), "no examples");
  says(numbers({1, 2, NAN, 4, 5, 6}).batch(1), "'x' has values that are not finite for batch 0");
  says(from_tensor_slices({Tensor(DType::f32, {4, 5})}).batch(2),
       "of the dataset is f32[5], but input 'x' of model");
  says(from_tensor_slices({Tensor(DType::i32, {4})}).batch(2), "of the dataset is i32[]");
  says(numbers({1, 2, 3}).batch(1), "percentile is 0", {.percentile = 0});
  says(numbers({1, 2, 3}).batch(1), "momentum is 1", {.momentum = 1});
}

}  // namespace
}  // namespace brisk
