// Our kernels of quantized products: what runs what, and that NVRTC compiles it. No device.

#include "brisk/backends/cuda/kernels/quantized/quantized_kernels.h"

#include <gtest/gtest.h>

#include "brisk/backends/cuda/api/nvrtc.h"
#include "brisk/ops/standard.h"
#include "tests/backends/cuda/chosen_kernel.h"

namespace brisk::cuda {
namespace {

struct Form {
  std::vector<int64_t> input, filter;
  ConvolutionAttributes geometry = {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1};
  RequantizeAttributes requantize = {.activation = Activation::relu, .dtype = DType::u8};
  DType input_type = DType::u8;
};

Graph graph_of(const Form& form) {
  Builder builder(standard_ops(), "quantized");
  const Type vector(DType::f32, {form.filter.back()});
  std::vector<Value> operands = {builder.input("input", Type(form.input_type, Shape(form.input))),
                                 builder.input("filter", Type(DType::i8, Shape(form.filter))),
                                 builder.input("bias", vector),
                                 builder.input("multiplier", vector)};
  if (form.requantize.residual) {
    std::vector<int64_t> sizes = form.input;
    sizes.back() = form.filter.back();
    operands.push_back(builder.input("residual", Type(DType::i8, Shape(sizes))));
  }
  const Value y = form.filter.size() == 2
                      ? quantized_dot(operands, form.requantize)
                      : quantized_convolution(operands, {form.geometry, form.requantize});
  return builder.finish({{"y", y}});
}

const ConvolutionAttributes kSame = {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1};

std::vector<Form> forms() {
  const RequantizeAttributes joins = {.activation = Activation::relu,
                                      .residual = true,
                                      .residual_scale = 0.75,
                                      .product_scale = 1.5,
                                      .dtype = DType::u8};
  return {{{256, 56, 56, 64}, {1, 1, 64, 256}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}, joins},
          {{256, 28, 28, 128}, {3, 3, 128, 128}, kSame},
          {{256, 224, 224, 3}, {7, 7, 3, 64}, {{2, 2}, {3, 3}, {3, 3}, {1, 1}, 1}},
          {{1, 7, 7, 512}, {3, 3, 512, 512}, kSame},
          {{1, 7, 7, 2048}, {1, 1, 2048, 512}},
          {{1, 2048}, {2048, 1000}, {}, {}},
          {{3, 5, 24}, {24, 10}, {}, {.dtype = DType::i8}, DType::i8},
          {{2, 9, 9, 20}, {3, 3, 20, 33}, kSame},
          {{16, 14, 14, 96}, {3, 3, 1, 96}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 96}},
          {{2, 12, 8}, {3, 4, 6}, {{1}, {0}, {0}, {1}, 2}, {.activation = Activation::relu6}}};
}

TEST(CudaQuantized, FormsOfResNet50AndOthersCompile) {
  if (const auto compiler = nvrtc(); !compiler) GTEST_SKIP() << compiler.error();
  std::vector<KernelSource> sources;
  for (const Form& form : forms())
    for (const KernelSource& source : chosen_kernel(graph_of(form)).sources)
      sources.push_back(source);
  const auto code = compile_kernels(sources, {.cache = false});
  ASSERT_TRUE(code.ok()) << code.error();
  EXPECT_EQ(code->function_names.size(), sources.size());
}

TEST(CudaQuantized, TilesFollowTheWork) {
  const std::vector<Form> all = forms();
  EXPECT_EQ(chosen_kernel(graph_of(all[0])).kernel, "nvrtc/integer_product 128x128");
  const ChosenKernel deep = chosen_kernel(graph_of(all[3]), 1);
  EXPECT_EQ(deep.kernel, "nvrtc/integer_product 64x32 in 15");
  EXPECT_EQ(deep.packed_bytes, 512 * 9 * 512);
  EXPECT_EQ(deep.counter_bytes, 16 * 4);
  EXPECT_EQ(deep.workspace_bytes, 16 * 15 * 64 * 32 * 4);
  const ChosenKernel of_run = chosen_kernel(graph_of(all[3]));
  EXPECT_EQ(of_run.packed_bytes, 0);
  EXPECT_EQ(of_run.workspace_bytes, deep.workspace_bytes + deep.packed_bytes);
  EXPECT_EQ(chosen_kernel(graph_of(all[8])).kernel, "nvrtc/plain_quantized_convolution");
}

TEST(CudaQuantized, SaysWhatItDoesNotTake) {
  const Graph graph =
      graph_of({{1, 4, 4, 4, 8}, {3, 3, 3, 8, 8}, {{1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, 1}});
  std::vector<Type> operands;
  for (const ValueId& operand : graph.nodes().back().operands)
    operands.push_back(graph.type(operand));
  EXPECT_EQ(refuse_quantized(graph.nodes().back(), operands),
            "3 spatial axes, but it is for one and two");
}

}  // namespace
}  // namespace brisk::cuda
