#include "brisk/compress/tflite/quantize_tflite.h"

#include <gtest/gtest.h>

#include <map>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantization_report.h"
#include "brisk/compress/tflite/split_residuals.h"
#include "brisk/data/memory_source.h"
#include "brisk/formats/package/package.h"
#include "brisk/ir/text.h"
#include "brisk/ops/tflite/tflite.h"
#include "tests/compress/residual_model.h"
#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

std::map<std::string, int> ops_of(const Model& model) {
  std::map<std::string, int> count;
  for (const Node& node : model.program.graph.nodes()) ++count[node.op->name];
  return count;
}

struct TflitePair {
  Model split;
  QuantizedModel quantized;
};

TflitePair quantized(const Model& model,
                     const std::set<std::string, std::less<>>& float_layers = {},
                     DType activations = DType::i8) {
  TflitePair pair{split_residuals(fold_weights(model)), {}};
  const ValueRanges ranges = calibrate_tflite(
      pair.split, from_tensor_slices(images(32)).batch(8),
      {.method = activations == DType::i16 ? CalibrationMethod::min_max : CalibrationMethod::mse});
  pair.quantized = quantize_tflite(pair.split, ranges, float_layers, {}, activations);
  return pair;
}

/// All that has an integer form: two branches concatenated, gates, functions, pools.
Model gated_model() {
  ModelBuilder model("gated");
  Value x = model.input("image", {12, 12, 3});
  x = model(Conv2D{.filters = 8, .padding = "same", .activation = "relu6", .name = "first"}, x);
  Value a = model(AveragePooling2D{.padding = "same"}, x);
  Value b = model(Conv2D{.filters = 8, .strides = {2, 2}, .padding = "same", .name = "second"}, x);
  x = model(Concatenate{}, {a, b});
  Value gate = model(ActivationLayer{.activation = "sigmoid"}, x);
  x = model(Multiply{}, {x, gate});
  x = model(ActivationLayer{.activation = "tanh"}, x);
  x = model(ReLU{}, x);
  x = model(GlobalAveragePooling2D{}, x);
  x = model(Dense{.units = 5, .name = "scores"}, x);
  Model result = model.finish({{"probabilities", model(Softmax{}, x)}});
  result.initialize(7);
  return result;
}

TEST(SplitResiduals, ComputesTheSame) {
  const Model folded = fold_weights(residual_model()), split = split_residuals(folded);
  const Tensor input = images(3)[0];
  EXPECT_LT(difference(run(folded, "reference", input), run(split, "reference", input)), 1e-6);
  EXPECT_EQ(ops_of(split)["add"], 1);
  EXPECT_EQ(ops_of(split)["relu"], 1);
}

TEST(QuantizeTflite, GoesFromTheInputToTheResultInIntegers) {
  const TflitePair pair = quantized(residual_model());
  std::map<std::string, int> count = ops_of(pair.quantized.model);
  count.erase("input");
  EXPECT_EQ(count, (std::map<std::string, int>{{"tflite_quantize", 1},
                                               {"tflite_convolution", 4},
                                               {"max_pool", 1},
                                               {"tflite_add", 1},
                                               {"tflite_mean", 1},
                                               {"tflite_dot", 1},
                                               {"dequantize", 1}}));
  ASSERT_EQ(pair.quantized.layers.size(), 5u);
  for (const QuantizedLayer& layer : pair.quantized.layers) EXPECT_TRUE(layer.quantized);
  for (const Node& node : pair.quantized.model.program.graph.nodes())
    if (node.op->name == "tflite_add") {
      const auto& sum = node.attributes.as<TfliteBinaryAttributes>();
      EXPECT_EQ(sum.output.activation, Activation::relu);
      EXPECT_EQ(sum.output.output_zero_point, -128) << "behind a ReLU there is nothing below 0";
    }
  const Tensor input = images(16)[0];
  const double far = difference(run(pair.split, "reference", input),
                                run(pair.quantized.model, "reference", input));
  EXPECT_LT(far, 0.05);
  EXPECT_GT(far, 0);
}

