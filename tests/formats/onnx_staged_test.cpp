#include <gtest/gtest.h>

#include "brisk/formats/onnx/session.h"
#include "tests/formats/onnx_model.h"

// Models whose shapes depend on data: they run in stages, and stages are compiled once.

namespace brisk::onnx {
namespace {

ValueFile value(HostTensor tensor) {
  ValueFile result;
  result.tensor = std::move(tensor);
  return result;
}

Session session(ModelDef model) {
  return Session(std::move(model), find_backend("reference").value(), {.cache = false});
}

std::vector<float> floats(const ValueFile& value) {
  return {value.tensor.tensor.data<float>().begin(), value.tensor.tensor.data<float>().end()};
}

/// The positive elements of 2 x, doubled: NonZero decides how many there are.
ModelDef positives() {
  return make_model(
      {{"x", tensor_type(ElementType::f32, {Extent(4)})}},
      {make_node("Mul", {"x", "two"}, {"d"}), make_node("Greater", {"d", "zero"}, {"p"}),
       make_node("NonZero", {"p"}, {"at"}), make_node("Squeeze", {"at", "axis"}, {"list"}),
       make_node("Gather", {"d", "list"}, {"g"}), make_node("Mul", {"g", "two"}, {"y"})},
      {{"y", tensor_type(ElementType::f32, {Extent("n")})}},
      {{"two", f32({}, {2})}, {"zero", f32({}, {0})}, {"axis", i64({1}, {0})}});
}

TEST(OnnxSession, AShapeThatDependsOnDataCutsTheGraph) {
  Session model = session(positives());
  EXPECT_EQ(floats(model.run({{"x", value(f32({4}, {1, -1, 2, -2}))}})[0]),
            (std::vector<float>{4, 8}));
  EXPECT_EQ(model.num_runs(), 2U);
  EXPECT_EQ(floats(model.run({{"x", value(f32({4}, {1, 1, 1, -2}))}})[0]),
            (std::vector<float>{4, 4, 4}));
}

TEST(OnnxSession, StagesOfEqualShapesAreCompiledOnce) {
  Session model = session(positives());
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(floats(model.run({{"x", value(f32({4}, {1, -1, 2, -2}))}})[0]),
              (std::vector<float>{4, 8}));
  EXPECT_EQ(model.num_runs(), 6U);
  EXPECT_EQ(model.num_compiled(), 2U);
}

TEST(OnnxSession, ALoopRunsUntilItsConditionFails) {
  // while (sum < 10) sum += x
  auto body = std::make_shared<GraphDef>();
  body->inputs = {{"i", tensor_type(ElementType::i64, {})},
                  {"go", tensor_type(ElementType::boolean, {})},
                  {"sum_in", tensor_type(ElementType::f32, {})}};
  body->nodes = {make_node("Add", {"sum_in", "x"}, {"sum_out"}),
                 make_node("Less", {"sum_out", "limit"}, {"again"}),
                 make_node("Identity", {"sum_out"}, {"row"})};
  body->outputs = {{"again", {}}, {"sum_out", {}}, {"row", {}}};
  AttributeDef attribute;
  attribute.name = "body";
  attribute.kind = AttributeDef::Kind::graph;
  attribute.graph = body;
  const ModelDef model =
      make_model({{"x", tensor_type(ElementType::f32, {})}},
                 {make_node("Loop", {"", "yes", "start"}, {"total", "rows"}, {attribute})},
                 {{"total", {}}, {"rows", {}}},
                 {{"limit", f32({}, {10})},
                  {"start", f32({}, {0})},
                  {"yes", HostTensor(Tensor::scalar(DType::boolean, 1))}});
  Session session(model, find_backend("reference").value(), {.cache = false});
  const std::vector<ValueFile> results = session.run({{"x", value(f32({}, {4}))}});
  EXPECT_EQ(floats(results[0]), std::vector<float>{12});
  EXPECT_EQ(floats(results[1]), (std::vector<float>{4, 8, 12}));
}

TEST(OnnxSession, SequencesComeOutAsTheyAre) {
  const ModelDef model = make_model({{"a", tensor_type(ElementType::f32, {Extent(1)})},
                                     {"b", tensor_type(ElementType::f32, {Extent(2)})}},
                                    {make_node("SequenceConstruct", {"a", "b"}, {"s"}),
                                     make_node("SequenceInsert", {"s", "a"}, {"t"})},
                                    {{"t", {}}});
  Session session(model, find_backend("reference").value(), {.cache = false});
  const ValueFile result =
      session.run({{"a", value(f32({1}, {1}))}, {"b", value(f32({2}, {2, 3}))}})[0];
  ASSERT_EQ(result.elements.size(), 3U);
  EXPECT_EQ(floats(result.elements[1]), (std::vector<float>{2, 3}));
}

}  // namespace
}  // namespace brisk::onnx
