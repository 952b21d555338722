// Functional models: sharing, nesting, cycles, and inputs that do not fit.

#include "brisk/nn/functional.h"

#include <gtest/gtest.h>

#include "brisk/ops/control/control.h"

namespace brisk {
namespace {

std::string tensor(const std::string& layer, int call = 0, int result = 0) {
  return fmt::format(
      R"({{"class_name": "__keras_tensor__", "config": {{"keras_history": ["{}", {}, {}]}}}})",
      layer, call, result);
}
std::string input(const std::string& name, const std::string& shape) {
  return fmt::format(
      R"({{"class_name": "InputLayer", "name": "{}", "config": {{"batch_shape": {}, "dtype": "float32"}}, "inbound_nodes": []}})",
      name, shape);
}
std::string dense(const std::string& name, int units, const std::vector<std::string>& calls) {
  std::string nodes;
  for (const std::string& call : calls)
    nodes += fmt::format(R"({}{{"args": [{}], "kwargs": {{}}}})", nodes.empty() ? "" : ", ", call);
  return fmt::format(
      R"({{"class_name": "Dense", "module": "keras.layers", "name": "{}", "config": {{"units": {}}}, "inbound_nodes": [{}]}})",
      name, units, nodes);
}
FunctionalConfig model(const std::string& layers, const std::string& inputs,
                       const std::string& outputs) {
  const std::string text =
      fmt::format(R"({{"name": "m", "layers": [{}], "input_layers": {}, "output_layers": {}}})",
                  layers, inputs, outputs);
  return parse_functional_config(parse_json(text, "model").value(), "Functional");
}
std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "";
}

TEST(Functional, SharesTheWeightsOfALayerThatIsCalledTwice) {
  const FunctionalConfig config =
      model(input("a", "[null, 4]") + ", " + input("b", "[null, 4]") + ", " +
                dense("d", 3, {tensor("a"), tensor("b")}),
            R"([["a", 0, 0], ["b", 0, 0]])", R"([["d", 0, 0], ["d", 1, 0]])");
  const Model built = build_functional(config, {}, nullptr);
  ASSERT_EQ(built.program.state.size(), 2u);
  EXPECT_EQ(built.program.state[0].name, "d/kernel");
  EXPECT_EQ(built.program.state[0].type, Type(DType::f32, {4, 3}));
  EXPECT_EQ(built.program.num_results, 2);
  EXPECT_EQ(built.program.graph.outputs()[1].name, "d_1");
  verify(built.program);
}

TEST(Functional, DoesNotNeedLayersInOrder) {
  const FunctionalConfig config =
      model(dense("second", 2, {tensor("first")}) + ", " + dense("first", 3, {tensor("x")}) + ", " +
                input("x", "[null, 4]"),
            R"(["x", 0, 0])", R"(["second", 0, 0])");
  EXPECT_EQ(build_functional(config, {}, nullptr).program.graph.output_type(0).to_string(),
            "f32[batch, 2]");
}

TEST(Functional, RefusesACycle) {
  const FunctionalConfig config =
      model(input("x", "[null, 4]") + ", " + dense("a", 4, {tensor("b")}) + ", " +
                dense("b", 4, {tensor("a")}),
            R"(["x", 0, 0])", R"(["b", 0, 0])");
  EXPECT_EQ(refusal([&] { build_functional(config, {}, nullptr); }),
            "layer 'a' of the model 'm' reads its own result: the graph has a cycle");
}

TEST(Functional, RefusesWhatDoesNotExist) {
  const auto built = [](const std::string& read) {
    return [=] {
      build_functional(model(input("x", "[null, 4]") + ", " + dense("a", 4, {read}),
                             R"(["x", 0, 0])", R"(["a", 0, 0])"),
                       {}, nullptr);
    };
  };
  EXPECT_EQ(refusal(built(tensor("y"))), "the model 'm' has no layer 'y'");
  EXPECT_EQ(refusal(built(tensor("x", 0, 1))), "result 1 of 'x' is read, which has 1");
  EXPECT_EQ(refusal(built(tensor("x", 7))), "the model 'm' names call 7 of 'x', which has 1");
}

TEST(Functional, BindsOpenAxesByName) {
  const FunctionalConfig config =
      model(input("x", "[null, null, 4]") + ", " + dense("a", 2, {tensor("x")}), R"(["x", 0, 0])",
            R"(["a", 0, 0])");
  EXPECT_EQ(build_functional(config, {}, nullptr).program.graph.output_type(0).to_string(),
            "f32[batch, x_1, 2]");
  EXPECT_EQ(
      build_functional(config, {{"x_1", 9}}, nullptr).program.graph.output_type(0).to_string(),
      "f32[batch, 9, 2]");
}

TEST(Functional, ReadsCallsOfKeras2) {
  const std::string text = R"({"name": "m", "layers": [
      {"class_name": "InputLayer", "name": "x", "config": {"batch_input_shape": [null, 4], "dtype": "float32"}, "inbound_nodes": []},
      {"class_name": "Dense", "name": "a", "config": {"units": 4}, "inbound_nodes": [[["x", 0, 0, {}]]]},
      {"class_name": "Add", "name": "s", "config": {}, "inbound_nodes": [[["x", 0, 0, {}], ["a", 0, 0, {}]]]}],
      "input_layers": [["x", 0, 0]], "output_layers": [["s", 0, 0]]})";
  const FunctionalConfig config =
      parse_functional_config(parse_json(text, "model").value(), "Functional");
  EXPECT_EQ(build_functional(config, {}, nullptr).program.graph.output_type(0).to_string(),
            "f32[batch, 4]");
}

TEST(Functional, NamesUnknownLayers) {
  const std::string text = R"({"name": "m", "layers": [
      {"class_name": "InputLayer", "name": "x", "config": {"batch_shape": [null, 4]}, "inbound_nodes": []},
      {"class_name": "Lambda", "name": "l", "config": {}, "inbound_nodes": []},
      {"class_name": "Mine", "name": "c", "registered_name": "Custom>Mine", "config": {}, "inbound_nodes": []}],
      "input_layers": [["x", 0, 0]], "output_layers": [["x", 0, 0]]})";
  const std::vector<UnknownLayer> unknown =
      unknown_layers(parse_functional_config(parse_json(text, "model").value(), "Functional"));
  ASSERT_EQ(unknown.size(), 2u);
  EXPECT_NE(unknown[0].reason.find("never executed"), std::string::npos);
  EXPECT_EQ(unknown[1].class_name, "Mine");
  EXPECT_NE(unknown[1].reason.find("custom class"), std::string::npos);
}

TEST(Functional, ConfigurationReadsAgain) {
  const FunctionalConfig config =
      model(input("a", "[null, 4]") + ", " + dense("d", 3, {tensor("a")}), R"(["a", 0, 0])",
            R"(["d", 0, 0])");
  const std::string once = FunctionalLayer(config, nullptr).config();
  const FunctionalConfig again =
      parse_functional_config(parse_json(once, "again").value(), "Functional");
  EXPECT_EQ(FunctionalLayer(again, nullptr).config(), once);
}

}  // namespace
}  // namespace brisk
