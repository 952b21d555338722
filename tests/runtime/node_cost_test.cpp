#include "brisk/runtime/node_cost.h"

#include <gtest/gtest.h>

#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

/// The cost of the node that makes the graph's one output.
NodeCost cost_of_output(Builder& builder, Value value) {
  const Graph graph = builder.finish({{"y", value}});
  return cost_of(graph, graph.node(graph.outputs()[0].value.node));
}

TEST(NodeCost, ContractionCountsTwoOperationsATerm) {
  Builder builder(standard_ops());
  const Value a = builder.input("a", Type(DType::f32, {3, 5}));
  const Value b = builder.input("b", Type(DType::f32, {5, 7}));
  const NodeCost cost = cost_of_output(builder, matmul(a, b));
  EXPECT_EQ(cost.flops, 2 * 3 * 5 * 7);
  EXPECT_EQ(cost.bytes, 4 * (3 * 5 + 5 * 7 + 3 * 7));
}

TEST(NodeCost, RandomNumbersAreNoArithmetic) {
  Builder builder(standard_ops());
  const Value key = builder.input("key", Type(DType::u32, {2}));
  const NodeCost cost = cost_of_output(builder, random_bits(key, Shape({3, 5})));
  EXPECT_EQ(cost.flops, 0);
  EXPECT_EQ(cost.bytes, 4 * (2 + 3 * 5));
}

TEST(NodeCost, TransposedFusedDotContractsTheFirstAxis) {
  Builder builder(standard_ops());
  const std::vector<Value> in = {builder.input("a", Type(DType::f32, {5, 3})),
                                 builder.input("b", Type(DType::f32, {5, 7}))};
  EXPECT_EQ(cost_of_output(builder, fused_dot(in, {.transpose_lhs = true})).flops, 2 * 3 * 5 * 7);
}

TEST(NodeCost, ConvolutionAndItsGradientsCountTheSameWork) {
  const ConvolutionAttributes attributes{{2, 2}, {0, 0}, {0, 0}, {1, 1}, 2};
  const Type input(DType::f32, {1, 5, 5, 4}), filter(DType::f32, {3, 3, 2, 6});
  const Type result(DType::f32, {1, 2, 2, 6});
  const double expected = 2.0 * (2 * 2 * 6) * (3 * 3 * 2);
  {
    Builder b(standard_ops());
    const Value x = b.input("x", input), w = b.input("w", filter);
    EXPECT_EQ(cost_of_output(b, convolution(x, w, attributes)).flops, expected);
  }
  {
    Builder b(standard_ops());
    const Value g = b.input("g", result), w = b.input("w", filter);
    const Value y = convolution_input_gradient(g, w, input.shape(), attributes);
    EXPECT_EQ(cost_of_output(b, y).flops, expected);
  }
  {
    Builder b(standard_ops());
    const Value x = b.input("x", input), g = b.input("g", result);
    const Value y = convolution_filter_gradient(x, g, filter.shape(), attributes);
    EXPECT_EQ(cost_of_output(b, y).flops, expected);
  }
}

TEST(NodeCost, MovesCountBytesOnlyAndElementwiseItsExpression) {
  Builder first(standard_ops());
  const Value x = first.input("x", Type(DType::bf16, {8, 4}));
  const NodeCost moved = cost_of_output(first, transpose(x, {1, 0}));
  EXPECT_EQ(moved.flops, 0);
  EXPECT_EQ(moved.bytes, 2 * 2 * 32);
  Builder second(standard_ops());
  const Value y = second.input("y", Type(DType::f32, {8, 4}));
  EXPECT_EQ(cost_of_output(second, y + y).flops, 32);
  Builder third(standard_ops());
  EXPECT_EQ(cost_of_output(third, reduce_sum(third.input("z", Type(DType::f32, {8, 4})))).flops,
            32);
}

}  // namespace
}  // namespace brisk
