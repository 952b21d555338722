// Our own kernels of a first layer: what they take, that lowering leaves its image as it is for
// them, and that NVRTC compiles them. No device.

#include "brisk/backends/cuda/kernels/narrow_convolution.h"

#include <gtest/gtest.h>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/backends/cuda/kernels/narrow_plan.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"
#include "tests/backends/cuda/chosen_kernel.h"

namespace brisk::cuda {
namespace {

/// ResNet-50's, unless it says otherwise.
struct Layer {
  DType type = DType::f16;
  int64_t images = 256, height = 224, width = 224, channels = 3, kernel = 7, filters = 64;
  int64_t stride = 2, low = 3, high = 3;

  ConvolutionAttributes geometry() const {
    return {{stride, stride}, {low, low}, {high, high}, {1, 1}, 1};
  }
  Type image() const { return {type, {images, height, width, channels}}; }
  Type filter() const { return {type, {kernel, kernel, channels, filters}}; }
  Type result() const {
    const auto extent = [&](int64_t in) { return (in + low + high - kernel) / stride + 1; };
    return {type, {images, extent(height), extent(width), filters}};
  }
};

Graph with_sums(const Layer& layer) {
  Builder builder(standard_ops(), "with_sums");
  const auto [y, sum, square_sum] = convolution_statistics(
      builder.input("x", layer.image()), builder.input("filter", layer.filter()), layer.geometry());
  return builder.finish({{"y", y}, {"sum", sum}, {"square_sum", square_sum}});
}

Graph plain(const Layer& layer) {
  Builder builder(standard_ops(), "plain");
  return builder.finish(
      {{"y", convolution(builder.input("x", layer.image()), builder.input("filter", layer.filter()),
                         layer.geometry())}});
}

Graph fused(const Layer& layer, Activation activation) {
  Builder builder(standard_ops(), "fused");
  const std::vector<Value> operands = {builder.input("x", layer.image()),
                                       builder.input("filter", layer.filter()),
                                       builder.input("bias", Type(layer.type, {layer.filters}))};
  return builder.finish({{"y", fused_convolution(operands, {.convolution = layer.geometry(),
                                                            .bias = true,
                                                            .activation = activation})}});
}

Graph gradient(const Layer& layer) {
  Builder builder(standard_ops(), "gradient");
  return builder.finish(
      {{"d", convolution_filter_gradient(builder.input("x", layer.image()),
                                         builder.input("dy", layer.result()),
                                         layer.filter().shape(), layer.geometry())}});
}

std::vector<Layer> layers() {
  return {{},
          {.type = DType::bf16},
          {.channels = 4},
          {.images = 3, .height = 30, .width = 24},
          {.images = 2, .height = 64, .width = 256},
          {.images = 2, .height = 33, .width = 40, .channels = 4, .kernel = 3, .low = 1, .high = 1},
          {.images = 2, .height = 40, .width = 64, .channels = 1, .kernel = 5, .low = 2, .high = 2},
          {.images = 2, .height = 38, .width = 40, .channels = 2, .low = 0, .high = 0},
          {.type = DType::bf16, .images = 1, .height = 31, .width = 48, .kernel = 6, .low = 2}};
}

std::vector<Layer> wide_layers() {
  // The second is that of a network that is trained on a device (tests/train).
  return {{.type = DType::f32},
          {.type = DType::f32,
           .images = 16,
           .height = 8,
           .width = 8,
           .channels = 2,
           .kernel = 3,
           .low = 0,
           .high = 1},
          {.type = DType::f32, .images = 2, .height = 33, .width = 38, .channels = 4, .low = 2}};
}

std::string refusal(const Graph& graph, const DeviceProperties& device = described_h200(),
                    bool tf32 = false) {
  const Node& node = graph.nodes().back();
  std::vector<Type> operands;
  for (const ValueId& operand : node.operands) operands.push_back(graph.type(operand));
  return refuse_narrow(node, operands, tf32, device).value_or("");
}

TEST(NarrowConvolution, EveryFormCompiles) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  std::vector<KernelSource> sources;
  const auto add = [&](const Graph& graph, const std::string& name, size_t kernels, bool summed) {
    const ChosenKernel one = chosen_kernel(graph);
    EXPECT_EQ(one.kernel, name);
    EXPECT_EQ(one.workspace_bytes > 0, summed);
    EXPECT_EQ(one.sources.size(), kernels);
    sources.insert(sources.end(), one.sources.begin(), one.sources.end());
  };
  // Each of them takes a second: half of them forward, half backward, ResNet-50's both.
  for (size_t i = 0; const Layer& layer : layers()) {
    if (i == 0 || i % 2 == 1) add(with_sums(layer), "nvrtc/narrow_convolution/sums", 1, true);
    if (i % 2 == 0) add(gradient(layer), "nvrtc/narrow_gradient", 2, true);
    ++i;
  }
  for (const Layer& layer : wide_layers()) {
    add(with_sums(layer), "nvrtc/narrow_convolution/sums", 1, true);
    add(gradient(layer), "nvrtc/narrow_gradient", 2, true);
  }
  add(plain({}), "nvrtc/narrow_convolution", 1, false);
  add(fused({}, Activation::none), "nvrtc/narrow_convolution", 1, false);
  add(fused({.type = DType::bf16}, Activation::relu), "nvrtc/narrow_convolution", 1, false);
  const auto code =
      compile_kernels(sources, {.architecture = described_h200().architecture(), .cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
  EXPECT_EQ(code->function_names.size(), sources.size());
}

void expect_fits(const Graph& graph) {
  const Node& node = graph.nodes().back();
  std::vector<Type> operands;
  for (const ValueId& operand : node.operands) operands.push_back(graph.type(operand));
  const NarrowConvolution convolution = narrow_convolution(node, operands, true).value();
  const NarrowPlan plan = narrow_plan(convolution, described_h200()).value();
  EXPECT_LE(plan.shared_bytes(convolution), described_h200().shared_bytes_per_block - 64);
  if (convolution.gradient)
    EXPECT_GE(plan.barriers_at(convolution), 4 * plan.partial_elements(convolution));
  EXPECT_EQ(plan.tile % 16, 0);
  EXPECT_GE(plan.strips * plan.tile, convolution.columns);
  EXPECT_GE(plan.plane / 16, plan.tile + convolution.pairs() - 1);
  EXPECT_EQ(2 * plan.pitch % 128, 0) << "boxes begin at multiples of 128 bytes";
  EXPECT_LE(plan.plane / 8, 256) << "a box's columns";
  EXPECT_LE(plan.parts, plan.units);
  // The last row of a strip and the first of the next one, and so on for each warpgroup.
  EXPECT_GE(plan.stages, 2 * plan.steps + NarrowPlan::kGroups);
}

TEST(NarrowConvolution, PlansFitIntoSharedMemory) {
  for (const auto& list : {layers(), wide_layers()})
    for (const Layer& layer : list) {
      expect_fits(with_sums(layer));
      expect_fits(gradient(layer));
    }
}

TEST(NarrowConvolution, LoweringLeavesTheImageAsItIs) {
  const CompileOptions options{.device_description =
                                   BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json"};
  const auto backend = find_backend("cuda").value();
  for (const Graph& graph : {with_sums({}), plain({}), gradient({})}) {
    const auto results = static_cast<int64_t>(graph.outputs().size());
    const Compilation compiled =
        compile(Program{.graph = graph, .num_results = results}, *backend, options);
    const std::vector<KernelReport> kernels = compiled.executable->explain();
    ASSERT_EQ(kernels.size(), 1u) << graph.nodes().back().op->name;
    EXPECT_EQ(kernels[0].kernel.rfind("nvrtc/narrow_", 0), 0u) << kernels[0].kernel;
  }
}

TEST(NarrowConvolution, SaysWhatItDoesNotTake) {
  EXPECT_EQ(refusal(plain({})), "");
  EXPECT_EQ(refusal(plain({.type = DType::f64})),
            "element type f64, but it is for f16, bf16 and TF32");
  EXPECT_EQ(refusal(plain({.type = DType::f32})), "it would round f32 operands to TF32");
  EXPECT_EQ(refusal(plain({.type = DType::f32}), described_h200(), true), "");
  EXPECT_EQ(refusal(gradient({.type = DType::f32}), described_h200(), true), "");
  EXPECT_EQ(refusal(plain({.channels = 8})), "8 channels, but it is for up to 4");
  EXPECT_EQ(refusal(gradient({.filters = 32})), "32 filters, but it is for 64");
  EXPECT_EQ(refusal(with_sums({.stride = 1})), "it is for strides of 2");
  EXPECT_EQ(refusal(plain({.kernel = 9, .low = 4})),
            "a 9 x 9 filter, but it is for equal sides up to 7");
  EXPECT_EQ(refusal(plain({.width = 223})), "223 columns, but it takes pairs of them");
  EXPECT_EQ(refusal(plain({.width = 222})), "rows of 1332 bytes, but copies move multiples of 16");
  EXPECT_EQ(refusal(plain({.width = 4096})), "rows of 24576 bytes leave too little shared memory");
  EXPECT_EQ(refusal(plain({.images = 0})), "nothing to do");
  EXPECT_EQ(refusal(plain({.images = 1, .height = 192})),
            "96 rows of tiles do not fill 132 multiprocessors");
  EXPECT_EQ(refusal(plain({.images = 1})), "");
  EXPECT_EQ(refusal(with_sums({.images = 1})), "");
  DeviceProperties ampere = described_h200();
  ampere.major = 8;
  EXPECT_EQ(refusal(gradient({}), ampere),
            "compute capability 8.0, but its instructions are those of 9.0");
}

}  // namespace
}  // namespace brisk::cuda
