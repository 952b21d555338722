#include "brisk/optimize/quantize_by_measurement.h"

#include <gtest/gtest.h>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/rounding/round_filters.h"
#include "brisk/data/memory_source.h"
#include "tests/compress/residual_model.h"

namespace brisk {
namespace {

/// As accuracy serves how near a model is to its floats, in decibels.
TEST(QuantizeByMeasurement, RoundsByTheDataBeforeLayersGoBackToFloats) {
  const Model folded = fold_weights(residual_model());
  const std::vector<Tensor> batch = images(64);
  const Dataset data = from_tensor_slices(batch).batch(16);
  const ValueRanges ranges = calibrate_model(folded, data);
  const auto products = plan_quantization(folded.program, {}).products;
  const RoundedFilters filters = round_filters(folded, products, data, {});
  const auto nearness = [&](const Model& model) { return output_sqnr(folded, model, batch); };
  const double nearest = nearness(quantize_model(folded, ranges).model),
               rounded = nearness(quantize_model(folded, ranges, {}, filters).model);
  ASSERT_GT(rounded, nearest);
  QuantizeByMeasurementOptions options = {
      .time_layers = false, .keep_slow = true, .accuracy = nearness};
  int asked = 0;
  const auto with = [&](double least, bool may_round) {
    options.least_accuracy = least;
    options.rounding = {};
    if (may_round)
      options.rounding = [&] {
        ++asked;
        return filters;
      };
    return quantize_by_measurement(folded, ranges, data, options);
  };
  const double between = (nearest + rounded) / 2;
  const QuantizedByMeasurement reverted = with(between, false), found = with(between, true),
                               enough = with(nearest - 1, true);
  EXPECT_FALSE(reverted.float_layers.empty()) << "without it layers go back";
  EXPECT_FALSE(reverted.rounded);
  EXPECT_TRUE(found.float_layers.empty());
  EXPECT_TRUE(found.rounded);
  EXPECT_NEAR(nearness(found.quantized.model), rounded, 1e-9);
  EXPECT_FALSE(enough.rounded) << "the nearest are good enough";
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace brisk
