// Our own kernel of convolutions of few places: what it takes, how it shares it out, and that NVRTC
// compiles it. No device.

#include "brisk/backends/cuda/kernels/small_convolution.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/standard.h"
#include "tests/backends/cuda/chosen_kernel.h"

namespace brisk::cuda {
namespace {

struct Layer {
  int64_t images, extent, channels, filters, kernel, stride = 1;  ///< extent: of what is read
  bool residual = false;
  DType type = DType::f16;
  Activation activation = Activation::relu;
  int64_t groups = 1;
};

Graph graph_of(const Layer& layer) {
  Builder builder(standard_ops(), "layer");
  const auto& [images, extent, channels, filters, kernel, stride, residual, type, activation,
               groups] = layer;
  const int64_t pad = kernel / 2, written = (extent + 2 * pad - kernel) / stride + 1;
  std::vector<Value> operands = {
      builder.input("x", Type(type, {images, extent, extent, channels})),
      builder.input("filter", Type(type, {kernel, kernel, channels / groups, filters})),
      builder.input("bias", Type(type, {filters}))};
  if (residual)
    operands.push_back(builder.input("residual", Type(type, {images, written, written, filters})));
  const ConvolutionAttributes geometry{{stride, stride}, {pad, pad}, {pad, pad}, {1, 1}, groups};
  return builder.finish(
      {{"y", fused_convolution(operands, {geometry, true, residual, activation})}});
}

Result<SmallConvolution> convolution_of(const Layer& layer,
                                        const DeviceProperties& device = described_h200()) {
  const Graph graph = graph_of(layer);
  const Node& node = graph.nodes().back();
  std::vector<Type> operands;
  for (const ValueId& operand : node.operands) operands.push_back(graph.type(operand));
  return small_convolution(node, operands, device);
}

/// Layers of ResNet-50 on one image.
const std::vector<Layer>& resnet50s() {
  static const std::vector<Layer> layers = {{1, 56, 64, 64, 1},
                                            {1, 56, 64, 64, 3},
                                            {1, 56, 64, 256, 1, 1, true},
                                            {1, 56, 128, 128, 3, 2},
                                            {1, 28, 128, 512, 1, 1, true},
                                            {1, 14, 1024, 256, 1},
                                            {1, 14, 256, 256, 3},
                                            {1, 7, 512, 512, 3},
                                            {1, 7, 2048, 512, 1},
                                            {1, 7, 512, 2048, 1, 1, true},
                                            {1, 14, 1024, 2048, 1, 2}};
  return layers;
}

TEST(SmallConvolution, ResNet50sLayersCompile) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  std::vector<KernelSource> sources;
  for (Layer layer : resnet50s())
    for (const DType type : {DType::f16, DType::bf16})
      for (const size_t first_constant : {size_t{1}, SIZE_MAX}) {
        layer.type = type;
        const ChosenKernel one = chosen_kernel(graph_of(layer), first_constant);
        EXPECT_EQ(one.kernel.rfind("nvrtc/fused_convolution/", 0), 0u) << one.kernel;
        EXPECT_EQ(one.packed_bytes > 0, first_constant == 1);
        ASSERT_EQ(one.sources.size(), 2u);  // and a transposition
        for (const KernelSource& source : one.sources)
          if (source.stem == "small_convolution") sources.push_back(source);
      }
  const auto code =
      compile_kernels(sources, {.architecture = described_h200().architecture(), .cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
  EXPECT_EQ(code->function_names.size(), 4 * resnet50s().size());
}

TEST(SmallConvolution, AFilterThatNeverChangesIsFetchedBeforeTheKernelBeforeEnds) {
  for (const bool constant : {false, true}) {
    const ChosenKernel one = chosen_kernel(graph_of(resnet50s()[1]), constant ? 1 : SIZE_MAX);
    const auto kernel = std::ranges::find(one.sources, "small_convolution", &KernelSource::stem);
    ASSERT_NE(kernel, one.sources.end());
    const size_t wait = kernel->text.find("after_previous();"),
                 fetch = kernel->text.find("EACH(i, kAhead) fetch_filter");
    ASSERT_NE(wait, std::string::npos);
    ASSERT_NE(fetch, std::string::npos);
    EXPECT_EQ(fetch < wait, constant);
  }
}

TEST(SmallConvolution, ManyTilesAreBlocksAndFewAreShared) {
  const DeviceProperties device = described_h200();
  const auto plan = [&](const Layer& layer) {
    return small_plan(convolution_of(layer, device).value(), device);
  };
  const SmallPlan wide = plan({1, 56, 64, 256, 1}), deep = plan({1, 7, 512, 512, 3});
  EXPECT_EQ(wide.tiles, 98 * 8);
  EXPECT_EQ(wide.blocks, 1);
  EXPECT_EQ(wide.warps, 2);
  EXPECT_EQ(deep.tiles, 2 * 16);
  EXPECT_EQ(deep.blocks, 4);
  EXPECT_EQ(deep.warps, 8);
  for (const Layer& layer : resnet50s()) {
    const SmallPlan one = plan(layer);
    EXPECT_LE(one.shared_bytes(), 64 * 1024);
    EXPECT_LE(one.warps, one.chunks);
    EXPECT_EQ(512 % one.blocks, 0);
  }
}

TEST(SmallConvolution, SaysWhatItDoesNotTake) {
  const auto reason = [](const Layer& layer) { return convolution_of(layer).error(); };
  EXPECT_EQ(reason({1, 14, 64, 64, 3, 1, false, DType::f32}),
            "element type f32, but it is for f16 and bf16");
  EXPECT_EQ(reason({1, 14, 48, 64, 3}),
            "48 channels to 64, but it wants multiples of 32 to multiples of 8");
  EXPECT_EQ(reason({1, 14, 64, 100, 1}),
            "64 channels to 100, but it wants multiples of 32 to multiples of 8");
  EXPECT_EQ(reason({1, 14, 64, 64, 3, 1, false, DType::f16, Activation::relu, 2}),
            "it takes no groups and no dilation");
  EXPECT_NE(reason({32, 56, 64, 64, 3}).find("products of 32 x 32 x 32 a multiprocessor"),
            std::string::npos);
  DeviceProperties older = described_h200();
  older.major = 8;
  EXPECT_NE(convolution_of(resnet50s()[0], older).error().find("compute capability 8."),
            std::string::npos);
}

}  // namespace
}  // namespace brisk::cuda
