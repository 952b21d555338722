#include "brisk/compress/dynamic_quantization.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/compress/fold_weights.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"
#include "tests/compress/residual_model.h"
#include "tests/compress/tokens.h"
#include "tests/support/kernel_case.h"

namespace brisk {
namespace {

Model dense_model() {
  ModelBuilder model("dense");
  Value x = model.input("x", {32});
  x = model(Dense{.units = 24, .activation = "relu", .name = "hidden"}, x);
  Model result = model.finish({{"y", model(Dense{.units = 7, .name = "logits"}, x)}});
  result.initialize(5);
  return result;
}

Tensor rows(int64_t count) {
  PhiloxSequence random(6);
  Tensor x(DType::f32, {count, 32});
  // Each row has another size, and one is nothing at all.
  for (int64_t i = 0; i < x.num_elements(); ++i)
    x.set(i, random.next_normal() * static_cast<double>(i / 32));
  return x;
}

/// By the definition: x a row and its scale, w a channel and its scale, sums of whole numbers.
double expected(const Tensor& x, const Tensor& w, const Tensor& b, int64_t row, int64_t channel) {
  const int64_t k = w.sizes()[0], n = w.sizes()[1];
  double of_row = 0, of_channel = 0, sum = 0;
  for (int64_t i = 0; i < k; ++i) {
    of_row = std::max(of_row, std::fabs(x.get(row * k + i)) / 127);
    of_channel = std::max(of_channel, std::fabs(w.get(i * n + channel)) / 127);
  }
  if (of_row == 0) return b.get(channel);
  for (int64_t i = 0; i < k; ++i)
    sum += std::nearbyint(x.get(row * k + i) / of_row) *
           std::nearbyint(w.get(i * n + channel) / of_channel);
  return sum * of_row * of_channel + b.get(channel);
}

TEST(DynamicQuantization, RoundsRowsByTheirOwnMagnitude) {
  const Model folded = fold_weights(dense_model());
  const QuantizedModel quantized = quantize_dynamically(folded, {"logits"});
  ASSERT_EQ(quantized.layers.size(), 2u);
  EXPECT_TRUE(quantized.layers[0].quantized);
  EXPECT_EQ(quantized.layers[1].reason, "chosen to stay float");
  const auto weights = [&](const char* name) {
    return folded.weights[folded.program.state_index(name)];
  };
  const Tensor x = rows(4), y = run(quantized.model, "reference", x);
  const Tensor w = weights("logits/kernel"), b = weights("logits/bias");
  for (int64_t row = 0; row < 4; ++row)
    for (int64_t c = 0; c < 7; ++c) {
      double wanted = b.get(c), size = 1;
      for (int64_t h = 0; h < 24; ++h) {
        const double hidden =
            std::max(0.0, expected(x, weights("hidden/kernel"), weights("hidden/bias"), row, h));
        wanted += hidden * w.get(h * 7 + c);
        size += std::fabs(hidden * w.get(h * 7 + c));
      }
      EXPECT_NEAR(y.get(row * 7 + c), wanted, 2e-6 * size) << row << " " << c;
    }
  EXPECT_TRUE(bit_equal(run(quantize_dynamically(folded).model, "cpu", x),
                        run(quantize_dynamically(folded).model, "cpu", x)));
}

TEST(DynamicQuantization, TakesTheProductsOfATransformer) {
  Model model = zoo::bert_base(
      {.steps = 8, .vocabulary = 50, .positions = 8, .layers = 2, .width = 32, .heads = 2});
  model.initialize(2);
  const Model folded = fold_weights(model);
  const QuantizedModel quantized = quantize_dynamically(folded);
  int products = 0;
  for (const QuantizedLayer& layer : quantized.layers) products += layer.quantized ? 1 : 0;
  EXPECT_GE(products, 2 * 6) << "query, key, value, output and two of the feedforward part";
  int64_t floats = 0, integers = 0;
  for (const Tensor& weights : folded.weights) floats += weights.num_bytes();
  for (const Tensor& weights : quantized.model.weights) integers += weights.num_bytes();
  EXPECT_LT(integers, floats / 2);
  const std::vector<Tensor> batch = tokens(folded.program, 3);
  EXPECT_GT(output_sqnr(folded, quantized.model, batch), 25);
}

TEST(DynamicQuantization, IsBitEqualWithoutInstructionsForBytes) {
  const Model quantized = quantize_dynamically(fold_weights(dense_model())).model;
  PhiloxSequence random(6);
  Tensor input(DType::f32, {9, 32});
  for (int64_t i = 0; i < input.num_elements(); ++i) input.set(i, random.next_normal());
  const Tensor wanted = run(quantized, "cpu", input);
  for (const char* isa : {"avx512", "avx2"}) {
    const testing::IsaScope scope(isa);
    EXPECT_TRUE(bit_equal(wanted, run(quantized, "cpu", input))) << isa;
  }
}

TEST(DynamicQuantization, LeavesConvolutionsAsTheyAre) {
  const Model folded = fold_weights(residual_model());
  const QuantizedModel quantized = quantize_dynamically(folded);
  for (const QuantizedLayer& layer : quantized.layers)
    EXPECT_EQ(layer.quantized, layer.label == "logits") << layer.label << ": " << layer.reason;
  EXPECT_GT(output_sqnr(folded, quantized.model, images(8)), 30);
}

}  // namespace
}  // namespace brisk
