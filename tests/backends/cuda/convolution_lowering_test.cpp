// Every form of a convolution finds a kernel for a described device, whatever its epilogue, type
// and geometry: where cuDNN has no fused engine, a plain one and a kernel of ours.

#include <gtest/gtest.h>

#include "brisk/backends/cuda/api/cudnn.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

namespace brisk::cuda {
namespace {

struct Geometry {
  const char* name;
  int64_t channels, filters, kernel, stride, groups;
};

Program fused_program(DType type, const Geometry& geometry,
                      const FusedConvolutionAttributes& form) {
  Builder builder(standard_ops(), "convolution");
  const int64_t extent = 14, out = (extent - 1) / geometry.stride + 1;
  std::vector<Value> operands = {
      builder.input("x", Type(type, {4, extent, extent, geometry.channels})),
      builder.input("filter", Type(type, {geometry.kernel, geometry.kernel,
                                          geometry.channels / geometry.groups, geometry.filters}))};
  if (form.bias) operands.push_back(builder.input("bias", Type(type, {geometry.filters})));
  if (form.residual)
    operands.push_back(builder.input("residual", Type(type, {4, out, out, geometry.filters})));
  return {.graph = builder.finish({{"y", fused_convolution(operands, form)}}), .num_results = 1};
}

TEST(CudaConvolutionLowering, EveryEpilogueFindsAKernel) {
  if (const auto cudnn = cudnn::library(); !cudnn) GTEST_SKIP() << cudnn.error();
  const auto backend = find_backend("cuda").value();
  // 48 channels: no multiple of what our own kernels want.
  const Geometry geometries[] = {{"pointwise", 48, 128, 1, 1, 1}, {"strided", 48, 64, 3, 2, 1},
                                 {"first", 3, 64, 7, 2, 1},       {"grouped", 64, 64, 3, 1, 4},
                                 {"depthwise", 64, 64, 3, 1, 64}, {"odd", 20, 12, 5, 1, 1}};
  for (const Geometry& geometry : geometries)
    for (const DType type : {DType::f16, DType::bf16, DType::f32})
      for (const bool bias : {false, true})
        for (const bool residual : {false, true})
          for (const Activation activation : {Activation::none, Activation::relu}) {
            const int64_t pad = geometry.kernel / 2;
            const FusedConvolutionAttributes form{{{geometry.stride, geometry.stride},
                                                   {pad, pad},
                                                   {pad, pad},
                                                   {1, 1},
                                                   geometry.groups},
                                                  bias,
                                                  residual,
                                                  activation};
            SCOPED_TRACE(fmt::format("{} {} bias {} residual {} relu {}", geometry.name, name(type),
                                     bias, residual, activation == Activation::relu));
            const Compilation compiled =
                compile(fused_program(type, geometry, form), *backend,
                        {.device_description = BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json"});
            const std::vector<KernelReport> kernels = compiled.executable->explain();
            ASSERT_EQ(kernels.size(), 2u) << "the filter is put in order";
            EXPECT_EQ(kernels[1].kernel.rfind("cudnn/engine", 0), 0u) << kernels[1].kernel;
          }
}

}  // namespace
}  // namespace brisk::cuda
