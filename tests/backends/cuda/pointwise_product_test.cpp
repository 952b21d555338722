// Our own kernel of pointwise gradients: what it takes, and that NVRTC compiles it. No device.

#include "brisk/backends/cuda/kernels/pointwise_product.h"

#include <gtest/gtest.h>

#include <fstream>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/backends/cuda/kernels/join_kernels.h"
#include "brisk/backends/cuda/kernels/warpgroup_plan.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/pointwise_pair.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"
#include "tests/backends/cuda/chosen_kernel.h"
#include "tests/support/temporary_directory.h"

namespace brisk::cuda {
namespace {

Graph join(DType type, int64_t rows, int64_t channels, int64_t filters, bool factor = false) {
  Builder builder(standard_ops(), "join");
  const Type image(type, {1, rows, 1, channels});
  const GradientJoin joined = input_gradient_join(
      builder.input("dy", Type(type, {1, rows, 1, filters})),
      builder.input("filter", Type(type, {1, 1, channels, filters})), builder.input("skip", image),
      builder.input("result", image), {{{1, 1}, {0, 0}, {0, 0}, {1, 1}}, image.shape()},
      factor ? std::optional(builder.input("factor", image)) : std::nullopt);
  std::vector<Builder::Output> outputs = {{"dz", joined.dz}, {"sum", joined.sum}};
  if (factor) outputs.push_back({"sum_factor", joined.sum_factor});
  return builder.finish(outputs);
}

/// Nothing is summed: no counters, no partial results.
Graph block_end(DType type, int64_t rows, int64_t channels, int64_t filters) {
  Builder builder(standard_ops(), "block_end");
  const Type vector(DType::f32, {filters});
  const Value out = pointwise_join(builder.input("x", Type(type, {1, rows, 1, channels})),
                                   builder.input("matrix", Type(type, {filters, channels})),
                                   builder.input("bias", vector),
                                   {builder.input("skip", Type(type, {1, rows, 1, filters})),
                                    builder.input("scale", vector), builder.input("shift", vector)},
                                   Activation::relu);
  return builder.finish({{"out", out}});
}

/// Two products of one sum, and no image in the epilogue.
Graph pair(DType type, int64_t rows, int64_t channels, int64_t others, int64_t filters) {
  Builder builder(standard_ops(), "pair");
  const auto image = [&](const char* name, int64_t last) {
    return builder.input(name, Type(type, {1, rows, 1, last}));
  };
  const auto matrix = [&](const char* name, int64_t depth) {
    return builder.input(name, Type(type, {filters, depth}));
  };
  const Value bias = builder.input("bias", Type(DType::f32, {filters}));
  const Value out = pointwise_pair({image("x", channels), matrix("matrix", channels)},
                                   {image("other", others), matrix("other_matrix", others)}, bias,
                                   {Activation::relu});
  return builder.finish({{"out", out}});
}

/// The skip at every second place of both axes.
Graph sparse_join(DType type) {
  Builder builder(standard_ops(), "join");
  const Type image(type, {3, 28, 36, 128});
  const GradientJoin joined = input_gradient_join(
      builder.input("dy", Type(type, {3, 28, 36, 64})),
      builder.input("filter", Type(type, {1, 1, 128, 64})),
      builder.input("skip", Type(type, {3, 14, 18, 128})), builder.input("result", image),
      {{{1, 1}, {0, 0}, {0, 0}, {1, 1}}, image.shape()});
  return builder.finish({{"dz", joined.dz}, {"sum", joined.sum}});
}

Graph moments(DType type, int64_t rows, int64_t channels, int64_t filters) {
  Builder builder(standard_ops(), "moments");
  const Type image(type, {1, rows, 1, channels}), vector(DType::f32, {channels});
  const MomentsGradient of{builder.input("input", image),
                           builder.input("matrix", Type(type, {channels, channels})),
                           builder.input("offset", vector)};
  const ScaleShiftGradient at = moments_gradient_scale_shift(
      builder.input("dy", Type(type, {1, rows, 1, filters})),
      builder.input("filter", Type(type, {1, 1, channels, filters})), of, builder.input("x", image),
      builder.input("scale", vector), builder.input("shift", vector),
      {{{1, 1}, {0, 0}, {0, 0}, {1, 1}}, image.shape()});
  return builder.finish({{"dz", at.dz}, {"sum_x", at.sum_x}, {"sum", at.sum}});
}

Graph input_gradient(DType type, int64_t rows, int64_t channels, int64_t filters) {
  Builder builder(standard_ops(), "input_gradient");
  const Type image(type, {1, rows, 1, channels}), vector(DType::f32, {channels});
  const ScaleShiftGradient at = input_gradient_scale_shift(
      builder.input("dy", Type(type, {1, rows, 1, filters})),
      builder.input("filter", Type(type, {1, 1, channels, filters})), builder.input("x", image),
      builder.input("scale", vector), builder.input("shift", vector),
      {{{1, 1}, {0, 0}, {0, 0}, {1, 1}}, image.shape()});
  return builder.finish({{"dz", at.dz}, {"sum_x", at.sum_x}, {"sum", at.sum}});
}

/// A device before Hopper.
DeviceProperties ampere() {
  DeviceProperties device = described_h200();
  device.major = 8;
  return device;
}

void expect_all_compile(const std::vector<Graph>& graphs, const DeviceProperties& device) {
  std::vector<KernelSource> sources;
  for (const Graph& graph : graphs) {
    const ChosenKernel one = chosen_kernel(graph, SIZE_MAX, device);
    EXPECT_EQ(one.kernel.rfind("nvrtc/", 0), 0u) << one.kernel;
    EXPECT_EQ(one.workspace_bytes > 0, graph.outputs().size() > 1);
    EXPECT_EQ(one.counter_bytes > 0, graph.outputs().size() > 1);
    ASSERT_EQ(one.sources.size(), 1u);
    sources.push_back(one.sources[0]);
  }
  const auto code =
      compile_kernels(sources, {.architecture = device.architecture(), .cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
  EXPECT_EQ(code->function_names.size(), sources.size());
}

TEST(PointwiseProduct, ResNet50sFormsCompile) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  expect_all_compile({join(DType::f16, 802816, 256, 64),
                      join(DType::f16, 200704, 512, 128),
                      join(DType::bf16, 50176, 1024, 256),
                      join(DType::f16, 12544, 2048, 512),
                      join(DType::f16, 35, 64, 192),
                      sparse_join(DType::f16),
                      moments(DType::f16, 802816, 64, 256),
                      moments(DType::bf16, 200704, 128, 512),
                      moments(DType::f16, 50176, 256, 1024),
                      join(DType::f32, 802816, 256, 64),
                      join(DType::f32, 50176, 1024, 256),
                      moments(DType::f32, 802816, 64, 256),
                      join(DType::f16, 200704, 512, 128, true),
                      moments(DType::f32, 50176, 256, 1024),
                      block_end(DType::f16, 200704, 128, 512),
                      block_end(DType::f32, 35, 64, 192),
                      pair(DType::f16, 802816, 64, 64, 256),
                      input_gradient(DType::f16, 12544, 512, 2048),
                      pair(DType::f32, 802816, 64, 64, 256),
                      pair(DType::bf16, 3500, 64, 128, 192)},
                     described_h200());
}

TEST(PointwiseProduct, ResNet50sFormsCompileForOtherDevices) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  expect_all_compile(
      {join(DType::f16, 802816, 256, 64), join(DType::f16, 200704, 512, 128),
       join(DType::bf16, 50176, 1024, 256), join(DType::f16, 35, 64, 192), sparse_join(DType::f16),
       moments(DType::f16, 802816, 64, 256), moments(DType::bf16, 200704, 128, 512),
       join(DType::bf16, 200704, 512, 128, true), block_end(DType::f16, 200704, 128, 512),
       pair(DType::f16, 802816, 64, 64, 256)},
      ampere());
}

TEST(PointwiseProduct, HopperHasAFormOfItsOwn) {
  const auto kernel = [](const Graph& graph, const DeviceProperties& device) {
    return chosen_kernel(graph, SIZE_MAX, device).kernel;
  };
  const std::string name = "nvrtc/input_gradient_join/50176x1024x256";
  EXPECT_EQ(kernel(join(DType::f16, 50176, 1024, 256), described_h200()), name + "/wgmma");
  EXPECT_EQ(kernel(join(DType::f32, 50176, 1024, 256), described_h200()), name + "/wgmma");
  EXPECT_EQ(kernel(join(DType::f16, 50176, 1024, 256), ampere()), name);
  EXPECT_EQ(kernel(sparse_join(DType::f16), described_h200()),
            "nvrtc/input_gradient_join/3024x128x64");
}

TEST(PointwiseProduct, LoweringKnowsTheDeviceThatIsDescribed) {
  const test::TemporaryDirectory directory;
  const std::string path = (directory / "ampere.json").string();
  std::ofstream(path) << device_description(ampere());
  const auto takes = [](const std::string& description, const Graph& graph) {
    const Node& node = graph.nodes().back();
    std::vector<Type> operands;
    for (const ValueId& operand : node.operands) operands.push_back(graph.type(operand));
    return (*find_backend("cuda"))
        ->target_for({.device_description = description})
        .takes_composite(node, operands);
  };
  const std::string h200 = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json";
  const Graph deep = moments(DType::f16, 50176, 256, 1024);
  EXPECT_TRUE(takes(h200, deep));
  EXPECT_FALSE(takes(path, deep));  // its depth does not fit into shared memory
  EXPECT_TRUE(takes(path, moments(DType::f16, 802816, 64, 256)));
}

TEST(PointwiseProduct, PlansForHopperFitIntoSharedMemory) {
  const DeviceProperties device = described_h200();
  PointwiseProduct product{.terms = {{0, 1, 64}}};
  for (const auto& images : {std::vector<PointwiseProduct::Image>{{2, "skip"}, {3, "after"}},
                             std::vector<PointwiseProduct::Image>{}})
    for (const DType type : {DType::f16, DType::bf16, DType::f32})
      for (const int64_t columns : {64, 128, 256, 512, 1024, 2048})
        for (const int64_t depth : {64, 256, 1280, 8192})
          for (const int64_t rows : {1, 1000, 802816}) {
            product.type = type;
            product.columns = columns;
            product.rows = rows;
            product.images = images;
            product.terms[0].depth = depth;
            const auto plan = warpgroup_plan(product, device);
            ASSERT_TRUE(plan) << columns << " columns, a depth of " << depth;
            EXPECT_LE(plan->shared_bytes(product), device.shared_bytes_per_block - 64);
            EXPECT_GE(plan->stages, 4);
            EXPECT_LE(plan->pieces * plan->team * WarpgroupPlan::kUnit, plan->stage_bytes());
            EXPECT_EQ(plan->tile_columns * byte_size(type) % (plan->pieces * WarpgroupPlan::kLine),
                      0);
            EXPECT_EQ(plan->chunks * plan->tile_columns, columns);
            EXPECT_LE(plan->parts, plan->tiles);
          }
}

TEST(PointwiseProduct, SaysWhatItDoesNotTake) {
  const DeviceProperties device = ampere();
  PointwiseProduct product{.type = DType::f64, .rows = 8, .columns = 64, .terms = {{0, 1, 64}}};
  EXPECT_EQ(refuse_pointwise_product(product, device),
            "element type f64, but it is for f16, bf16 and f32");
  product.type = DType::f16;
  EXPECT_EQ(refuse_pointwise_product(product, device), std::nullopt);
  product.columns = 96;
  EXPECT_EQ(refuse_pointwise_product(product, device), "96 columns, but it wants a multiple of 64");
  product.columns = 128;
  product.terms[0].depth = 40;
  EXPECT_EQ(refuse_pointwise_product(product, device),
            "a depth of 40, but it wants a multiple of 64");
  product.terms[0].depth = 2048;
  EXPECT_EQ(refuse_pointwise_product(product, device),
            "a depth of 2048, of which 64 columns do not fit into shared memory");
  product.type = DType::f32;
  product.terms[0].depth = 40;
  EXPECT_EQ(refuse_pointwise_product(product, device),
            "a depth of 40, but it wants a multiple of 32");
  product.terms[0].depth = 1024;
  EXPECT_EQ(refuse_pointwise_product(product, device),
            "a depth of 1024, of which 64 columns do not fit into shared memory");
  const Graph graph = join(DType::f32, 64, 64, 64);
  std::vector<Type> operands;
  for (const ValueId& operand : graph.nodes().back().operands)
    operands.push_back(graph.type(operand));
  EXPECT_EQ(refuse_join(graph.nodes().back(), operands, true, device), std::nullopt);
  EXPECT_EQ(refuse_join(graph.nodes().back(), operands, false, device),
            "it would round f32 operands to TF32");
}

}  // namespace
}  // namespace brisk::cuda
