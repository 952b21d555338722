#include <gtest/gtest.h>

#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"
#include "tests/support/kernel_case.h"

namespace brisk {
namespace {

using testing::ErrorModel;
using testing::KernelCase;

constexpr double kRoundings = 4;

struct Layer {
  std::vector<int64_t> input, kernel, strides, low, high;

  int64_t channels() const { return input.back(); }
  std::vector<int64_t> filter() const {
    std::vector<int64_t> sizes = kernel;
    sizes.insert(sizes.end(), {1, channels()});
    return sizes;
  }
  ConvolutionAttributes attributes() const {
    return {strides, low, high, std::vector<int64_t>(strides.size(), 1), channels()};
  }
  std::vector<int64_t> result() const {
    std::vector<int64_t> sizes = {input[0]};
    for (size_t i = 0; i < kernel.size(); ++i)
      sizes.push_back((input[i + 1] + low[i] + high[i] - kernel[i]) / strides[i] + 1);
    sizes.push_back(channels());
    return sizes;
  }
};

/// Rows of results that fill no group of four, one or several; whole vectors of channels and
/// parts; strides 1 to 3; padding wider than the kernel; cropping; one spatial axis.
std::vector<Layer> layers() {
  return {
      {{2, 9, 11, 32}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {{3, 8, 12, 17}, {3, 3}, {2, 2}, {0, 0}, {1, 1}},
      {{1, 7, 7, 3}, {3, 3}, {1, 1}, {1, 1}, {1, 1}},
      {{2, 10, 13, 24}, {5, 5}, {1, 1}, {2, 2}, {2, 2}},
      {{1, 9, 10, 16}, {2, 7}, {3, 2}, {1, 3}, {0, 3}},
      {{2, 12, 12, 40}, {3, 3}, {1, 1}, {-2, -1}, {-1, -3}},
      {{1, 3, 2, 16}, {3, 3}, {1, 1}, {4, 5}, {4, 5}},
      {{5, 1, 19, 7}, {1, 3}, {1, 2}, {0, 1}, {0, 1}},
      {{3, 20, 18}, {3}, {1}, {1}, {1}},
  };
}

TEST(KernelsDepthwise, ForwardAgreesWithTheReference) {
  for (const Layer& l : layers()) {
    KernelCase k;
    const Value x = k.random(DType::f32, l.input);
    convolution(x, k.random(DType::f32, l.filter()), l.attributes());
    expect_agrees(k, "depthwise", ErrorModel::sum, kRoundings);
  }
}

TEST(KernelsDepthwise, EpiloguesAgreeWithTheReference) {
  const Layer l{{2, 9, 8, 20}, {3, 3}, {2, 1}, {1, 1}, {1, 1}};
  for (const bool bias : {false, true})
    for (const bool residual : {false, true}) {
      KernelCase k;
      std::vector<Value> operands = {k.random(DType::f32, l.input),
                                     k.random(DType::f32, l.filter())};
      if (bias) operands.push_back(k.random(DType::f32, {20}));
      if (residual) operands.push_back(k.random(DType::f32, l.result()));
      fused_convolution(
          operands, {l.attributes(), bias, residual, bias ? Activation::relu : Activation::relu6});
      expect_agrees(k, "depthwise", ErrorModel::sum, kRoundings);
    }
}

TEST(KernelsDepthwise, InputGradientAgreesWithTheReference) {
  for (const Layer& l : layers()) {
    KernelCase k;
    const Value gradient = k.random(DType::f32, l.result());
    convolution_input_gradient(gradient, k.random(DType::f32, l.filter()), Shape(l.input),
                               l.attributes());
    expect_agrees(k, "depthwise", ErrorModel::sum, kRoundings);
  }
}

TEST(KernelsDepthwise, FilterGradientAgreesWithTheReference) {
  for (const Layer& l : layers()) {
    KernelCase k;
    const Value x = k.random(DType::f32, l.input);
    convolution_filter_gradient(x, k.random(DType::f32, l.result()), Shape(l.filter()),
                                l.attributes());
    expect_agrees(k, "depthwise", ErrorModel::sum, kRoundings);
  }
}

TEST(KernelsDepthwise, RefusesWithTheReason) {
  const auto refused = [](std::vector<int64_t> filter, ConvolutionAttributes attributes,
                          std::string_view reason) {
    KernelCase k;
    const Value x = k.random(DType::f32, {1, 9, 9, 4});
    convolution(x, k.random(DType::f32, std::move(filter)), std::move(attributes));
    expect_refusal(k, "depthwise", reason);
  };
  refused({3, 3, 1, 8}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 4}, "not 8 filters for 4 in 4 groups");
  refused({3, 3, 2, 4}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 2}, "not 4 filters for 4 in 2 groups");
  refused({3, 3, 1, 4}, {{1, 1}, {0, 0}, {0, 0}, {2, 1}, 4}, "dilation 1");
}

}  // namespace
}  // namespace brisk
