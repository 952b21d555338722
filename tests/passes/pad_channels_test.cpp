#include "brisk/passes/pad_channels.h"

#include <gtest/gtest.h>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

struct Columns {
  int64_t count, kernel, pad_low, pad_high, stride;
};

Graph filter_gradient(const Columns& columns) {
  Builder builder(standard_ops(), "gradient");
  const auto extent = [](int64_t in, int64_t kernel, int64_t padding, int64_t stride) {
    return (in + padding - kernel) / stride + 1;
  };
  const int64_t width =
      extent(columns.count, columns.kernel, columns.pad_low + columns.pad_high, columns.stride);
  const Value x = builder.input("x", Type(DType::f16, {2, 7, columns.count, 3}));
  const Value g = builder.input("g", Type(DType::f16, {2, 3, width, 4}));
  const ConvolutionAttributes geometry{
      {2, columns.stride}, {1, columns.pad_low}, {0, columns.pad_high}, {1, 1}, 1};
  return builder.finish(
      {{"d", convolution_filter_gradient(x, g, Shape{3, columns.kernel, 3, 4}, geometry)}});
}

bool has_pairs(const Graph& graph) {
  for (const Node& node : graph.nodes())
    if (node.op->name == "convolution_filter_gradient")
      return graph.type(node.operands[0]).shape().sizes().back() == 8;
  return false;
}

std::vector<Tensor> inputs_of(const Graph& graph) {
  std::vector<Tensor> inputs;
  int64_t next = 1;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    Tensor tensor(DType::f16, graph.input_type(i).shape().sizes());
    for (int64_t at = 0; at < tensor.num_elements(); ++at)
      tensor.set(at, static_cast<double>((next = next * 5 % 17) - 8) / 8);  // sums are exact
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

TEST(PadChannels, AFilterGradientOverPairsOfColumnsIsTheSame) {
  PassContext context;
  context.target.channel_steps = {4, 8};
  for (const Columns& columns :
       {Columns{8, 7, 3, 3, 2}, Columns{8, 3, 0, 1, 2}, Columns{8, 4, 1, 1, 2},
        Columns{10, 5, 2, 2, 2}, Columns{9, 3, 1, 1, 2}, Columns{8, 3, 1, 1, 1}}) {
    SCOPED_TRACE(fmt::format("{} columns, {} under the filter, {} and {} before and behind",
                             columns.count, columns.kernel, columns.pad_low, columns.pad_high));
    const Graph before = filter_gradient(columns);
    const Graph after = pad_channels(Program{.graph = before, .num_results = 1}, context).graph;
    EXPECT_EQ(has_pairs(after), columns.count % 2 == 0 && columns.stride == 2);
    const std::vector<Tensor> inputs = inputs_of(before);
    EXPECT_TRUE(
        bit_equal(reference::evaluate(before, inputs)[0], reference::evaluate(after, inputs)[0]));
  }
}

}  // namespace
}  // namespace brisk
