// The graph as a value, and the builder that makes it.

#include "brisk/ir/graph.h"

#include <gtest/gtest.h>

#include "brisk/ir/builder.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "tests/support/refusal.h"

namespace brisk::testing {
namespace {

/// y = sum(tanh(x) + x) over the last axis; what `change` names is made otherwise.
Graph sample(std::string_view change = "") {
  Builder builder(standard_ops(), change == "graph" ? "other" : "g");
  builder.set_label(change == "label" ? "other" : "layer");
  const Value x = builder.input(change == "input" ? "other" : "x",
                                Type(DType::f32, {2, change == "type" ? 4 : 3}));
  const Value y = change == "op" ? sin(x) : tanh(x);
  const Value sum = change == "operands" ? y + y : y + x;
  return builder.finish(
      {{change == "output" ? "other" : "y", reduce_sum(sum, {change == "attribute" ? 0 : 1})}});
}

TEST(Graph, EqualityAndHashSeeWhatIsComputedAndNamed) {
  EXPECT_TRUE(sample() == sample());
  EXPECT_EQ(sample().hash(), sample().hash());
  for (const char* change : {"input", "type", "op", "operands", "output", "attribute"}) {
    EXPECT_FALSE(sample(change) == sample()) << change;
    EXPECT_NE(sample(change).hash(), sample().hash()) << change;
  }
  for (const char* same : {"graph", "label"}) {
    EXPECT_TRUE(sample(same) == sample()) << same;
    EXPECT_EQ(sample(same).hash(), sample().hash()) << same;
  }
}

TEST(Graph, UsersNameEachNodeOnceInOrder) {
  const Graph graph = sample("operands");  // x, tanh, add(tanh, tanh), reduce_sum
  const auto users = graph.users();
  EXPECT_EQ(users[0], std::vector<NodeId>{1});
  EXPECT_EQ(users[1], std::vector<NodeId>{2});
  EXPECT_EQ(users[2], std::vector<NodeId>{3});
  EXPECT_TRUE(users[3].empty());
}

TEST(Graph, ANodeOrResultThatIsNotThereIsADefect) {
  const Graph graph = sample();
  EXPECT_THROW(graph.node(-1), InternalError);
  EXPECT_THROW(graph.node(99), InternalError);
  EXPECT_THROW(graph.type({0, 1}), InternalError);
}

TEST(Builder, KeepsWhatOutputsNeedAndEveryInput) {
  Builder builder(standard_ops(), "g");
  const Value x = builder.input("x", Type(DType::f32, {2}));
  builder.input("unused", Type(DType::f32, {5}));
  tanh(x);
  const Value y = sin(x);
  const Graph graph = builder.finish({{"y", y}});
  ASSERT_EQ(graph.nodes().size(), 3u);
  EXPECT_EQ(graph.input_name(1), "unused");
  EXPECT_EQ(graph.node(2).op->name, "sin");
  EXPECT_EQ(builder.num_nodes(), 0) << "the builder is empty afterwards";
}

TEST(Builder, LabelsHoldForTheirScope) {
  Builder builder(standard_ops(), "g");
  const Value x = builder.input("x", Type(DType::f32, {2}));
  Value y;
  {
    const LabelScope label(builder, "layer");
    y = tanh(x);
  }
  const Graph graph = builder.finish({{"y", y}, {"z", sin(x)}});
  EXPECT_EQ(graph.node(1).label, "layer");
  EXPECT_EQ(graph.node(2).label, "");
}

TEST(Builder, InliningPutsOneGraphIntoAnother) {
  Builder builder(standard_ops(), "outer");
  const Value x = builder.input("x", Type(DType::f32, {2, 3}));
  const Graph graph = builder.finish({{"y", builder.inline_graph(sample(), std::vector{x})[0]}});
  EXPECT_TRUE(graph == sample());
}

TEST(Builder, RefusesWhatDoesNotFitWithBothValues) {
  Builder builder(standard_ops(), "g"), other(standard_ops(), "h");
  const Value x = builder.input("x", Type(DType::f32, {2}));
  EXPECT_EQ(refusal([&] {
              builder.emit("ad", std::vector{x, x});
            }),
            "there is no op 'ad'; did you mean 'add'?");
  EXPECT_EQ(refusal([&] { builder.emit("add", std::vector{x}); }),
            "[add] takes 2 operands, but 1 are given");
  EXPECT_EQ(refusal([&] {
              builder.emit("add", std::vector{x, Value{}});
            }),
            "[add] operand 1 is not defined");
  EXPECT_EQ(refusal([&] { builder.emit("tanh", std::vector{x}, {}, {sample()}); }),
            "[tanh] takes 0 regions, but 1 are given");
  EXPECT_EQ(refusal([&] { builder.inline_graph(sample(), {}); }),
            "graph 'g' takes 1 inputs, but 0 are given");
  EXPECT_EQ(refusal([&] { builder.inline_graph(sample(), std::vector{x}); }),
            "input 'x' of graph 'g' is f32[2, 3], but f32[2] is given");
  EXPECT_EQ(refusal([&] {
              other.finish({{"y", x}});
            }),
            "output 'y' of graph 'h' is not a value of its builder");
  EXPECT_THROW(builder.emit("add", std::vector{x, other.input("x", x.type())}), InternalError);
}

}  // namespace
}  // namespace brisk::testing
