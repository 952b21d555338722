#include <gtest/gtest.h>

#include "brisk/base/file.h"
#include "brisk/formats/model_file.h"
#include "brisk/formats/onnx/export/save_onnx.h"
#include "brisk/formats/onnx/onnx_file.h"
#include "brisk/ir/text.h"
#include "brisk/nn/zoo/zoo.h"
#include "brisk/runtime/backend.h"
#include "tests/formats/onnx_model.h"
#include "tests/support/temporary_directory.h"

// ONNX files as programs, and programs as ONNX files. What the ops compute is ONNX's own tests'
// affair (tests/oracle/onnx_cases.py).

namespace brisk::onnx {
namespace {

Model loaded(const ModelDef& file, const LoadOptions& options = {}) {
  return load_onnx_bytes(write_model(file).value(), {}, options).value().model;
}

std::vector<float> run(const Model& model, const Binding& binding,
                       const std::vector<Tensor>& inputs) {
  const Program program = bind_dimensions(for_inference(model.program), binding);
  const Compilation compiled =
      compile(program, *find_backend("reference").value(), {.cache = false});
  compiled.executable->bind_state(model.weights);
  const Tensor result = compiled.executable->run(inputs)[0].clone();
  return {result.data<float>().begin(), result.data<float>().end()};
}

ModelDef perceptron() {
  return make_model({{"x", tensor_type(ElementType::f32, {Extent("N"), Extent(2)})}},
                    {make_node("Gemm", {"x", "w", "b"}, {"h"}), make_node("Relu", {"h"}, {"y"})},
                    {{"y", tensor_type(ElementType::f32, {Extent("N"), Extent(3)})}},
                    {{"w", f32({2, 3}, {1, 2, 3, 4, 5, 6})}, {"b", f32({3}, {0, -100, 1})}});
}

TEST(OnnxImport, WeightsAreStateAndTheFirstDimensionIsTheBatch) {
  const Model model = loaded(perceptron());
  ASSERT_EQ(model.program.state.size(), 2U);
  EXPECT_EQ(model.program.state[0].name, "w");
  EXPECT_EQ(model.program.state[0].role, StateRole::parameter);
  EXPECT_EQ(model.program.graph.dimensions(), std::vector<std::string>{"batch"});
  verify(model.program);
  EXPECT_EQ(run(model, {{"batch", 2}}, {Tensor::of<float>({2, 2}, std::vector<float>{1, 0, 0, 1})}),
            (std::vector<float>{1, 0, 4, 4, 0, 7}));
}

TEST(OnnxImport, GivenDimensionsAreBoundByEitherName) {
  for (const char* name : {"N", "batch"})
    EXPECT_TRUE(loaded(perceptron(), {{{name, 4}}}).program.graph.dimensions().empty()) << name;
}

TEST(OnnxImport, ShapeArithmeticOnNamedDimensionsBecomesAReshape) {
  // y = reshape(x, [shape(x)[0], -1])
  const ModelDef file =
      make_model({{"x", tensor_type(ElementType::f32, {Extent("N"), Extent(2), Extent(3)})}},
                 {make_node("Shape", {"x"}, {"s"}), make_node("Gather", {"s", "zero"}, {"n"}),
                  make_node("Unsqueeze", {"n", "axis"}, {"n1"}),
                  make_node("Concat", {"n1", "rest"}, {"to"}, {integer_attribute("axis", 0)}),
                  make_node("Reshape", {"x", "to"}, {"y"})},
                 {{"y", tensor_type(ElementType::f32, {Extent("N"), Extent(6)})}},
                 {{"zero", i64({}, {0})}, {"axis", i64({1}, {0})}, {"rest", i64({1}, {-1})}});
  const Model model = loaded(file);
  EXPECT_EQ(model.program.graph.output_type(0).to_string(), "f32[batch, 6]");
}

TEST(OnnxImport, MissingOpsAreReportedWithCountAndPlace) {
  ModelDef file = perceptron();
  file.graph.nodes.push_back(make_node("Frobnicate", {"y"}, {"z"}));
  file.graph.nodes.push_back(make_node("Frobnicate", {"z"}, {"u"}));
  const ImportedModel imported = load_onnx_bytes(write_model(file).value(), {}, {}).value();
  ASSERT_EQ(imported.report.missing.size(), 1U);
  EXPECT_EQ(imported.report.missing[0].op, "Frobnicate");
  EXPECT_EQ(imported.report.missing[0].count, 2);
  EXPECT_EQ(imported.report.missing[0].where, "Frobnicate_z");
  EXPECT_FALSE(imported.model.program.graph.defined());
}

TEST(OnnxImport, ShapesThatDependOnDataAreRefusedWithTheNode) {
  const ModelDef file = make_model({{"x", tensor_type(ElementType::f32, {Extent(4)})},
                                    {"to", tensor_type(ElementType::i64, {Extent(2)})}},
                                   {make_node("Reshape", {"x", "to"}, {"y"})}, {{"y", {}}});
  const Result<ImportedModel> imported = load_onnx_bytes(write_model(file).value(), {}, {});
  ASSERT_FALSE(imported.ok());
  EXPECT_NE(imported.error().find("node 'Reshape_y'"), std::string::npos) << imported.error();
  EXPECT_NE(imported.error().find("stages"), std::string::npos) << imported.error();
}

TEST(OnnxExport, AnUnknownOpsetIsRefused) {
  Model model = zoo::mlp();
  model.initialize();
  EXPECT_FALSE(to_onnx(model, {.version = 9}).ok());
}

TEST(OnnxExport, WeightsBesideTheModel) {
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder / "model.onnx", data = folder / "model.onnx.data";
  Model model = zoo::mlp();
  model.initialize(3);
  ASSERT_TRUE(save(model, path, "onnx", {.external_data = true}).ok());
  EXPECT_LT(std::filesystem::file_size(path), 10'000U);
  // Biases are small enough to stay in the file.
  EXPECT_GT(std::filesystem::file_size(data) * 100, static_cast<uintmax_t>(model.num_parameters()) * 4 * 99);
  const Model inside = loaded(to_onnx(model, {}).value()), outside = load(path).value();
  ASSERT_EQ(inside.weights.size(), outside.weights.size());
  for (size_t i = 0; i < inside.weights.size(); ++i)
    EXPECT_TRUE(bit_equal(inside.weights[i], outside.weights[i]));
  const ModelDef file = read_model(path).value();
  for (const InitializerDef& entry : file.graph.initializers)
    if (entry.tensor.tensor.num_bytes() >= 1024) {
      EXPECT_EQ(reinterpret_cast<uintptr_t>(entry.tensor.tensor.bytes()) % 4096, 0U);
    }
  std::filesystem::resize_file(data, 100);
  EXPECT_NE(load(path).error().find("beyond its 100 bytes"), std::string::npos)
      << load(path).error();
}

TEST(ModelFile, AFileIsFoundByWhatItHolds) {
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "model.bin";
  Model model = zoo::mlp();
  model.initialize();
  ASSERT_TRUE(save(model, path, "onnx").ok());
  EXPECT_EQ(find_model_format(path).value().name, "onnx");
  EXPECT_EQ(load(path).value().num_parameters(), model.num_parameters());
  const ModelDescription description = describe(path).value();
  EXPECT_EQ(description.parameters, model.num_parameters());
  EXPECT_NE(description.format.find("opset 17"), std::string::npos) << description.format;
}

TEST(ModelFile, UnknownFilesAndFormatsAreRefusedWithWhatThereIs) {
  const test::TemporaryDirectory folder;
  const std::filesystem::path path = folder.path() / "notes.txt";
  ASSERT_TRUE(write_file_atomically(path, "not a model").ok());
  const Result<Model> model = load(path);
  ASSERT_FALSE(model.ok());
  EXPECT_NE(model.error().find("onnx (.onnx)"), std::string::npos) << model.error();
  EXPECT_FALSE(find_model_format_named("onxx").ok());
}

}  // namespace
}  // namespace brisk::onnx
