#include "brisk/compress/quantize_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantize_weights.h"
#include "brisk/data/memory_source.h"
#include "brisk/formats/package/package.h"
#include "brisk/ir/text.h"
#include "brisk/ops/quantize/quantize.h"
#include "tests/compress/residual_model.h"
#include "tests/support/kernel_case.h"
#include "tests/support/refusal.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

TEST(FoldWeights, ComputesTheSameWithoutBatchNorms) {
  const Model model = residual_model(), folded = fold_weights(model);
  const Tensor input = images(3)[0];
  EXPECT_LT(difference(run(model, "reference", input), run(folded, "reference", input)), 1e-5);
  std::set<std::string> names;
  for (const StateEntry& entry : folded.program.state) names.insert(entry.name);
  EXPECT_EQ(names, (std::set<std::string>{"first/kernel", "first/bias", "a/kernel", "a/bias",
                                          "b/kernel", "b/bias", "depthwise/kernel",
                                          "depthwise/bias", "logits/kernel", "logits/bias"}));
  for (const Node& node : folded.program.graph.nodes()) EXPECT_NE(node.op->name, "batch_norm");
}

TEST(QuantizeModel, EveryProductIsInIntegersAndCloseToTheFloatModel) {
  const Model model = residual_model(), folded = fold_weights(model);
  const std::vector<Tensor> data = images(32);
  const QuantizedModel quantized =
      quantize_model(folded, calibrate_model(folded, from_tensor_slices(data).batch(8)));
  ASSERT_EQ(quantized.layers.size(), 5u);
  for (const QuantizedLayer& layer : quantized.layers) {
    EXPECT_TRUE(layer.quantized) << layer.label << ": " << layer.reason;
    EXPECT_GT(layer.weight_sqnr, 35) << layer.label;
  }
  EXPECT_EQ(quantized.layers[0].input_type, DType::i8);  // an image of both signs
  EXPECT_EQ(quantized.layers[1].input_type, DType::u8);  // behind a ReLU, through a pool
  std::map<std::string, int> count;
  for (const Node& node : quantized.model.program.graph.nodes()) {
    ++count[node.op->name];
    if (node.op->name == "max_pool") {
      EXPECT_EQ(node.results[0].dtype(), DType::u8);
    }
  }
  EXPECT_EQ(count["quantized_convolution"], 4);
  EXPECT_EQ(count["quantized_dot"], 1);
  EXPECT_EQ(count["quantize"], 2) << "the image, and what is averaged before the last product";
  EXPECT_EQ(count["dequantize"], 1) << "what is averaged, and nothing else between integer layers";
  const Tensor wanted = run(model, "reference", data[0]),
               found = run(quantized.model, "reference", data[0]);
  EXPECT_LT(difference(wanted, found), 0.04);
  EXPECT_GT(difference(wanted, found), 0);
}

TEST(QuantizeModel, DropoutStandsBetweenNoIntegers) {
  ModelBuilder builder("dropped");
  Value x = builder.input("image", {12, 12, 3});
  x = builder(Conv2D{.filters = 8, .activation = "relu", .name = "conv"}, x);
  x = builder(Dropout{.rate = 0.5}, builder(Flatten{}, builder(MaxPooling2D{}, x)));
  Model model = builder.finish({{"logits", builder(Dense{.units = 5, .name = "logits"}, x)}});
  model.initialize(3);
  const Model folded = fold_weights(model);
  for (const StateEntry& entry : folded.program.state)
    EXPECT_EQ(entry.role, StateRole::parameter) << entry.name;
  const QuantizedModel quantized =
      quantize_model(folded, calibrate_model(folded, from_tensor_slices(images(16)).batch(8)));
  std::map<std::string, int> count;
  for (const Node& node : quantized.model.program.graph.nodes()) ++count[node.op->name];
  EXPECT_EQ(count["quantize"], 1) << "the image";
  EXPECT_EQ(count["dequantize"] + count["dropout"], 0);
}

