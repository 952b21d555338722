#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/data/memory_source.h"
#include "brisk/formats/onnx/export/save_onnx.h"
#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/formats/onnx/schema/write.h"
#include "brisk/ir/text.h"
#include "tests/compress/residual_model.h"

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
  // The image, three convolutions' results, a sum before the residual, an average.
  EXPECT_EQ(count["QuantizeLinear"], 6);
  for (const onnx::InitializerDef& entry : file.graph.initializers)
    if (entry.name.ends_with("/kernel")) {
      EXPECT_EQ(entry.tensor.element, onnx::ElementType::i8) << entry.name;
    }
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
  // Biases are whole numbers in the file: now and then, a sum falls to the other side of a half.
  for (int64_t i = 0; i < a.num_elements(); ++i) EXPECT_NEAR(a.get(i), b.get(i), 0.01) << i;
  EXPECT_TRUE(bit_equal(b, run(back, "cpu", input)));
}

TEST(QuantizedOnnx, WrittenAgainItIsTheSame) {
  const Model once = read(onnx::to_onnx(integers(), {}).value());
  const Model twice = read(onnx::to_onnx(once, {}).value());
  const Tensor input = images(4)[0];
  const Tensor a = run(once, "reference", input), b = run(twice, "reference", input);
  for (int64_t i = 0; i < a.num_elements(); ++i) EXPECT_NEAR(a.get(i), b.get(i), 0.01) << i;
  EXPECT_EQ(count_ops(once), count_ops(twice));
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
