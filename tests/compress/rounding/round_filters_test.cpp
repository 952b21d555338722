#include "brisk/compress/rounding/round_filters.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantize_weights.h"
#include "brisk/compress/rounding/second_moments.h"
#include "brisk/compress/rounding/second_order_rounding.h"
#include "brisk/compress/row_products.h"
#include "brisk/compress/weight_only_quantization.h"
#include "brisk/data/memory_source.h"
#include "tests/compress/residual_model.h"

namespace brisk {
namespace {

TEST(RoundFilters, BringsAModelNearerToItsFloats) {
  const Model folded = fold_weights(residual_model());
  const Dataset data = from_tensor_slices(images(64)).batch(16);
  const ValueRanges ranges = calibrate_model(folded, data);
  const RoundedFilters rounded =
      round_filters(folded, plan_quantization(folded.program, {}).products, data, {});
  ASSERT_EQ(rounded.size(), 5u);
  const std::vector<Tensor> batch = images(64);
  // What activations lose is the same: all but filters in floats.
  const auto error = [&](const RoundedFilters& filters) {
    double sum = 0;
    for_each_second_moments(
        folded, plan_quantization(folded.program, {}).products, data, 1,
        [&](const ProductPlan& product, const Tensor& moments) {
          const Node& node = folded.program.graph.node(product.node);
          if (groups_of(node) > 1) return;
          const Tensor filter = filter_of(node, product, folded.weights[product.filter]);
          const int64_t k = moments.sizes()[1];
          const std::vector<double> scales = channel_scales(filter);
          const auto found = filters.find(product.node);
          const Tensor integers = found == filters.end()
                                      ? quantize_weights(filter, Tensor(), 1, 1).filter
                                      : found->second;
          sum += rounding_error(filter.reshaped({k, filter.sizes().back()}),
                                integers.reshaped({k, filter.sizes().back()}),
                                moments.reshaped({k, k}), {.scales = scales});
        });
    return sum;
  };
  EXPECT_LT(error(rounded), 0.8 * error({}));
  const Model plain = quantize_model(folded, ranges).model,
              better = quantize_model(folded, ranges, {}, rounded).model;
  EXPECT_GT(output_sqnr(folded, better, batch), output_sqnr(folded, plain, batch));
  ASSERT_EQ(plain.weights.size(), better.weights.size());
  for (size_t i = 0; i < plain.weights.size(); ++i) {
    const bool is_filter = plain.weights[i].dtype() == DType::i8;
    EXPECT_EQ(bit_equal(plain.weights[i], better.weights[i]), !is_filter)
        << plain.program.state[i].name << ": scales and biases stay";
  }
  const RoundedFilters learned =
      round_filters(folded, plan_quantization(folded.program, {}).products, data,
                    {.rounding = Rounding::adaround, .steps = 400});
  EXPECT_LT(error(learned), 0.9 * error({}));
  EXPECT_TRUE(round_filters(folded, plan_quantization(folded.program, {}).products, data,
                            {.rounding = Rounding::nearest})
                  .empty());
}

TEST(RoundFilters, RoundsBlocksOfFourBitsToo) {
  const Model folded = fold_weights(residual_model());
  const Dataset data = from_tensor_slices(images(64)).batch(16);
  const auto products = plan_row_products(folded.program, {}).products;
  ASSERT_EQ(products.size(), 1u);
  const WeightOnlyOptions options{.grid = {.bits = 4, .block_size = 8}};
  const RoundedFilters rounded = round_filters(folded, products, data, {.grid = options.grid});
  const auto sqnr = [&](const RoundedFilters& filters) {
    return output_sqnr(folded, quantize_weights_only(folded, {}, options, filters).model,
                       images(64));
  };
  EXPECT_GT(sqnr(rounded), sqnr({}) + 1);
  const Model blocks = quantize_weights_only(folded, {}, options, rounded).model;
  EXPECT_TRUE(
      std::ranges::any_of(blocks.weights, [](const Tensor& w) { return w.dtype() == DType::i4; }));
  // What has 8 bits by channel all the same is rounded to nearest.
  WeightOnlyOptions wide = options;
  for (const auto& [id, product] : products)
    wide.wide_layers.insert(folded.program.graph.node(id).label);
  const std::vector<Tensor> given = quantize_weights_only(folded, {}, wide, rounded).model.weights,
                            nearest = quantize_weights_only(folded, {}, wide).model.weights;
  ASSERT_EQ(given.size(), nearest.size());
  for (size_t i = 0; i < given.size(); ++i) EXPECT_TRUE(bit_equal(given[i], nearest[i]));
  EXPECT_THROW(
      round_filters(folded, products, data, {.rounding = Rounding::adaround, .grid = options.grid}),
      UserError);
}

}  // namespace
}  // namespace brisk
