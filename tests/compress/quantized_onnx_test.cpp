#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/compress/weight_only_quantization.h"
#include "brisk/data/memory_source.h"
#include "brisk/formats/onnx/export/save_onnx.h"
#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/formats/onnx/schema/write.h"
#include "brisk/ir/text.h"
#include "tests/compress/residual_model.h"
#include "tests/formats/onnx_model.h"
#include "tests/support/tolerances.h"

// Integer models as float ops between QuantizeLinear and DequantizeLinear, and back. ONNX Runtime's
// judgement: tests/oracle/onnx_quantized_export.py.

namespace brisk {
namespace {

Model integers() {
  const Model folded = fold_weights(residual_model());
  return quantize_model(folded, calibrate_model(folded, from_tensor_slices(images(32)).batch(8)))
      .model;
}

Model read(const onnx::ModelDef& file) {
  return onnx::load_onnx_bytes(onnx::write_model(file).value(), {}, {}).value().model;
}

std::map<std::string, int> count_ops(const Model& model) {
  std::map<std::string, int> count;
  for (const Node& node : model.program.graph.nodes()) ++count[node.op->name];
  return count;
}

TEST(QuantizedOnnx, IsWrittenAsFloatsBetweenRoundings) {
  const onnx::ModelDef file = onnx::to_onnx(integers(), {}).value();
  std::map<std::string, int> count;
  for (const onnx::NodeDef& node : file.graph.nodes) ++count[node.op];
  EXPECT_EQ(count["Conv"], 4);
  EXPECT_EQ(count["Gemm"], 1);
  EXPECT_EQ(count["Add"], 1);
  // The image, four convolutions' results, a sum before the residual, an average.
  EXPECT_EQ(count["QuantizeLinear"], 7);
  for (const onnx::InitializerDef& entry : file.graph.initializers)
    if (entry.name.ends_with("/kernel")) {
      EXPECT_EQ(entry.tensor.element, onnx::ElementType::i8) << entry.name;
    }
}

TEST(QuantizedOnnx, WritesWeightsAloneAsDequantizeLinearAndReadsThemAgain) {
  const Model folded = fold_weights(residual_model());
  const Tensor input = images(8)[0];
  for (const DType activations : {DType::f32, DType::bf16})
    for (const WeightGrid& grid :
         {WeightGrid{}, WeightGrid{.bits = 4}, WeightGrid{.bits = 4, .block_size = 4},
          WeightGrid{.bits = 8, .block_size = 4}}) {
      SCOPED_TRACE(fmt::format("{} bits, blocks of {}", grid.bits, grid.block_size));
      const Model model =
          quantize_weights_only(folded, {}, {.activations = activations, .grid = grid}).model;
      const onnx::ModelDef file = onnx::to_onnx(model, {}).value();
      EXPECT_EQ(file.opsets.at(""), grid.bits == 4 || grid.block_size > 0 ? 21 : 17);
      std::map<std::string, int> count;
      for (const onnx::NodeDef& node : file.graph.nodes) ++count[node.op];
      EXPECT_EQ(count["DequantizeLinear"], 1);
      EXPECT_EQ(count["MatMul"], 1);
      const Model back = read(file);
      EXPECT_EQ(count_ops(back)["weight_only_dot"], 1);
      const size_t kernel = model.program.state_index("logits/kernel"),
                   scale = model.program.state_index("logits/kernel/multiplier");
      EXPECT_TRUE(bit_equal(back.weights[back.program.state_index("logits/kernel")],
                            model.weights[kernel]));
      EXPECT_TRUE(bit_equal(back.weights[back.program.state_index("logits/kernel/multiplier")],
                            model.weights[scale]));
      EXPECT_EQ(difference(run(model, "reference", input), run(back, "reference", input),
                           testing::ErrorModel::sum),
                "");
    }
}

TEST(QuantizedOnnx, RefusesBlocksInAnOpsetThatHasNone) {
  const Model model =
      quantize_weights_only(fold_weights(residual_model()), {}, {.grid = {.bits = 4}}).model;
  const Result<onnx::ModelDef> file = onnx::to_onnx(model, {.version = 20});
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().find("since opset 21"), std::string::npos) << file.error();
}

TEST(QuantizedOnnx, IsReadAgainAsTheSameIntegerProducts) {
  const Model model = integers(), back = read(onnx::to_onnx(model, {}).value());
  const auto wanted = count_ops(model);
  auto found = count_ops(back);
  for (const char* op : {"quantized_convolution", "quantized_dot", "quantize", "dequantize",
                         "max_pool", "convolution", "dot_general"})
    EXPECT_EQ(found[op], wanted.contains(op) ? wanted.at(op) : 0) << op;
  std::map<std::string, const Node*> nodes;
  for (const Node& node : model.program.graph.nodes())
    if (node.op->name.starts_with("quantized_")) nodes[node.label] = &node;
  for (const Node& node : back.program.graph.nodes()) {
    if (!node.op->name.starts_with("quantized_")) continue;
    ASSERT_TRUE(nodes.contains(node.label)) << node.label;
    EXPECT_EQ(node.results[0].to_string(), nodes.at(node.label)->results[0].to_string());
    EXPECT_EQ(node.operands.size(), nodes.at(node.label)->operands.size()) << node.label;
  }
  for (const StateEntry& entry : back.program.state)
    if (entry.name.ends_with("/kernel")) {
      EXPECT_EQ(entry.type.dtype(), DType::i8) << entry.name;
      EXPECT_FALSE(entry.trainable) << entry.name;
    }
  const Tensor input = images(8)[0];
  const Tensor a = run(model, "reference", input), b = run(back, "reference", input);
  // The file's scales give the same multipliers, and the integers are the same. The last product's
  // floats are scaled with a product of scales that the file has by itself.
  for (int64_t i = 0; i < a.num_elements(); ++i)
    EXPECT_NEAR(a.get(i), b.get(i), 1e-6 * largest(a)) << i;
  EXPECT_TRUE(bit_equal(b, run(back, "cpu", input)));
}

TEST(QuantizedOnnx, WrittenAgainItIsTheSame) {
  const Model once = read(onnx::to_onnx(integers(), {}).value());
  const Model twice = read(onnx::to_onnx(once, {}).value());
  const Tensor input = images(4)[0];
  const Tensor a = run(once, "reference", input), b = run(twice, "reference", input);
  EXPECT_TRUE(bit_equal(a, b));
  EXPECT_EQ(count_ops(once), count_ops(twice));
}

/// A product of i8 by i8 to i8, all scales 1.
void add_product(onnx::ModelDef& file, const std::string& name) {
  auto& graph = file.graph;
  graph.initializers.push_back(
      {name + "_filter",
       onnx::HostTensor(Tensor::of<int8_t>({2, 2, 1, 1}, std::vector<int8_t>{1, 2, -3, 4}))});
  graph.nodes.push_back(
      onnx::make_node("DequantizeLinear", {name + "_filter", "one", "zero"}, {name + "_f"}));
  graph.nodes.push_back(onnx::make_node("Conv", {"floats", name + "_f"}, {name + "_sum"}));
  graph.nodes.push_back(
      onnx::make_node("QuantizeLinear", {name + "_sum", "one", "zero"}, {name + "_q"}));
  graph.nodes.push_back(
      onnx::make_node("DequantizeLinear", {name + "_q", "one", "zero"}, {name + "_y"}));
}

TEST(QuantizedOnnx, OfTwoProductsThatAreAddedOneIsTheOthersResidual) {
  const Shape image({Extent(1), Extent(2), Extent(3), Extent(3)});
  onnx::ModelDef file = onnx::make_model(
      {{"x", onnx::tensor_type(onnx::ElementType::f32, image)}},
      {onnx::make_node("QuantizeLinear", {"x", "one", "zero"}, {"integers"}),
       onnx::make_node("DequantizeLinear", {"integers", "one", "zero"}, {"floats"})},
      {{"y", {}}},
      {{"one", onnx::f32({}, {1})}, {"zero", onnx::HostTensor(Tensor::scalar(DType::i8, 0))}});
  add_product(file, "a");
  add_product(file, "b");
  for (onnx::NodeDef node : {onnx::make_node("Add", {"a_y", "b_y"}, {"sum"}),
                             onnx::make_node("QuantizeLinear", {"sum", "one", "zero"}, {"q"}),
                             onnx::make_node("DequantizeLinear", {"q", "one", "zero"}, {"y"})})
    file.graph.nodes.push_back(std::move(node));
  const Model model = read(file);
  auto count = count_ops(model);
  EXPECT_EQ(count["quantized_convolution"], 2);
  EXPECT_EQ(count["add"], 0);
  Tensor x(DType::f32, {1, 2, 3, 3});
  for (int64_t i = 0; i < 18; ++i) x.set(i, static_cast<double>(i - 9));
  const Tensor y = run(model, "reference", x);
  for (int64_t i = 0; i < 9; ++i) {
    const double even = x.get(i), odd = x.get(9 + i);
    EXPECT_EQ(y.get(i), 2 * (even + 2 * odd)) << i;
    EXPECT_EQ(y.get(9 + i), 2 * (-3 * even + 4 * odd)) << i;
  }
}

TEST(QuantizedOnnx, ProductsOfRowsAreReadAndWritten) {
  const Shape rows({Extent(2), Extent(3), Extent(4)});
  const onnx::HostTensor weights(
      Tensor::of<int8_t>({4, 2}, std::vector<int8_t>{1, -2, 3, 4, -5, 6, 7, 8}));
  const onnx::ModelDef file = onnx::make_model(
      {{"x", onnx::tensor_type(onnx::ElementType::f32, rows)}},
      {onnx::make_node("QuantizeLinear", {"x", "half", "middle"}, {"integers"}),
       onnx::make_node("DequantizeLinear", {"integers", "half", "middle"}, {"floats"}),
       onnx::make_node("DequantizeLinear", {"weights", "two"}, {"w"}),
       onnx::make_node("MatMul", {"floats", "w"}, {"product"}),
       onnx::make_node("Add", {"bias", "product"}, {"sum"}),
       onnx::make_node("Relu", {"sum"}, {"y"})},
      {{"y", {}}},
      {{"half", onnx::f32({}, {0.5f})},
       {"two", onnx::f32({}, {2})},
       {"middle", onnx::HostTensor(Tensor::scalar(DType::u8, 128))},
       {"weights", weights},
       {"bias", onnx::f32({2}, {1, -3})}});
  const Model model = read(file);
  auto count = count_ops(model);
  EXPECT_EQ(count["quantized_dot"], 1);
  EXPECT_EQ(count["add"] + count["relu"] + count["dot_general"], 0);
  Tensor x(DType::f32, {2, 3, 4});
  for (int64_t i = 0; i < 24; ++i) x.set(i, 0.5 * static_cast<double>(i - 12));
  const Tensor y = run(model, "reference", x);
  for (int64_t row = 0; row < 6; ++row)
    for (int64_t c = 0; c < 2; ++c) {
      double sum = c == 0 ? 1 : -3;
      for (int64_t i = 0; i < 4; ++i) sum += x.get(row * 4 + i) * 2 * weights.tensor.get(i * 2 + c);
      EXPECT_NEAR(y.get(row * 2 + c), std::max(sum, 0.0), 1e-5) << row << " " << c;
    }
  const Model again = read(onnx::to_onnx(model, {}).value());
  EXPECT_EQ(count_ops(again)["quantized_dot"], 1);
  EXPECT_TRUE(bit_equal(run(again, "reference", x), y));
}

TEST(QuantizedOnnx, DamagedFilesAreReadOrRefused) {
  const onnx::ModelDef whole = onnx::to_onnx(integers(), {}).value();
  PhiloxSequence random(8);
  int refused = 0;
  for (int round = 0; round < 200; ++round) {
    onnx::ModelDef file = whole;
    auto& nodes = file.graph.nodes;
    auto& node = nodes[random.next_below(nodes.size())];
    auto& other = nodes[random.next_below(nodes.size())];
    auto& entry = file.graph.initializers[random.next_below(file.graph.initializers.size())];
    switch (random.next_below(6)) {
      case 0:
        node.outputs.clear();
        break;
      case 1:
        node.inputs.resize(random.next_below(node.inputs.size() + 1));
        break;
      case 2:
        node.inputs = other.outputs;
        break;
      case 3:
        std::swap(node.inputs, other.inputs);
        break;
      case 4:
        node.attributes = other.attributes;
        break;
      default:
        entry.tensor = file.graph.initializers[0].tensor;
        break;
    }
    const auto bytes = onnx::write_model(file);
    if (!bytes) continue;
    const auto imported = onnx::load_onnx_bytes(*bytes, {}, {});
    refused += imported.ok() ? 0 : 1;
    if (!imported.ok()) {
      EXPECT_FALSE(imported.error().empty());
    }
  }
  EXPECT_GT(refused, 20);
}

TEST(QuantizedOnnx, RefusesIntegersThatStandForNothingKnown) {
  Model model = integers();
  std::string text = print(model.program);
  for (size_t at; (at = text.find(", scale = ")) != std::string::npos;)
    text.erase(at, text.find_first_of(",}", at + 2) - at);
  const Result<Program> parsed = parse_program(text, model.program.graph.ops());
  ASSERT_TRUE(parsed.ok()) << parsed.error();
  model.program = *parsed;
  const auto written = onnx::to_onnx(model, {});
  ASSERT_FALSE(written.ok());
  EXPECT_NE(written.error().find("quantize the model anew"), std::string::npos) << written.error();
}

}  // namespace
}  // namespace brisk
