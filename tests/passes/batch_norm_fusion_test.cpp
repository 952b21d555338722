// The rewrites of batch norm give the same network: results, moving statistics and all gradients of
// two residual blocks agree with the graph before, in f64 on the reference backend.

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "brisk/autodiff/gradient.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "brisk/ops/window/window.h"
#include "brisk/passes/batch_norm/batch_norm_through_pointwise.h"
#include "brisk/passes/batch_norm/fold_batch_norm.h"
#include "brisk/passes/batch_norm/fuse_batch_norm.h"
#include "brisk/passes/batch_norm/fuse_input_gradients.h"
#include "brisk/passes/batch_norm/fuse_pools.h"
#include "brisk/passes/batch_norm/fuse_projections.h"
#include "brisk/passes/fuse_epilogues.h"

namespace brisk {
namespace {

/// Builds two bottleneck blocks, the first with a projection; every parameter is an input.
class Network {
 public:
  explicit Network(bool training = true) : training_(training) {}

  Graph build() {
    Value x = input("images", {3, 6, 6, 4});
    // The first block strides in its 3x3 and its projection narrows nothing.
    const Value shortcut = norm(convolve(x, 10, 1, 2), "projection", Activation::none);
    x = block(x, 4, 10, 2, shortcut);
    x = block(x, 4, 10, 1, x);
    const Value weights = input("weights", x.shape().sizes());
    std::vector<Builder::Output> outputs = {{"loss", reduce_sum(x * weights)}};
    outputs.insert(outputs.end(), moving_.begin(), moving_.end());
    return builder_.finish(outputs);
  }

  /// Down to a pool whose windows overlap, on images of odd size.
  Graph build_first_layer() {
    const Value x =
        norm(convolve(input("images", {3, 13, 10, 2}), 5, 3, 1), "first", Activation::relu);
    const Value y = max_pool(x, {{3, 3}, {2, 2}, {1, 1}, {1, 1}}).values;
    return builder_.finish(
        {{"loss", reduce_sum(y * input("weights", y.shape().sizes()))}, moving_[0], moving_[1]});
  }

 private:
  enum class Activation : uint8_t { none, relu };

  Value input(const std::string& name, std::vector<int64_t> sizes) {
    Shape shape;
    for (const int64_t size : sizes) shape.push_back(size);
    return builder_.input(name, Type(DType::f64, shape));
  }
  Value convolve(Value x, int64_t filters, int64_t kernel, int64_t stride) {
    const int64_t channels = x.shape().sizes().back();
    const Value filter =
        input(fmt::format("filter{}", count_++), {kernel, kernel, channels, filters});
    const int64_t pad = kernel / 2;
    return convolution(x, filter, {{stride, stride}, {pad, pad}, {pad, pad}, {1, 1}, 1});
  }
  Value norm(Value x, const std::string& name, Activation activation) {
    const std::string full = fmt::format("{}{}", name, count_++);
    const std::vector<int64_t> channels = {x.shape().sizes().back()};
    const BatchNorm result =
        batch_norm(x, input(full + "_gamma", channels), input(full + "_beta", channels),
                   input(full + "_mean", channels), input(full + "_variance", channels),
                   {.momentum = 0.9, .epsilon = 1e-3, .training = training_});
    moving_.push_back({full + "_new_mean", result.moving_mean});
    moving_.push_back({full + "_new_variance", result.moving_variance});
    return activation == Activation::relu ? relu(result.y) : result.y;
  }
  Value block(Value x, int64_t inner, int64_t outer, int64_t stride, Value shortcut) {
    Value y = norm(convolve(x, inner, 1, 1), "reduce", Activation::relu);
    y = norm(convolve(y, inner, 3, stride), "spatial", Activation::relu);
    y = norm(convolve(y, outer, 1, 1), "expand", Activation::none);
    return relu(y + shortcut);
  }

