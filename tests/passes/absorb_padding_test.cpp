#include "brisk/passes/absorb_padding.h"

#include <gtest/gtest.h>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

struct Padding {
  std::vector<int64_t> low, high, interior = {0, 0, 0, 0};
  double value = 0;
};

Graph padded_convolution(const Padding& padding) {
  Builder builder(standard_ops(), "padded");
  const Value x = builder.input("x", Type(DType::f64, {2, 6, 5, 3}));
  const Value filter = builder.input("filter", Type(DType::f64, {3, 3, 3, 4}));
  const Value padded = pad(x, builder.scalar(DType::f64, padding.value), padding.low, padding.high,
                           padding.interior);
  return builder.finish({{"y", convolution(padded, filter, {{2, 1}, {0, 1}, {0, 1}, {1, 1}, 1})}});
}

Graph absorbed(const Graph& graph) {
  return absorb_padding(Program{.graph = graph, .num_results = 1}, {}).graph;
}

bool pads(const Graph& graph) {
  for (const Node& node : graph.nodes())
    if (node.op->name == "pad") return true;
  return false;
}

TEST(AbsorbPadding, GivesZerosToTheConvolution) {
  const Graph before = padded_convolution({{0, 1, 2, 0}, {0, 2, 0, 0}});
  const Graph after = absorbed(before);
  EXPECT_TRUE(pads(before));
  EXPECT_FALSE(pads(after));
  std::vector<Tensor> inputs;
  for (size_t i = 0; i < 2; ++i) {
    Tensor tensor(DType::f64, before.input_type(i).shape().sizes());
    double next = 0.3;
    for (double& value : tensor.data<double>())
      value = next = next * 1.7 - static_cast<int>(next * 1.7 + 0.5);
    inputs.push_back(std::move(tensor));
  }
  EXPECT_TRUE(
      bit_equal(reference::evaluate(before, inputs)[0], reference::evaluate(after, inputs)[0]));
}

TEST(AbsorbPadding, LeavesOtherPaddingAlone) {
  EXPECT_TRUE(pads(absorbed(padded_convolution({{0, 1, 1, 0}, {0, 1, 1, 0}, {0, 0, 0, 0}, 1}))));
  EXPECT_TRUE(pads(absorbed(padded_convolution({{0, 1, 1, 0}, {0, 1, 1, 0}, {0, 1, 0, 0}}))));
  EXPECT_TRUE(pads(absorbed(padded_convolution({{1, 1, 1, 0}, {0, 1, 1, 0}}))));
  EXPECT_TRUE(pads(absorbed(padded_convolution({{0, -1, 1, 0}, {0, 1, 1, 0}}))));
}

}  // namespace
}  // namespace brisk
