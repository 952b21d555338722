// Forward 1x1 convolutions by our own product: which are taken, and that NVRTC compiles them. No
// device.

#include "brisk/backends/cuda/kernels/pointwise_convolutions.h"

#include <gtest/gtest.h>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/standard.h"
#include "tests/backends/cuda/chosen_kernel.h"

namespace brisk::cuda {
namespace {

Graph statistics(DType type, int64_t rows, int64_t channels, int64_t filters, int64_t stride = 1) {
  Builder builder(standard_ops(), "statistics");
  const ConvolutionStatistics made =
      convolution_statistics(builder.input("x", Type(type, {1, rows, 1, channels})),
                             builder.input("filter", Type(type, {1, 1, channels, filters})),
                             {{stride, 1}, {0, 0}, {0, 0}, {1, 1}});
  return builder.finish({{"y", made.y}, {"sum", made.sum}, {"square_sum", made.square_sum}});
}

Graph fused(DType type, int64_t rows, int64_t channels, int64_t filters, bool residual) {
  Builder builder(standard_ops(), "fused");
  std::vector<Value> operands = {builder.input("x", Type(type, {1, rows, 1, channels})),
                                 builder.input("filter", Type(type, {1, 1, channels, filters})),
                                 builder.input("bias", Type(type, {filters}))};
  if (residual) operands.push_back(builder.input("residual", Type(type, {1, rows, 1, filters})));
  return builder.finish(
      {{"y", fused_convolution(
                 operands, {{{1, 1}, {0, 0}, {0, 0}, {1, 1}}, true, residual, Activation::relu})}});
}

void expect_all_compile(const std::vector<Graph>& graphs) {
  std::vector<KernelSource> sources;
  for (const Graph& graph : graphs) {
    const ChosenKernel one = chosen_kernel(graph);
    EXPECT_EQ(one.kernel.rfind("nvrtc/", 0), 0u) << one.kernel;
    EXPECT_EQ(one.counter_bytes > 0, graph.outputs().size() > 1);
    ASSERT_EQ(one.sources.size(), 2u) << "the product and the filter's transposition";
    sources.push_back(one.sources[0]);
  }
  const auto code =
      compile_kernels(sources, {.architecture = described_h200().architecture(), .cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
}

TEST(PointwiseConvolutions, ResNet50sFormsCompile) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  expect_all_compile(
      {statistics(DType::f16, 50176, 1024, 256), statistics(DType::bf16, 200704, 512, 128),
       statistics(DType::f32, 802816, 256, 64), statistics(DType::bf16, 802816, 256, 512, 4),
       fused(DType::f16, 50176, 256, 1024, true), fused(DType::bf16, 200704, 128, 512, true)});
}

std::optional<std::string> refusal(const Graph& graph, bool tf32 = true,
                                   const DeviceProperties& device = described_h200()) {
  const Node& node = graph.nodes().back();
  std::vector<Type> operands;
  for (const ValueId& operand : node.operands) operands.push_back(graph.type(operand));
  return refuse_pointwise_convolution(node, operands, tf32, device);
}

TEST(PointwiseConvolutions, AFilterThatNeverChangesIsTransposedOnce) {
  const Graph graph = statistics(DType::f16, 50176, 1024, 256);
  const ChosenKernel once = chosen_kernel(graph, 1), each = chosen_kernel(graph);
  EXPECT_EQ(once.packed_bytes, 1024 * 256 * 2);
  EXPECT_EQ(each.packed_bytes, 0);
  EXPECT_EQ(each.workspace_bytes - once.workspace_bytes, 1024 * 256 * 2);
}

TEST(PointwiseConvolutions, SaysWhatItDoesNotTake) {
  EXPECT_EQ(refusal(statistics(DType::bf16, 64, 64, 64)), std::nullopt);
  EXPECT_EQ(refusal(statistics(DType::bf16, 64, 64, 64, 2)), std::nullopt);
  EXPECT_EQ(refusal(statistics(DType::bf16, 64, 64, 64, 16)),
            "a stride of 16, but it takes up to 8");
  EXPECT_EQ(refusal(statistics(DType::bf16, 64, 64, 40)),
            "40 columns, but it wants a multiple of 64");
  EXPECT_EQ(refusal(statistics(DType::f32, 64, 64, 64), false),
            "it would round f32 operands to TF32");
  DeviceProperties ampere = described_h200();
  ampere.major = 8;
  EXPECT_EQ(refusal(statistics(DType::bf16, 64, 64, 64), true, ampere),
            "compute capability 8.0, but its instructions are those of 9.0");
}

TEST(PointwiseConvolutions, TakesWhatIsFasterThanCudnn) {
  EXPECT_EQ(refusal(statistics(DType::f16, 50176, 1024, 256)), std::nullopt);
  EXPECT_EQ(refusal(statistics(DType::f16, 200704, 512, 128)),
            "128 filters in f16, but from 256 on it is faster");
  EXPECT_EQ(refusal(statistics(DType::bf16, 200704, 512, 128)), std::nullopt);
  EXPECT_EQ(refusal(statistics(DType::bf16, 12544, 2048, 512)), std::nullopt);
  EXPECT_EQ(refusal(statistics(DType::f32, 200704, 512, 256)), std::nullopt);
  EXPECT_EQ(refusal(statistics(DType::f32, 50176, 1024, 256)),
            "102 operations a byte, of which it takes up to 100");
  EXPECT_EQ(refusal(fused(DType::f16, 50176, 256, 1024, true)), std::nullopt);
  EXPECT_EQ(refusal(fused(DType::f16, 50176, 256, 1024, false)),
            "no residual, without which cuDNN's engines are as fast");
  EXPECT_EQ(refusal(fused(DType::bf16, 12544, 512, 2048, true)),
            "223 operations a byte, of which it takes up to 120");
  EXPECT_EQ(refusal(fused(DType::bf16, 196, 256, 1024, true)), "16 tiles for 132 multiprocessors");
  EXPECT_EQ(refusal(fused(DType::f32, 50176, 256, 1024, true)),
            "cuDNN's engines are faster in TF32");
}

}  // namespace
}  // namespace brisk::cuda
