#include <gtest/gtest.h>

#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"
#include "tests/support/kernel_case.h"

namespace brisk {
namespace {

using testing::ErrorModel;
using testing::KernelCase;

/// Sums of up to some hundred products, added up in another order than the reference's.
constexpr double kRoundings = 8;

struct Layer {
  std::vector<int64_t> input, filter, strides, low, high;

  ConvolutionAttributes attributes() const {
    return {strides, low, high, std::vector<int64_t>(strides.size(), 1), 1};
  }
  Shape result() const {
    std::vector<int64_t> sizes = {input[0]};
    for (size_t i = 0; i < strides.size(); ++i)
      sizes.push_back((input[i + 1] + low[i] + high[i] - filter[i]) / strides[i] + 1);
    sizes.push_back(filter.back());
    return Shape(sizes);
  }
};

/// Channels 1 to 4, filters that leave parts of vectors, kernels from 1x1 to 7x7, padding and
/// cropping on every side, one spatial axis.
std::vector<Layer> layers() {
  return {
      {{3, 9, 11, 1}, {3, 3, 1, 32}, {1, 1}, {0, 0}, {0, 0}},
      {{2, 8, 17, 1}, {3, 3, 1, 64}, {1, 1}, {1, 1}, {1, 1}},
      {{5, 15, 14, 3}, {7, 7, 3, 24}, {2, 2}, {3, 3}, {3, 2}},
      {{1, 12, 13, 4}, {5, 3, 4, 7}, {2, 1}, {2, 0}, {1, 2}},
      {{2, 10, 10, 2}, {1, 1, 2, 1}, {1, 2}, {0, 0}, {0, 0}},
      {{2, 9, 12, 3}, {3, 3, 3, 17}, {1, 1}, {-2, -3}, {-1, -1}},
      {{2, 7, 9, 3}, {3, 3, 3, 48}, {1, 1}, {-1, 2}, {2, -3}},
      {{1, 5, 4, 1}, {5, 4, 1, 33}, {3, 3}, {6, 5}, {6, 5}},
      {{3, 30, 2}, {5, 2, 10}, {2}, {2}, {2}},
      {{129, 6, 6, 1}, {3, 3, 1, 16}, {1, 1}, {1, 0}, {0, 1}},
  };
}

TEST(KernelsDirect, ForwardAgreesWithTheReference) {
  for (const Layer& l : layers()) {
    KernelCase k;
    const Value x = k.random(DType::f32, l.input);
    convolution(x, k.random(DType::f32, l.filter), l.attributes());
    expect_agrees(k, "direct", ErrorModel::sum, kRoundings);
  }
}

TEST(KernelsDirect, EpiloguesAgreeWithTheReference) {
  const Layer l{{2, 9, 8, 3}, {3, 3, 3, 20}, {2, 1}, {1, 1}, {1, 1}};
  for (const bool bias : {false, true})
    for (const bool residual : {false, true}) {
      KernelCase k;
      std::vector<Value> operands = {k.random(DType::f32, l.input), k.random(DType::f32, l.filter)};
      if (bias) operands.push_back(k.random(DType::f32, {20}));
      if (residual) operands.push_back(k.random(DType::f32, l.result().sizes()));
      fused_convolution(
          operands, {l.attributes(), bias, residual, bias ? Activation::relu : Activation::relu6});
      expect_agrees(k, "direct", ErrorModel::sum, kRoundings);
    }
}

TEST(KernelsDirect, FilterGradientAgreesWithTheReference) {
  for (const Layer& l : layers()) {
    KernelCase k;
    const Value x = k.random(DType::f32, l.input);
    convolution_filter_gradient(x, k.random(DType::f32, l.result().sizes()), Shape(l.filter),
                                l.attributes());
    expect_agrees(k, "direct", ErrorModel::sum, kRoundings);
  }
}

TEST(KernelsDirect, RefusesWithTheReason) {
  const auto refused = [](const Layer& l, ConvolutionAttributes attributes, DType type,
                          std::string_view reason) {
    KernelCase k;
    const Value x = k.random(type, l.input);
    convolution(x, k.random(type, l.filter), std::move(attributes));
    expect_refusal(k, "direct", reason);
  };
  const Layer l{{1, 9, 9, 4}, {3, 3, 4, 8}, {1, 1}, {0, 0}, {0, 0}};
  refused(l, l.attributes(), DType::f16, "f32, not f16");
  ConvolutionAttributes dilated = l.attributes();
  dilated.dilations = {1, 2};
  refused(l, dilated, DType::f32, "dilation 1");
  ConvolutionAttributes grouped = l.attributes();
  grouped.groups = 2;
  refused({{1, 9, 9, 4}, {3, 3, 2, 8}, {1, 1}, {0, 0}, {0, 0}}, grouped, DType::f32, "one group");
  const Layer wide{{1, 9, 9, 5}, {3, 3, 5, 8}, {1, 1}, {0, 0}, {0, 0}};
  refused(wide, wide.attributes(), DType::f32, "up to 4 channels, not 5");
  const Layer large{{1, 9, 9, 1}, {8, 3, 1, 8}, {1, 1}, {0, 0}, {0, 0}};
  refused(large, large.attributes(), DType::f32, "up to 7x7, not 8x3");
}

}  // namespace
}  // namespace brisk
