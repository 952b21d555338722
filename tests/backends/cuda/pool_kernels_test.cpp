// Kernels of pools and their gradients: what their launches are, and that NVRTC compiles them. No
// device.

#include <gtest/gtest.h>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/standard.h"
#include "tests/backends/cuda/chosen_kernel.h"

namespace brisk::cuda {
namespace {

struct Pool {
  std::vector<int64_t> sizes;
  WindowAttributes window;
};
/// ResNet's; one with odd channels; one axis; windows without strides; a window of 25 places;
/// strides of 25 places; a crop.
const std::vector<Pool>& pools() {
  static const std::vector<Pool> list = {{{256, 112, 112, 64}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}}},
                                         {{2, 7, 9, 3}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}}},
                                         {{2, 9, 16}, {{3}, {2}, {1}, {0}}},
                                         {{1, 6, 6, 8}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}}},
                                         {{1, 8, 8, 8}, {{5, 5}, {1, 1}, {2, 2}, {2, 2}}},
                                         {{1, 9, 8, 8}, {{2, 2}, {5, 5}, {0, 0}, {0, 0}}},
                                         {{1, 6, 6, 8}, {{2, 2}, {2, 2}, {-1, 0}, {1, 0}}}};
  return list;
}

Type vector_of(DType type, const Pool& pool) {
  return Type(compute_type(type), {pool.sizes.back()});
}

Graph alone(DType type, const Pool& pool) {
  Builder builder(standard_ops(), "alone");
  const MaxPool made = max_pool(builder.input("x", Type(type, Shape(pool.sizes))), pool.window);
  return builder.finish({{"values", made.values}, {"positions", made.positions}});
}

Graph forward(DType type, const Pool& pool) {
  Builder builder(standard_ops(), "forward");
  const ScaleShiftMaxPool made =
      scale_shift_max_pool(builder.input("x", Type(type, Shape(pool.sizes))),
                           builder.input("scale", vector_of(type, pool)),
                           builder.input("shift", vector_of(type, pool)), {pool.window, true});
  return builder.finish(
      {{"values", made.values}, {"positions", made.positions}, {"sources", made.sources}});
}

/// `whole`: of the normalised image, else of the pool alone.
Graph backward(DType type, const Pool& pool, bool whole) {
  const Graph pooled = forward(type, pool);
  const Shape& shape = pooled.nodes().back().results[0].shape();
  Builder builder(standard_ops(), "backward");
  const Value gradient = builder.input("gradient", Type(type, shape));
  const Value positions = builder.input("positions", Type(DType::u8, shape));
  if (!whole)
    return builder.finish(
        {{"dz", max_pool_gradient(gradient, positions, Shape(pool.sizes), pool.window)}});
  const auto vector = [&](const char* name) { return builder.input(name, vector_of(type, pool)); };
  const Value x = builder.input("x", Type(type, Shape(pool.sizes)));
  const Value scale = vector("scale"), shift = vector("shift");
  const ChannelLine line{vector("slope"), vector("offset")};
  return builder.finish({{"dx", scale_shift_max_pool_gradient(gradient, positions, x, scale, shift,
                                                              line, {pool.window, x.shape()})}});
}

TEST(PoolKernels, AllFormsCompile) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  std::vector<KernelSource> sources;
  for (const DType type : {DType::f16, DType::bf16, DType::f32, DType::f64})
    for (const Pool& pool : pools())
      for (const Graph& graph : {alone(type, pool), forward(type, pool), backward(type, pool, true),
                                 backward(type, pool, false)}) {
        const ChosenKernel one = chosen_kernel(graph);
        EXPECT_EQ(one.kernel, "nvrtc/" + graph.nodes().back().op->name);
        ASSERT_EQ(one.sources.size(), 1u);
        sources.push_back(one.sources[0]);
      }
  const auto code = compile_kernels(sources, {.cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
  EXPECT_EQ(code->function_names.size(), sources.size());
}

}  // namespace
}  // namespace brisk::cuda