TEST(QuantizeTflite, KnowsEveryOpThatTfliteHasInIntegers) {
  const TflitePair pair = quantized(gated_model());
  std::map<std::string, int> count = ops_of(pair.quantized.model);
  count.erase("input");
  EXPECT_EQ(count, (std::map<std::string, int>{{"tflite_quantize", 1},
                                               {"tflite_convolution", 2},
                                               {"tflite_average_pool", 1},
                                               {"tflite_requantize", 3},  // two parts, and the ReLU
                                               {"concatenate", 1},
                                               {"tflite_logistic", 1},
                                               {"tflite_multiply", 1},
                                               {"tflite_tanh", 1},
                                               {"tflite_mean", 1},
                                               {"tflite_dot", 1},
                                               {"tflite_softmax", 1},
                                               {"dequantize", 1}}));
  const Tensor input = images(16)[0];
  EXPECT_LT(difference(run(pair.split, "reference", input),
                       run(pair.quantized.model, "reference", input)),
            0.05);
}

TEST(QuantizeTflite, HasActivationsOf16BitsThatLoseLess) {
  for (const Model& model : {residual_model(), gated_model()}) {
    const TflitePair narrow = quantized(model), wide = quantized(model, {}, DType::i16);
    std::map<std::string, int> wide_ops = ops_of(wide.quantized.model),
                               narrow_ops = ops_of(narrow.quantized.model);
    for (auto* ops : {&wide_ops, &narrow_ops})
      ops->erase("tflite_requantize");  // not needed where a part has the scale of the whole
    EXPECT_EQ(wide_ops, narrow_ops);
    for (const QuantizedLayer& layer : wide.quantized.layers) {
      EXPECT_EQ(layer.input_type, DType::i16) << layer.label;
      EXPECT_EQ(layer.result_type, DType::i16) << layer.label;
    }
    const Tensor input = images(16)[0];
    const Tensor wanted = run(wide.split, "reference", input);
    EXPECT_LT(difference(wanted, run(wide.quantized.model, "reference", input)),
              difference(wanted, run(narrow.quantized.model, "reference", input)));
  }
  EXPECT_THROW(quantized(gated_model(), {}, DType::u8), UserError);
}

TEST(QuantizeTflite, IsBitEqualOnEveryBackendAndReadAgain) {
  for (const DType activations : {DType::i8, DType::i16})
    for (const Model& model : {residual_model(), gated_model()}) {
      const Model found = quantized(model, {}, activations).quantized.model;
      const Tensor input = images(16)[0], reference = run(found, "reference", input);
      EXPECT_TRUE(bit_equal(reference, run(found, "cpu", input)));
      const test::TemporaryDirectory directory;
      write_package(directory / "model", {found.program, found.weights, found.name, {}, {}, {}})
          .value();
      const Package package = read_package(directory / "model").value();
      const Model again{package.name, package.program, package.weights, {}};
      EXPECT_TRUE(bit_equal(reference, run(again, "cpu", input)));
      EXPECT_EQ(print(package.program), print(found.program));
    }
}

TEST(QuantizeTflite, ChosenLayersStayFloatBetweenIntegers) {
  for (const std::string layer : {"first", "a", "depthwise", "logits"}) {
    const TflitePair pair = quantized(residual_model(), {layer});
    for (const QuantizedLayer& row : pair.quantized.layers)
      EXPECT_EQ(row.quantized, row.label != layer) << row.label;
    const Tensor input = images(16)[0];
    EXPECT_LT(difference(run(pair.split, "reference", input),
                         run(pair.quantized.model, "reference", input)),
              0.05)
        << layer;
  }
}

TEST(QuantizeTflite, OneLayerAloneIsQuantizedBetweenFloats) {
  const std::set<std::string, std::less<>> all = {"first", "second", "scores"};
  for (const std::string& layer : all) {
    std::set<std::string, std::less<>> others = all;
    others.erase(layer);
    const TflitePair pair = quantized(gated_model(), others);
    for (const QuantizedLayer& row : pair.quantized.layers)
      EXPECT_EQ(row.quantized, row.label == layer) << row.label;
    const Tensor input = images(16)[0];
    EXPECT_LT(difference(run(pair.split, "reference", input),
                         run(pair.quantized.model, "reference", input)),
              0.05)
        << layer;
  }
}

TEST(QuantizeTflite, IsReported) {
  const QuantizationReport report =
      quantization_report(quantized(residual_model()).quantized.model);
  EXPECT_EQ(report.integers(), 5);
  EXPECT_EQ(report.quantize, 1);
  EXPECT_EQ(report.dequantize, 1);
  EXPECT_GT(report.products[0].result_scale, 0);
}

}  // namespace
}  // namespace brisk
