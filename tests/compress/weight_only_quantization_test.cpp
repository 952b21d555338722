#include "brisk/compress/weight_only_quantization.h"

#include <gtest/gtest.h>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantization_report.h"
#include "brisk/compress/quantize_weights.h"
#include "brisk/formats/package/package.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/train/model_step.h"
#include "tests/compress/residual_model.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tolerances.h"

namespace brisk {
namespace {

Model small_bert() {
  Model model = zoo::bert_base(
      {.steps = 8, .vocabulary = 50, .positions = 8, .layers = 2, .width = 32, .heads = 2});
  model.initialize(2);
  return fold_weights(model);
}

std::vector<Tensor> tokens(const Model& model) {
  return synthetic_batch(make_model_step(model, {.batch_size = 3, .inference = true}).program);
}

/// The float model with the weights of `quantized`'s layers as their integers stand for them.
Model with_rounded_weights(const Model& floats, const QuantizedModel& quantized,
                           int64_t block_size = 0) {
  Model rounded = floats;
  for (size_t i = 0; i < quantized.model.program.state.size(); ++i) {
    const DType type = quantized.model.weights[i].dtype();
    if (type != DType::i8 && type != DType::i4) continue;
    const std::string& name = quantized.model.program.state[i].name;
    const Tensor& integers = quantized.model.weights[i];
    const Tensor& scale =
        quantized.model.weights[quantized.model.program.state_index(name + "/multiplier")];
    Tensor& weights = rounded.weights[floats.program.state_index(name)];
    weights = weights.clone();
    // Filters are matrices of the same order, but for those kept transposed.
    const int64_t channels = scale.sizes().back();
    for (int64_t j = 0; j < weights.num_elements(); ++j) {
      const int64_t block = block_size > 0 ? j / channels / block_size : 0;
      weights.set(j, integers.get(j) * scale.get(block * channels + j % channels));
    }
  }
  return rounded;
}

TEST(WeightOnlyQuantization, IsTheFloatModelOfTheWeightsThatIntegersStandFor) {
  const Model floats = small_bert();
  const QuantizedModel quantized = quantize_weights_only(floats);
  int products = 0;
  for (const QuantizedLayer& layer : quantized.layers) products += layer.quantized ? 1 : 0;
  EXPECT_GE(products, 2 * 6) << "query, key, value, output and two of the feedforward part";
  const Model rounded = with_rounded_weights(floats, quantized);
  const std::vector<Tensor> batch = tokens(floats);
  EXPECT_GT(output_sqnr(rounded, quantized.model, batch), 100) << "roundings of f32 alone";
  EXPECT_GT(output_sqnr(floats, quantized.model, batch), 30);
  const QuantizedModel in_bf16 = quantize_weights_only(floats, {}, {.activations = DType::bf16});
  EXPECT_GT(output_sqnr(rounded, in_bf16.model, batch), 35);
  for (const QuantizedLayer& layer : in_bf16.layers)
    if (layer.quantized) EXPECT_EQ(layer.input_type, DType::bf16) << layer.label;
}

TEST(WeightOnlyQuantization, RoundsToFourBitsByChannelAndByBlock) {
  const Model floats = small_bert();
  const std::vector<Tensor> batch = tokens(floats);
  double last = 0;
  for (const int64_t block : {0, 16, 8}) {
    const QuantizedModel quantized =
        quantize_weights_only(floats, {}, {.grid = {.bits = 4, .block_size = block}});
    EXPECT_GT(output_sqnr(with_rounded_weights(floats, quantized, block), quantized.model, batch),
              100)
        << "roundings of f32 alone, blocks of " << block;
    for (const QuantizedLayer& layer : quantized.layers) {
      EXPECT_EQ(layer.weight_type, DType::i4) << layer.label;
      EXPECT_EQ(layer.block_size, block) << layer.label;
    }
    const double sqnr = quantized.layers.front().weight_sqnr;
    EXPECT_GT(sqnr, last + 0.5) << "the shorter the blocks, the less is lost";
    last = sqnr;
  }
}

TEST(WeightOnlyQuantization, KeepsWideLayersInEightBits) {
  const Model floats = small_bert();
  const std::string wide = quantize_weights_only(floats).layers.front().label;
  const QuantizedModel quantized = quantize_weights_only(
      floats, {}, {.grid = {.bits = 4, .block_size = 32}, .wide_layers = {wide}});
  for (const QuantizedLayer& layer : quantized.layers) {
    EXPECT_EQ(layer.weight_type, layer.label == wide ? DType::i8 : DType::i4) << layer.label;
    EXPECT_EQ(layer.block_size, layer.label == wide ? 0 : 32) << layer.label;
  }
}

TEST(WeightOnlyQuantization, KeepsAnEmbeddingThatMakesTheScoresInBothForms) {
  Model floats =
      zoo::gpt2({.steps = 8, .vocabulary = 50, .layers = 1, .width = 32, .heads = 2, .dropout = 0});
  floats.initialize(2);
  floats = fold_weights(floats);
  const QuantizedModel quantized =
      quantize_weights_only(floats, {}, {.grid = {.bits = 4, .block_size = 8}});
  const std::vector<Tensor> batch = tokens(floats);
  EXPECT_GT(output_sqnr(floats, quantized.model, batch), 15);
  const test::TemporaryDirectory directory;
  const Model& model = quantized.model;
  write_package(directory / "model", {model.program, model.weights, model.name, {}, {}, {}})
      .value();
  const Package package = read_package(directory / "model").value();
  ASSERT_EQ(package.weights.size(), model.weights.size());
  for (size_t i = 0; i < model.weights.size(); ++i)
    EXPECT_TRUE(bit_equal(package.weights[i], model.weights[i])) << model.program.state[i].name;
}

TEST(WeightOnlyQuantization, KeepsAQuarterOfTheWeights) {
  const Model floats = small_bert();
  const QuantizedModel quantized = quantize_weights_only(floats);
  int64_t before = 0, after = 0;
  for (const Tensor& weights : floats.weights) before += weights.num_bytes();
  for (const Tensor& weights : quantized.model.weights) after += weights.num_bytes();
  EXPECT_LT(after, before / 2);
  const QuantizationReport report = quantization_report(quantized.model);
  EXPECT_EQ(report.integers(), 0);
  EXPECT_EQ(report.weights_only(), static_cast<int64_t>(quantized.layers.size()));
}

TEST(WeightOnlyQuantization, LeavesConvolutionsAndChosenLayersAsTheyAre) {
  const Model folded = fold_weights(residual_model());
  const QuantizedModel quantized = quantize_weights_only(folded);
  for (const QuantizedLayer& layer : quantized.layers)
    EXPECT_EQ(layer.quantized, layer.label == "logits") << layer.label << ": " << layer.reason;
  const QuantizedModel none = quantize_weights_only(folded, {"logits"});
  EXPECT_EQ(none.layers.back().reason, "chosen to stay float");
  EXPECT_THROW(quantize_weights_only(folded, {}, {.activations = DType::f16}), UserError);
  EXPECT_THROW(quantize_weights_only(folded, {}, {.grid = {.bits = 3}}), UserError);
  EXPECT_THROW(quantize_weights_only(folded, {}, {.grid = {.block_size = -1}}), UserError);
}

}  // namespace
}  // namespace brisk
