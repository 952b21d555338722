// Filters in the order of the library's convolutions: the kernel that puts many of them in order
// compiles, and convolutions that are given one need no memory for it. No device.

#include <gtest/gtest.h>

#include "brisk/backends/cuda/api/cudnn.h"
#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/backends/cuda/cudnn/native_composites.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/filter_order.h"
#include "brisk/ops/standard.h"
#include "tests/backends/cuda/chosen_kernel.h"

namespace brisk::cuda {
namespace {

TEST(OrderedFilters, EveryTypeCompiles) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  std::vector<KernelSource> sources;
  for (const DType from : {DType::f32, DType::f16, DType::bf16, DType::f64})
    for (const DType to : {DType::f32, DType::f16, DType::bf16, DType::f64}) {
      Builder builder(standard_ops(), "filters");
      const std::vector<Value> filters = {builder.input("a", Type(from, {3, 3, 64, 64})),
                                          builder.input("b", Type(from, {1, 1, 64, 256}))};
      const std::vector<Value> ordered = ordered_filters(filters, to);
      const ChosenKernel one =
          chosen_kernel(builder.finish({{"a", ordered[0]}, {"b", ordered[1]}}));
      EXPECT_EQ(one.kernel, "nvrtc/ordered_filters of 2");
      ASSERT_EQ(one.sources.size(), 1u);
      sources.push_back(one.sources[0]);
    }
  const auto code = compile_kernels(sources, {.cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
}

struct Convolution {
  int64_t kernel, stride;
  bool backward;
};

/// A convolution in f16 of 64 channels, and the same of an ordered filter.
std::pair<Graph, Graph> both(const Convolution& form) {
  const int64_t pad = form.kernel / 2, extent = 14 / form.stride;
  const Type image(DType::f16, {4, 14, 14, 64}), result(DType::f16, {4, extent, extent, 64});
  const ConvolutionAttributes geometry{
      {form.stride, form.stride}, {pad, pad}, {pad, pad}, {1, 1}, 1};
  Builder plain(standard_ops(), "plain"), ordered(standard_ops(), "ordered");
  const auto operands = [&](Builder& builder) {
    return std::vector<Value>{
        builder.input("x", form.backward ? result : image),
        builder.input("filter", Type(DType::f16, {form.kernel, form.kernel, 64, 64}))};
  };
  const std::vector<Value> in = operands(plain);
  const Value y = form.backward ? convolution_input_gradient(in[0], in[1], image.shape(), geometry)
                                : convolution(in[0], in[1], geometry);
  std::vector<Value> other = operands(ordered);
  other[1] = ordered_filters(std::span(other).subspan(1), DType::f16)[0];
  const Value z = ordered_convolution(plain.node(y.id.node), other)[0];
  return {plain.finish({{"y", y}}), ordered.finish({{"y", z}})};
}

TEST(OrderedFilters, AConvolutionNeedsNoMemoryForOne) {
  if (const auto cudnn = cudnn::library(); !cudnn) GTEST_SKIP() << cudnn.error();
  for (const bool backward : {false, true}) {
    const auto [plain, ordered] = both({3, 2, backward});
    const ChosenKernel transposing = chosen_kernel(plain), reading = chosen_kernel(ordered);
    EXPECT_EQ(reading.kernel, transposing.kernel + " for " + plain.nodes().back().op->name);
    EXPECT_EQ(transposing.workspace_bytes - reading.workspace_bytes, 3 * 3 * 64 * 64 * 2);
  }
}

TEST(OrderedFilters, AreWantedWhereOneWouldBeTransposed) {
  if (const auto cudnn = cudnn::library(); !cudnn) GTEST_SKIP() << cudnn.error();
  for (const bool backward : {false, true}) {
    EXPECT_TRUE(cudnn::wants_ordered_filter(both({3, 1, backward}).second.nodes().back()));
    EXPECT_TRUE(cudnn::wants_ordered_filter(both({1, 2, backward}).second.nodes().back()));
    EXPECT_FALSE(cudnn::wants_ordered_filter(both({1, 1, backward}).second.nodes().back()))
        << "a 1x1 convolution reads it as it lies";
  }
}

}  // namespace
}  // namespace brisk::cuda
