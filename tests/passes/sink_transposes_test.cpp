#include "brisk/passes/sink_transposes.h"

#include <gtest/gtest.h>

#include "brisk/ir/builder.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "brisk/passes/simplify.h"

namespace brisk {
namespace {

const std::vector<int64_t> kFirst = {0, 3, 1, 2}, kLast = {0, 2, 3, 1};

int64_t transposes(const Graph& graph) {
  return std::count_if(graph.nodes().begin(), graph.nodes().end(),
                       [](const Node& node) { return node.op->name == "transpose"; });
}

struct Image {
  Builder builder{standard_ops()};
  Value x = builder.input("x", Type(DType::f32, {2, 4, 5, 3}));
  Graph finish(Value y) {
    return simplify(sink_transposes(builder.finish({Builder::Output{"y", y}})));
  }
};

TEST(SinkTransposes, APairAroundElementwiseOpsGoes) {
  Image image;
  const Value bias = image.builder.input("bias", Type(DType::f32, {3}));
  const Value y = relu(transpose(image.x, kFirst) * 2.0 + broadcast(bias, {2, 3, 4, 5}, {1}));
  EXPECT_EQ(transposes(image.finish(transpose(y, kLast))), 0);
}

TEST(SinkTransposes, PaddingAndConcatenationLetThemPass) {
  Image image;
  const Value a = transpose(image.x, kFirst);
  const Value padded = pad(a, image.builder.scalar(DType::f32, 0), {0, 0, 1, 2}, {0, 0, 1, 0});
  const Value joined = concatenate(std::vector<Value>{padded, padded}, 1);
  const Graph graph = image.finish(transpose(joined, kLast));
  EXPECT_EQ(transposes(graph), 0);
  EXPECT_EQ(graph.output_type(0).to_string(), "f32[2, 6, 7, 6]");
}

TEST(SinkTransposes, AReductionOfTheImageNeedsNone) {
  Image image;
  const Graph graph = image.finish(reduce_sum(transpose(image.x, kFirst), {2, 3}));
  EXPECT_EQ(transposes(graph), 0);
  EXPECT_EQ(graph.output_type(0).to_string(), "f32[2, 3]");
}

TEST(SinkTransposes, AReductionKeepsTheOrderOfWhatStays) {
  Image image;
  const Graph graph = image.finish(reduce_sum(transpose(image.x, {3, 2, 1, 0}), {0}));
  EXPECT_EQ(transposes(graph), 1);
  EXPECT_EQ(graph.output_type(0).to_string(), "f32[5, 4, 2]");
}

TEST(SinkTransposes, DifferentPermutationsStay) {
  Image image;
  const Value a = transpose(image.x, {0, 2, 1, 3});
  const Value b = image.builder.input("b", Type(DType::f32, {2, 5, 3, 4}));
  EXPECT_EQ(transposes(image.finish(a + transpose(b, {0, 1, 3, 2}))), 2);
}

}  // namespace
}  // namespace brisk
