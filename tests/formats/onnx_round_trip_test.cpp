#include <gtest/gtest.h>

#include "brisk/nn/zoo/zoo.h"
#include "tests/formats/onnx_round_trip.h"

// Architectures and whole files: import, export, import.

namespace brisk::onnx {
namespace {

TEST(OnnxRoundTrip, Perceptron) {
  expect_round_trip(zoo::mlp(), {ramp({1, 28, 28, 1})});
}

TEST(OnnxRoundTrip, ConvolutionalNetwork) {
  expect_round_trip(zoo::small_cnn(), {ramp({1, 28, 28, 1})});
}

TEST(OnnxRoundTrip, ResidualNetwork) {
  expect_round_trip(zoo::resnet18({.input = {32, 32, 3}, .classes = 10, .small_stem = true}),
                    {ramp({1, 32, 32, 3})});
}

ValueDef port(std::string name, std::vector<Extent> extents) {
  return {std::move(name), tensor_type(ElementType::f32, Shape(std::move(extents)))};
}
AttributeDef list_attribute(std::string name, std::vector<int64_t> values) {
  AttributeDef attribute;
  attribute.name = std::move(name);
  attribute.kind = AttributeDef::Kind::integers;
  attribute.integers = std::move(values);
  return attribute;
}
AttributeDef graph_attribute(std::string name, GraphDef graph) {
  AttributeDef attribute;
  attribute.name = std::move(name);
  attribute.kind = AttributeDef::Kind::graph;
  attribute.graph = std::make_shared<const GraphDef>(std::move(graph));
  return attribute;
}

/// x [batch, channels, 6, 5] through one node of a convolution with these weights, bias included.
ModelDef convolving(const std::string& op, int64_t channels, std::vector<int64_t> filter,
                    int64_t filters, std::vector<AttributeDef> attributes) {
  ModelDef file = make_model(
      {port("x", {Extent("N"), channels, 6, 5})},
      {make_node(op, {"x", "w", "b"}, {"y"}, std::move(attributes))}, {{"y", {}}},
      {{"w", HostTensor(ramp(std::move(filter)))}, {"b", HostTensor(ramp({filters}, 0.3))}});
  file.graph.nodes[0].name = "/stem/" + op;
  return file;
}

TEST(OnnxRoundTrip, Convolution) {
  expect_same_text(
      loaded(convolving("Conv", 3, {4, 3, 3, 2}, 4,
                        {list_attribute("pads", {1, 0, 1, 1}), list_attribute("strides", {2, 1})})),
      {ramp({1, 3, 6, 5})});
}

TEST(OnnxRoundTrip, AStoredFilterStaysInTheFilesOwnOrder) {
  const Model read = loaded(convolving("Conv", 3, {4, 3, 3, 2}, 4, {}));
  EXPECT_EQ(read.program.state[0].type.to_string(), "f32[4, 3, 3, 2]");
  const ModelDef file = to_onnx(read, {}).value();
  ASSERT_EQ(file.graph.initializers.size(), 2U);
  EXPECT_EQ(file.graph.initializers[0].name, "w");
  EXPECT_EQ(file.graph.initializers[0].tensor.sizes, (std::vector<int64_t>{4, 3, 3, 2}));
  for (const NodeDef& node : file.graph.nodes) EXPECT_NE(node.op, "Transpose") << node.name;
}

TEST(OnnxRoundTrip, GroupedConvolution) {
  expect_same_text(loaded(convolving("Conv", 4, {6, 2, 3, 3}, 6, {integer_attribute("group", 2)})),
                   {ramp({1, 4, 6, 5})});
}

TEST(OnnxRoundTrip, DepthwiseConvolution) {
  expect_same_text(
      loaded(convolving("Conv", 4, {4, 1, 3, 3}, 4,
                        {integer_attribute("group", 4), list_attribute("dilations", {2, 1})})),
      {ramp({1, 4, 6, 5})});
}

TEST(OnnxRoundTrip, TransposedConvolution) {
  expect_same_text(
      loaded(convolving("ConvTranspose", 3, {3, 4, 3, 3}, 4,
                        {list_attribute("strides", {2, 2}), list_attribute("pads", {1, 1, 1, 0}),
                         list_attribute("output_padding", {1, 0})})),
      {ramp({1, 3, 6, 5})});
}

TEST(OnnxRoundTrip, BatchNormalizationAndAResidual) {
  std::vector<InitializerDef> weights = {{"w", HostTensor(ramp({3, 3, 3, 3}))}};
  for (const char* name : {"scale", "bias", "mean", "variance"})
    weights.push_back({name, f32({3}, {0.5F, 1.25F, 2})});
  const ModelDef file = make_model(
      {port("x", {Extent("N"), 3, 6, 5})},
      {make_node("Conv", {"x", "w"}, {"c"}, {list_attribute("pads", {1, 1, 1, 1})}),
       make_node("BatchNormalization", {"c", "scale", "bias", "mean", "variance"}, {"n"}),
       make_node("Add", {"n", "x"}, {"s"}), make_node("Relu", {"s"}, {"r"}),
       make_node("GlobalAveragePool", {"r"}, {"g"}), make_node("Flatten", {"g"}, {"y"})},
      {{"y", {}}}, std::move(weights));
  expect_same_text(loaded(file), {ramp({1, 3, 6, 5})});
}

TEST(OnnxRoundTrip, AScaleAChannelWrittenWithAxesOfOne) {
  const ModelDef file =
      make_model({port("x", {Extent("N"), 3, 6, 5})},
                 {make_node("MaxPool", {"x"}, {"p"}, {list_attribute("kernel_shape", {2, 2})}),
                  make_node("Mul", {"p", "scale"}, {"m"}),
                  make_node("AveragePool", {"m"}, {"y"}, {list_attribute("kernel_shape", {2, 2})})},
                 {{"y", {}}}, {{"scale", f32({3, 1, 1}, {1, 2, 3})}});
  expect_same_text(loaded(file), {ramp({1, 3, 6, 5})});
}

TEST(OnnxRoundTrip, SeveralOutputsAndConstants) {
  ModelDef file =
      make_model({port("x", {Extent("N"), 6})},
                 {make_node("Constant", {}, {"k"}), make_node("Add", {"x", "k"}, {"s"}),
                  make_node("Split", {"s"}, {"a", "b"}, {integer_attribute("axis", 1)}),
                  make_node("Sigmoid", {"b"}, {"c"}), make_node("Mul", {"c", "b"}, {"d"}),
                  make_node("Gemm", {"a", "w"}, {"e"}, {integer_attribute("transB", 1)})},
                 {{"d", {}}, {"e", {}}, {"a", {}}}, {{"w", f32({2, 3}, {1, 2, 3, 4, 5, 6})}});
  AttributeDef value;
  value.name = "value";
  value.kind = AttributeDef::Kind::tensor;
  value.tensor = f32({6}, {1, 2, 3, 4, 5, 6});
  file.graph.nodes[0].attributes.push_back(value);
  expect_same_text(loaded(file), {ramp({1, 6})});
}

TEST(OnnxRoundTrip, Branches) {
  GraphDef doubled, shifted;
  doubled.nodes = {make_node("Conv", {"x", "w"}, {"t"})};
  doubled.outputs = {{"t", {}}};
  shifted.nodes = {make_node("Mul", {"x", "x"}, {"q"}), make_node("Conv", {"q", "w"}, {"e"})};
  shifted.outputs = {{"e", {}}};
  const ModelDef file = make_model(
      {port("x", {Extent("N"), 2, 4, 4}), port("limit", {1})},
      {make_node("ReduceSum", {"x"}, {"total"}, {integer_attribute("keepdims", 0)}),
       make_node("Squeeze", {"limit"}, {"l"}), make_node("Less", {"total", "l"}, {"small"}),
       make_node(
           "If", {"small"}, {"y"},
           {graph_attribute("then_branch", doubled), graph_attribute("else_branch", shifted)}),
       make_node("Relu", {"y"}, {"z"})},
      {{"z", {}}, {"y", {}}}, {{"w", HostTensor(ramp({3, 2, 3, 3}))}});
  const Model read = loaded(file);
  for (const float limit : {-1000.0F, 1000.0F})
    expect_same_text(read, {ramp({1, 2, 4, 4}), Tensor::of<float>({1}, std::vector<float>{limit})});
}

TEST(OnnxRoundTrip, Scans) {
  GraphDef body;
  body.inputs = {port("h", {1, 3}), port("step", {1, 3})};
  body.nodes = {make_node("MatMul", {"h", "w"}, {"m"}), make_node("Add", {"m", "step"}, {"s"}),
                make_node("Tanh", {"s"}, {"next"}), make_node("Identity", {"next"}, {"item"})};
  body.outputs = {{"next", {}}, {"item", {}}};
  for (const int64_t direction : {0, 1}) {
    const ModelDef file = make_model(
        {port("h0", {1, 3}), port("xs", {4, 1, 3})},
        {make_node("Scan", {"h0", "xs"}, {"last", "items"},
                   {graph_attribute("body", body), integer_attribute("num_scan_inputs", 1),
                    list_attribute("scan_input_directions", {direction})})},
        {{"last", {}}, {"items", {}}}, {{"w", HostTensor(ramp({3, 3}))}});
    expect_same_text(loaded(file), {ramp({1, 3}), ramp({4, 1, 3})});
  }
}

TEST(OnnxRoundTrip, LoopsThatEndByTheirData) {
  // while (sum(s) < limit and trip < 20) s = s + s * w + trip
  GraphDef body;
  body.inputs = {{"trip", tensor_type(ElementType::i64, Shape())},
                 {"goes_on", tensor_type(ElementType::boolean, Shape())},
                 port("s", {3})};
  body.nodes = {make_node("Mul", {"s", "w"}, {"m"}),
                make_node("Add", {"s", "m"}, {"t"}),
                make_node("Cast", {"trip"}, {"f"},
                          {integer_attribute("to", static_cast<int64_t>(ElementType::f32))}),
                make_node("Add", {"t", "f"}, {"next"}),
                make_node("ReduceSum", {"next"}, {"total"}, {integer_attribute("keepdims", 0)}),
                make_node("Less", {"total", "limit"}, {"more"})};
  body.outputs = {{"more", {}}, {"next", {}}};
  const ModelDef file = make_model(
      {port("s0", {3}), port("limit", {})},
      {make_node("ReduceSum", {"s0"}, {"total0"}, {integer_attribute("keepdims", 0)}),
       make_node("Less", {"total0", "limit"}, {"starts"}),
       make_node("Loop", {"most", "starts", "s0"}, {"y"}, {graph_attribute("body", body)})},
      {{"y", {}}}, {{"w", f32({3}, {0.5F, 1, 2})}, {"most", i64({}, {20})}});
  const Model read = loaded(file);
  for (const float limit : {-1.0F, 30.0F}) {
    const Inputs inputs = {Tensor::of<float>({3}, std::vector<float>{1, 1, 1}),
                           Tensor::scalar(DType::f32, limit)};
    expect_same_text(read, inputs);
    // 3 -> (1.5, 2, 3) -> (3.25, 5, 10) -> (6.875, 12, 32)
    const std::vector<float> wanted =
        limit < 0 ? std::vector<float>{1, 1, 1} : std::vector<float>{6.875F, 12, 32};
    const std::vector<Tensor> found = run(read, inputs);
    for (int64_t i = 0; i < 3; ++i)
      EXPECT_EQ(found[0].get(i), static_cast<double>(wanted[static_cast<size_t>(i)]));
  }
}

}  // namespace
}  // namespace brisk::onnx