/// Branches that are concatenated, an average among them.
Model inception_model() {
  ModelBuilder model("inception");
  const Value image = model.input("image", {12, 12, 3});
  const auto convolution = [&](Value x, int64_t filters, int64_t size, const std::string& name) {
    return model(Conv2D{.filters = filters,
                        .kernel_size = {size, size},
                        .padding = "same",
                        .activation = "relu",
                        .name = name},
                 x);
  };
  const Value x = convolution(image, 16, 3, "stem");
  const Value pool =
      model(AveragePooling2D{.pool_size = {3, 3}, .strides = {1, 1}, .padding = "same"}, x);
  const Value joined =
      model(Concatenate{}, {convolution(x, 8, 1, "narrow"), convolution(x, 12, 3, "wide"),
                            convolution(pool, 4, 1, "pooled")});
  const Value y = model(GlobalAveragePooling2D{}, convolution(joined, 16, 3, "after"));
  Model result = model.finish({{"logits", model(Dense{.units = 5, .name = "logits"}, y)}});
  result.initialize(3);
  return result;
}

TEST(QuantizeModel, WhatIsConcatenatedAndAveragedIsIntegers) {
  const Model folded = fold_weights(inception_model());
  const std::vector<Tensor> data = images(16);
  const Model quantized =
      quantize_model(folded, calibrate_model(folded, from_tensor_slices(data).batch(8))).model;
  std::map<std::string, int> count;
  for (const Node& node : quantized.program.graph.nodes()) {
    ++count[node.op->name];
    if (node.op->name == "concatenate") {
      EXPECT_EQ(node.results[0].dtype(), DType::u8);
    }
    if (node.op->name == "quantized_convolution") {
      EXPECT_EQ(node.results[0].dtype(), DType::u8) << node.label;
    }
  }
  EXPECT_EQ(count["quantized_convolution"], 5);
  EXPECT_EQ(count["quantize"], 3) << "the image and two averages";
  EXPECT_EQ(count["dequantize"], 2) << "what is averaged";
  const Tensor found = run(quantized, "reference", data[0]);
  EXPECT_LT(difference(run(folded, "reference", data[0]), found), 0.04);
  EXPECT_TRUE(bit_equal(found, run(quantized, "cpu", data[0])));
}

TEST(QuantizeModel, IsBitEqualOnEveryBackendAndReadAgain) {
  const Model folded = fold_weights(residual_model());
  const std::vector<Tensor> data = images(16);
  const Model quantized =
      quantize_model(folded, calibrate_model(folded, from_tensor_slices(data).batch(8))).model;
  const Tensor reference = run(quantized, "reference", data[0]);
  EXPECT_TRUE(bit_equal(reference, run(quantized, "cpu", data[0])));
  const test::TemporaryDirectory directory;
  write_package(directory / "model",
                {quantized.program, quantized.weights, quantized.name, {}, {}, {}})
      .value();
  const Package package = read_package(directory / "model").value();
  const Model again{package.name, package.program, package.weights, {}};
  EXPECT_TRUE(bit_equal(reference, run(again, "cpu", data[0])));
  EXPECT_EQ(print(package.program), print(quantized.program));
}

TEST(QuantizeModel, IsBitEqualWithoutInstructionsForBytes) {
  const Model folded = fold_weights(residual_model());
  const std::vector<Tensor> data = images(16);
  const Model quantized =
      quantize_model(folded, calibrate_model(folded, from_tensor_slices(data).batch(8))).model;
  const Tensor wanted = run(quantized, "cpu", data[0]);
  for (const char* isa : {"avx512", "avx2"}) {
    const testing::IsaScope scope(isa);
    EXPECT_TRUE(bit_equal(wanted, run(quantized, "cpu", data[0]))) << isa;
  }
}

