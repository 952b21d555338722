// Our own kernel of 3x3 convolutions: what it takes, and that NVRTC compiles it. No device.

#include "brisk/backends/cuda/kernels/halo_convolution.h"

#include <gtest/gtest.h>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/backends/cuda/kernels/halo_plan.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/standard.h"
#include "tests/backends/cuda/chosen_kernel.h"

namespace brisk::cuda {
namespace {

struct Layer {
  DType type;
  int64_t images, height, width, channels, filters;  ///< of the convolution's input
  bool gradient = false;
  int64_t stride = 1, pad = 1, kernel = 3;
};

/// A convolution with bias and ReLU.
Graph inference(DType type, int64_t images, int64_t extent, int64_t channels,
                Activation activation = Activation::relu) {
  Builder builder(standard_ops(), "layer");
  const std::vector<Value> operands = {
      builder.input("x", Type(type, {images, extent, extent, channels})),
      builder.input("filter", Type(type, {3, 3, channels, channels})),
      builder.input("bias", Type(type, {channels}))};
  const Value y =
      fused_convolution(operands, {{{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}, true, false, activation});
  return builder.finish({{"y", y}});
}

Graph graph_of(const Layer& layer) {
  Builder builder(standard_ops(), "layer");
  const auto& [type, images, height, width, channels, filters, gradient, stride, pad, kernel] =
      layer;
  const Type image(type, {images, height, width, channels});
  const Type filter(type, {kernel, kernel, channels, filters});
  const ConvolutionAttributes geometry{{stride, stride}, {pad, pad}, {1, 1}, {1, 1}, 1};
  if (!gradient) {
    const ConvolutionStatistics at = convolution_statistics(
        builder.input("x", image), builder.input("filter", filter), geometry);
    return builder.finish({{"y", at.y}, {"sum", at.sum}, {"square_sum", at.square_sum}});
  }
  const Type vector(DType::f32, {channels});
  const Type dy(type, {images, height / stride, width / stride, filters});
  const ScaleShiftGradient at = input_gradient_scale_shift(
      builder.input("dy", dy), builder.input("filter", filter), builder.input("x", image),
      builder.input("scale", vector), builder.input("shift", vector), {geometry, image.shape()});
  return builder.finish({{"dz", at.dz}, {"sum_x", at.sum_x}, {"sum", at.sum}});
}

Result<HaloConvolution> convolution_of(const Graph& graph,
                                       const DeviceProperties& device = described_h200()) {
  const Node& node = graph.nodes().back();
  std::vector<Type> operands;
  for (const ValueId& operand : node.operands) operands.push_back(graph.type(operand));
  return halo_convolution(node, operands, device);
}

Result<HaloConvolution> convolution_of(const Layer& layer,
                                       const DeviceProperties& device = described_h200()) {
  return convolution_of(graph_of(layer), device);
}

const std::vector<Layer>& resnet50s() {
  static const std::vector<Layer> layers = {{DType::f16, 256, 56, 56, 64, 64},
                                            {DType::f16, 256, 56, 56, 64, 64, true},
                                            {DType::bf16, 256, 28, 28, 128, 128},
                                            {DType::f16, 256, 28, 28, 128, 128, true},
                                            {DType::f16, 256, 56, 56, 128, 128, true, 2},
                                            {DType::bf16, 256, 28, 28, 256, 256, true, 2},
                                            {DType::f16, 3, 28, 26, 128, 64, true, 2, 0}};
  return layers;
}

TEST(HaloConvolution, ResNet50sFormsCompile) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  std::vector<KernelSource> sources;
  for (const Layer& layer : resnet50s()) {
    const ChosenKernel one = chosen_kernel(graph_of(layer));
    EXPECT_EQ(one.kernel.rfind("nvrtc/", 0), 0u) << one.kernel;
    EXPECT_GT(one.workspace_bytes, 0);
    EXPECT_GT(one.counter_bytes, 0);
    ASSERT_EQ(one.sources.size(), 1u);
    sources.push_back(one.sources[0]);
  }
  for (const DType type : {DType::f16, DType::bf16}) {
    const ChosenKernel one = chosen_kernel(inference(type, 32, 56, 64), 1);
    EXPECT_EQ(one.kernel, "nvrtc/fused_convolution/32x56x56x64x64/wgmma");
    EXPECT_EQ(one.workspace_bytes + one.counter_bytes + one.packed_bytes, 0);
    ASSERT_EQ(one.sources.size(), 1u);
    sources.push_back(one.sources[0]);
  }
  const auto code =
      compile_kernels(sources, {.architecture = described_h200().architecture(), .cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
  EXPECT_EQ(code->function_names.size(), sources.size());
}

TEST(HaloConvolution, SaysWhatItRuns) {
  EXPECT_EQ(chosen_kernel(graph_of(resnet50s()[0])).kernel,
            "nvrtc/convolution_statistics/256x56x56x64x64/wgmma");
  EXPECT_EQ(chosen_kernel(graph_of(resnet50s()[4])).kernel,
            "nvrtc/input_gradient_scale_shift/256x28x28x128x128/stride 2/wgmma");
}

TEST(HaloConvolution, EveryPlaceOfTheFilterHasItsPhase) {
  const HaloConvolution gradient = convolution_of(resnet50s()[4]).value();
  const HaloPlan plan = halo_plan(gradient, described_h200()).value();
  EXPECT_EQ(plan.first_of, (std::vector<int64_t>{0, 1, 3, 5, 9}));
  // The gradient at even places is the middle of the filter times the result's gradient there.
  EXPECT_EQ(plan.taps[0].place, 4);
  EXPECT_EQ(plan.taps[0].line, 1);
  EXPECT_EQ(plan.taps[0].column, 1);
  std::vector<bool> seen(9);
  for (const HaloPlan::Tap& tap : plan.taps) seen[static_cast<size_t>(tap.place)] = true;
  EXPECT_EQ(seen, std::vector<bool>(9, true));
}

TEST(HaloConvolution, PlansFitIntoSharedMemory) {
  const DeviceProperties device = described_h200();
  int taken = 0;
  for (const bool gradient : {false, true})
    for (const int64_t channels : {64, 128})
      for (const int64_t extent : {7, 13, 14, 28, 32, 56, 112, 224})
        for (const int64_t images : {1, 256}) {
          const auto convolution = convolution_of(
              {DType::f16, images, extent, extent, channels, channels, gradient}, device);
          if (!convolution) continue;
          ++taken;
          const HaloPlan plan = halo_plan(*convolution, device).value();
          EXPECT_LE(plan.shared_bytes(extent), device.shared_bytes_per_block - 64);
          EXPECT_EQ(extent % plan.lines, 0);
          EXPECT_LE(plan.positions, 256);
          EXPECT_LE(plan.box_bytes(), plan.stage_bytes());
          EXPECT_GE(plan.slices, 3);
          EXPECT_LE(plan.parts, plan.tiles);
          EXPECT_EQ(plan.chunks * 64 * plan.team, channels);
        }
  EXPECT_GT(taken, 20);
}

TEST(HaloConvolution, SaysWhatItDoesNotTake) {
  const auto reason = [](const Layer& layer) { return convolution_of(layer).error(); };
  EXPECT_EQ(reason({DType::f32, 2, 14, 14, 64, 64}),
            "element type f32, but it is for f16 and bf16");
  EXPECT_EQ(reason({DType::f16, 2, 14, 14, 64, 64, false, 2}),
            "strides, of which it takes 2 of both axes in an input gradient");
  EXPECT_EQ(reason({DType::f16, 2, 14, 14, 64, 64, false, 1, 0}),
            "padding that leaves other extents than the image's divided by the stride");
  EXPECT_EQ(reason({DType::f16, 2, 14, 14, 64, 96}),
            "64 channels to 96, but it wants multiples of 64 to multiples of 128, or 64 to 64");
  EXPECT_EQ(reason({DType::f16, 2, 7, 7, 128, 128}),
            "lines of 7 places and 7 of them, of which it has no good tile");
  EXPECT_EQ(reason({DType::f16, 1, 4, 256, 64, 64}),
            "lines of 256 places and 4 of them, of which it has no good tile");
  EXPECT_EQ(reason({DType::f16, 256, 14, 14, 256, 256}),
            "1152 operations a byte, of which it takes up to 600");
  EXPECT_EQ(convolution_of(inference(DType::f16, 256, 28, 128)).error(),
            "576 operations a byte, of which it takes up to 400");
  EXPECT_EQ(convolution_of(inference(DType::f16, 1, 56, 64)).error(),
            "14 tiles for 132 multiprocessors");
  EXPECT_EQ(convolution_of(inference(DType::f16, 32, 56, 64, Activation::relu6)).error(),
            "it is for ReLU and none");
  DeviceProperties ampere = described_h200();
  ampere.major = 8;
  EXPECT_EQ(convolution_of({DType::f16, 2, 14, 14, 64, 64}, ampere).error(),
            "compute capability 8.0, but its instructions are those of 9.0");
}

}  // namespace
}  // namespace brisk::cuda
