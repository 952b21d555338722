#include "brisk/compress/scaling/smooth_products.h"

#include <gtest/gtest.h>

#include <cmath>

#include "brisk/compress/dynamic_quantization.h"
#include "brisk/compress/fold_weights.h"
#include "brisk/compress/row_products.h"
#include "brisk/data/memory_source.h"
#include "brisk/nn/zoo/zoo.h"
#include "tests/compress/residual_model.h"
#include "tests/compress/tokens.h"

namespace brisk {
namespace {

/// Two channels of each layer normalization are forty times the others, as large language models
/// have them.
void make_outliers(Model& model) {
  for (size_t i = 0; i < model.weights.size(); ++i)
    if (model.program.state[i].name.ends_with("gamma"))
      for (const int64_t c : {3, 17}) model.weights[i].set(c, 40);
}

Model smoothed_model(const Model& folded, const Dataset& data, double strength) {
  const auto products = plan_row_products(folded.program, {}).products;
  return smooth_products(
      folded, products,
      channel_magnitudes(folded, smoothed_values(folded.program.graph, products), data), strength);
}

int multiplications(const Model& model) {
  return static_cast<int>(
      std::count_if(model.program.state.begin(), model.program.state.end(),
                    [](const StateEntry& e) { return e.name.find("/smoothing") != e.name.npos; }));
}

TEST(SmoothProducts, HelpsATransformerWithOutliers) {
  Model bert = zoo::bert_base(
      {.steps = 8, .vocabulary = 50, .positions = 8, .layers = 2, .width = 32, .heads = 2});
  bert.initialize(2);
  make_outliers(bert);
  const Model folded = fold_weights(bert);
  const std::vector<Tensor> batch = tokens(folded.program, 6);
  const Dataset data = from_tensor_slices(batch).batch(3);
  const double before = output_sqnr(folded, quantize_dynamically(folded).model, batch);
  for (const double strength : {0.3, 0.5, 0.7}) {
    const Model smooth = smoothed_model(folded, data, strength);
    EXPECT_GT(output_sqnr(folded, smooth, batch), 90) << "it computes the same";
    EXPECT_GT(multiplications(smooth), 0) << "residuals read its normalizations, too";
    EXPECT_GT(output_sqnr(folded, quantize_dynamically(smooth).model, batch), before + 2)
        << strength;
  }
}

TEST(SmoothProducts, DividesANormalizationThatOnlyProductsRead) {
  ModelBuilder builder("normalized");
  Value x = builder.input("x", {6, 32});
  x = builder(LayerNormalization{.name = "norm"}, x);
  const Value y = builder(Dense{.units = 48, .activation = "gelu", .name = "a"}, x);
  Model model = builder.finish({{"y", builder(Dense{.units = 8, .name = "b"}, y)},
                                {"z", builder(Dense{.units = 4, .name = "c"}, x)}});
  model.initialize(4);
  make_outliers(model);
  const Model folded = fold_weights(model);
  PhiloxSequence random(3);
  Tensor input(DType::f32, {12, 6, 32});
  for (int64_t i = 0; i < input.num_elements(); ++i) input.set(i, random.next_normal());
  const std::vector<Tensor> batch = {input};
  const Model smooth = smoothed_model(folded, from_tensor_slices(batch).batch(4), 0.5);
  EXPECT_GT(output_sqnr(folded, smooth, batch), 100);
  EXPECT_EQ(multiplications(smooth), 1) << "in front of 'b', behind gelu";
  const auto of = [](const Model& m, const char* name) {
    return m.weights[m.program.state_index(name)];
  };
  EXPECT_FALSE(bit_equal(of(folded, "norm/gamma"), of(smooth, "norm/gamma")));
  EXPECT_FALSE(bit_equal(of(folded, "a/kernel"), of(smooth, "a/kernel")));
  EXPECT_FALSE(bit_equal(of(folded, "c/kernel"), of(smooth, "c/kernel")));
  // By the definition: a channel of 'a' and 'c' by sqrt(greatest input / greatest weight).
  const Tensor gamma = of(folded, "norm/gamma"), divided = of(smooth, "norm/gamma");
  const double factor = gamma.get(5) / divided.get(5);
  EXPECT_NEAR(of(smooth, "a/kernel").get(5 * 48 + 7) / of(folded, "a/kernel").get(5 * 48 + 7),
              factor, 1e-5 * factor);
  EXPECT_NEAR(of(smooth, "c/kernel").get(5 * 4 + 2) / of(folded, "c/kernel").get(5 * 4 + 2), factor,
              1e-5 * factor);
}

TEST(SmoothProducts, DividesAProductBeforeAProduct) {
  Model mlp = zoo::mlp({.input = {20}, .hidden = {24, 16}, .classes = 5});
  mlp.initialize(6);
  const Model folded = fold_weights(mlp);
  PhiloxSequence random(3);
  Tensor input(DType::f32, {32, 20});
  for (int64_t i = 0; i < input.num_elements(); ++i) input.set(i, random.next_normal());
  const Model smooth = smoothed_model(folded, from_tensor_slices({input}).batch(8), 0.5);
  EXPECT_LT(difference(run(folded, "reference", input), run(smooth, "reference", input)), 2e-6);
  EXPECT_EQ(multiplications(smooth), 1) << "of the input alone";
}

TEST(SmoothProducts, LeavesATableThatTokensAreLookedUpInAsItIs) {
  Model gpt2 = zoo::gpt2({.steps = 8, .vocabulary = 50, .layers = 1, .width = 32, .heads = 2});
  gpt2.initialize(2);
  const Model folded = fold_weights(gpt2);
  const std::vector<Tensor> batch = tokens(folded.program, 4);
  const Model smooth = smoothed_model(folded, from_tensor_slices(batch).batch(2), 0.5);
  EXPECT_GT(output_sqnr(folded, smooth, batch), 90);
  EXPECT_THROW(smoothed_model(folded, from_tensor_slices(batch).batch(2), 1.5), UserError);
}

}  // namespace
}  // namespace brisk