/// What is added to what, from the sums of ratios of 255 numbers to their last fraction, has 24
/// bits in f32.
TEST(QuantizeModel, AResidualIsAddedExactly) {
  const Model folded = fold_weights(residual_model());
  const Model quantized =
      quantize_model(folded, calibrate_model(folded, from_tensor_slices(images(16)).batch(8)))
          .model;
  int residuals = 0;
  for (const Node& node : quantized.program.graph.nodes()) {
    if (node.op->name != "quantized_convolution") continue;
    const auto& a = node.attributes.as<QuantizedConvolutionAttributes>().requantize;
    if (!a.residual) continue;
    ++residuals;
    EXPECT_GT(a.product_scale, 0);
    for (const double ratio : {a.product_scale, a.residual_scale}) {
      EXPECT_EQ(ratio * 4096, std::nearbyint(ratio * 4096));
      EXPECT_LT(ratio, 4);
    }
  }
  EXPECT_EQ(residuals, 1);
}

TEST(QuantizeModel, ChosenLayersStayFloat) {
  const Model folded = fold_weights(residual_model());
  const std::vector<Tensor> data = images(16);
  const QuantizedModel quantized = quantize_model(
      folded, calibrate_model(folded, from_tensor_slices(data).batch(8)), {"a", "b"});
  for (const QuantizedLayer& layer : quantized.layers) {
    const bool chosen = layer.label == "a" || layer.label == "b";
    EXPECT_EQ(layer.quantized, !chosen) << layer.label;
    EXPECT_EQ(layer.reason, chosen ? "chosen to stay float" : "");
  }
  EXPECT_LT(
      difference(run(folded, "reference", data[0]), run(quantized.model, "reference", data[0])),
      0.04);
}

TEST(QuantizeModel, SensitivityRanksTheLayerWithCoarseStepsFirst) {
  const Model folded = fold_weights(residual_model());
  const std::vector<Tensor> data = images(16);
  ValueRanges ranges = calibrate_model(folded, from_tensor_slices(data).batch(8));
  for (const Node& node : folded.program.graph.nodes())
    if (node.label == "b" && node.op->name == "fused_convolution")
      ranges.at(node.operands[0]).magnitude *= 100;
  const auto ranking = layer_sensitivity(
      folded, [&](const auto& floats) { return quantize_model(folded, ranges, floats); }, data);
  ASSERT_EQ(ranking.size(), 5u);
  EXPECT_EQ(ranking[0].label, "b");
  EXPECT_LT(ranking[0].sqnr, ranking[1].sqnr);
  for (size_t i = 1; i < ranking.size(); ++i) {
    EXPECT_GE(ranking[i].sqnr, ranking[i - 1].sqnr);
    EXPECT_GT(ranking[i].sqnr, 25) << ranking[i].label;
  }
}

TEST(QuantizeWeights, RoundsByChannelAndKeepsTheBias) {
  const Tensor filter = Tensor::of<float>({2, 3}, {1, 0.5f, 0, -0.25f, 1.27f, 0});
  const QuantizedWeights weights =
      quantize_weights(filter, Tensor::of<float>({3}, {1, -2, 3}), 0.5, 0.25);
  const std::vector<int> wanted = {127, 50, 0, -32, 127, 0};
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_EQ(weights.filter.get(i), wanted[static_cast<size_t>(i)]) << i;
  const std::vector<double> bias = {1, -2, 3};
  for (size_t c = 0; c < 3; ++c) {  // (sum + bias) * multiplier is the result in its own steps
    const auto at = static_cast<int64_t>(c);
    EXPECT_NEAR(weights.bias.get(at) * weights.multiplier.get(at) * 0.25, bias[c], 1e-6);
  }
  EXPECT_NEAR(weights.multiplier.get(1), 0.5 * 0.01 / 0.25, 1e-8);
  EXPECT_NEAR(weights.multiplier.get(0), 0.5 / 127 / 0.25, 1e-8);
}

TEST(FoldWeights, RefusesAModelWithoutWeights) {
  ModelBuilder model("empty");
  const Value x = model.input("x", {4});
  const Model built = model.finish({{"y", model(Dense{.units = 2}, x)}});
  EXPECT_NE(testing::refusal([&] { fold_weights(built); }).find("has no weights yet"),
            std::string::npos);
}

}  // namespace
}  // namespace brisk