  bool training_;
  Builder builder_{standard_ops(), "network"};
  std::vector<Builder::Output> moving_;
  int count_ = 0;
};

Graph with_gradients(const Graph& graph) {
  std::vector<size_t> all(graph.inputs().size());
  std::iota(all.begin(), all.end(), size_t{0});
  return gradient(graph, 0, all);
}

std::vector<Tensor> random_inputs(const Graph& graph) {
  std::vector<Tensor> inputs;
  uint64_t state = 7;
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    Tensor tensor(DType::f64, graph.input_type(i).shape().sizes());
    const bool positive = graph.input_name(i).find("variance") != std::string::npos;
    for (double& value : tensor.data<double>()) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const double uniform = static_cast<double>(state >> 11) * 0x1p-53;
      value = positive ? 0.5 + uniform : 2 * uniform - 0.8;
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

void expect_equal(const Graph& before, const Graph& after) {
  const std::vector<Tensor> inputs = random_inputs(before);
  const std::vector<Tensor> expected = reference::evaluate(before, inputs);
  const std::vector<Tensor> actual = reference::evaluate(after, inputs);
  ASSERT_EQ(expected.size(), actual.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    double difference = 0, size = 0;
    for (int64_t k = 0; k < expected[i].num_elements(); ++k) {
      difference += std::pow(actual[i].get(k) - expected[i].get(k), 2);
      size += std::pow(expected[i].get(k), 2);
    }
    EXPECT_LE(std::sqrt(difference), 1e-12 * (std::sqrt(size) + 1)) << before.outputs()[i].name;
  }
}

int count(const Graph& graph, std::string_view op) {
  int result = 0;
  for (const Node& node : graph.nodes()) result += node.op->name == op ? 1 : 0;
  return result;
}

Graph run(Program (*pass)(Program, const PassContext&), const Graph& graph,
          const LoweringTarget& target) {
  PassContext context;
  context.target = target;
  return pass(Program{.graph = graph, .num_results = 1}, context).graph;
}

TEST(FuseBatchNorm, GivesTheSameNetwork) {
  const Graph before = Network().build();
  const Graph after = run(fuse_batch_norm, before, {.batch_norm_parts = {DType::f64}});
  EXPECT_EQ(count(before, "batch_norm"), 7);
  EXPECT_EQ(count(after, "batch_norm"), 0);
  EXPECT_EQ(count(after, "convolution_statistics"), 7);
  EXPECT_EQ(count(after, "relu"), 7) << "only those that keep variances positive are left";
  expect_equal(with_gradients(before), with_gradients(after));
}

TEST(FoldBatchNorm, GivesTheSameNetworkInConvolutionsAlone) {
  const Graph before = Network(false).build();
  const Graph folded = run(fold_batch_norm, before, {.folds_batch_norm = true});
  EXPECT_EQ(count(folded, "batch_norm"), 0);
  expect_equal(before, folded);
  // Bias, residual and ReLU are what a convolution's epilogue takes.
  const Graph after = run(fuse_epilogues, folded, {.fused_convolution = true});
  EXPECT_EQ(count(after, "fused_convolution"), 7);
  EXPECT_EQ(count(after, "relu"), 0);
  expect_equal(before, after);
  EXPECT_EQ(count(run(fold_batch_norm, before, {}), "batch_norm"), 7);
}

TEST(FoldBatchNorm, LeavesTrainingAlone) {
  const Graph graph = Network(true).build();
  EXPECT_EQ(count(run(fold_batch_norm, graph, {.folds_batch_norm = true}), "batch_norm"), 7);
}

TEST(FuseBatchNorm, LeavesOtherTypesAlone) {
  const Graph before = Network().build();
  const Graph after = run(fuse_batch_norm, before, {.batch_norm_parts = {DType::f16}});
  EXPECT_EQ(count(after, "batch_norm"), 7);
}

TEST(FuseInputGradients, JoinsTheGradientsOfInnerActivations) {
  const Graph before = Network().build();
  const Graph fused = run(fuse_batch_norm, before, {.batch_norm_parts = {DType::f64}});
  const Graph gradients = with_gradients(fused);
  const Graph after =
      run(fuse_input_gradients, gradients, {.native_composites = {"input_gradient_scale_shift"}});
  EXPECT_EQ(count(after, "input_gradient_scale_shift"), 4);
  EXPECT_EQ(count(after, "scale_shift_relu_gradient"), 0);
  EXPECT_EQ(count(after, "scale_shift_result_gradient"), 2);
  expect_equal(with_gradients(before), after);
  EXPECT_EQ(count(run(fuse_input_gradients, gradients, {}), "input_gradient_scale_shift"), 0);
}

TEST(FusePools, GathersAFirstLayersGradientWhereItIsUsed) {
  const Graph before = Network().build_first_layer();
  const Graph fused = run(fuse_batch_norm, before, {.batch_norm_parts = {DType::f64}});
  const Graph gradients = with_gradients(fused);
  EXPECT_EQ(count(gradients, "max_pool_gradient"), 1);
  const Graph after =
      run(fuse_pools, gradients,
          {.native_composites = {"scale_shift_max_pool", "scale_shift_max_pool_gradient"}});
  EXPECT_EQ(count(after, "max_pool"), 0);
  EXPECT_EQ(count(after, "max_pool_gradient"), 0);
  EXPECT_EQ(count(after, "scale_shift_max_pool"), 1);
  EXPECT_EQ(count(after, "scale_shift_max_pool_gradient"), 1);
  EXPECT_EQ(count(after, "scale_shift_relu_gradient"), 1) << "of the pooled places";
  expect_equal(with_gradients(before), after);
  const Graph forward = run(fuse_pools, gradients, {.native_composites = {"scale_shift_max_pool"}});
  EXPECT_EQ(count(forward, "scale_shift_max_pool"), 1);
  EXPECT_EQ(count(forward, "max_pool_gradient"), 1);
  expect_equal(with_gradients(before), forward);
}

TEST(BatchNormThroughPointwise, GivesTheSameNetwork) {
  const Graph before = Network().build();
  const Graph after =
      run(batch_norm_through_pointwise, before, {.batch_norm_through_pointwise = {DType::f64}});
  // The two that widen without a stride; the projection strides.
  EXPECT_EQ(count(after, "gram_matrix"), 2);
  EXPECT_EQ(count(after, "batch_norm"), 5);
  expect_equal(with_gradients(before), with_gradients(after));
}

TEST(BatchNormThroughPointwise, GoesTogetherWithFusing) {
  const LoweringTarget target{.batch_norm_parts = {DType::f64},
                              .batch_norm_through_pointwise = {DType::f64}};
  const Graph before = Network().build();
  const Graph through = run(batch_norm_through_pointwise, before, target);
  const Graph after = run(fuse_batch_norm, through, target);
  EXPECT_EQ(count(after, "batch_norm"), 0);
  EXPECT_EQ(count(after, "convolution_statistics"), 5);
  expect_equal(with_gradients(before), with_gradients(after));
}

TEST(FuseProjections, EndsABlockInOneOp) {
  const LoweringTarget target{.batch_norm_parts = {DType::f64},
                              .batch_norm_through_pointwise = {DType::f64}};
  const Graph before = Network().build();
  const Graph parts =
      run(fuse_batch_norm, run(batch_norm_through_pointwise, before, target), target);
  const Graph gradients = with_gradients(parts);
  const Graph after = run(fuse_projections, gradients, {.native_composites = {"pointwise_join"}});
  EXPECT_EQ(count(after, "pointwise_join"), 1) << "of the block with a projection";
  EXPECT_EQ(count(after, "scale_shift"), count(gradients, "scale_shift") - 1);
  EXPECT_EQ(count(after, "channel_shift"), 1);
  expect_equal(with_gradients(before), after);
  EXPECT_EQ(count(run(fuse_projections, gradients, {}), "pointwise_join"), 0);
}

}  // namespace
}  // namespace brisk
