#include <gtest/gtest.h>

#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"
#include "tests/support/kernel_case.h"

namespace brisk {
namespace {

using testing::ErrorModel;
using testing::KernelCase;
using testing::kWinogradRoundings;

struct Layer {
  int64_t batch, height, width, channels, filters;
  std::vector<int64_t> low = {0, 0}, high = {0, 0};

  Shape input() const { return {batch, height, width, channels}; }
  Shape filter() const { return {3, 3, channels, filters}; }
  Shape result() const {
    return {batch, height + low[0] + high[0] - 2, width + low[1] + high[1] - 2, filters};
  }
  ConvolutionAttributes attributes() const { return {{1, 1}, low, high, {1, 1}, 1}; }
};

/// Every rest of 4 in both directions, batches that leave parts of blocks, channels that leave
/// half a panel, paddings, crops, and both at once.
std::vector<Layer> layers() {
  return {
      {5, 13, 13, 32, 64},
      {5, 12, 12, 16, 48},
      {2, 11, 14, 64, 16, {1, 1}, {1, 1}},
      {5, 7, 7, 48, 32, {1, 1}, {1, 1}},
      {7, 5, 9, 16, 16, {2, 0}, {0, 2}},
      {16, 3, 3, 32, 32},
      {3, 10, 17, 16, 80, {0, 2}, {1, 2}},
      {3, 16, 12, 32, 16, {-2, 1}, {-1, -3}},
      {5, 20, 6, 16, 32, {-3, 0}, {0, 1}},
      {9, 4, 8, 16, 16, {3, 4}, {3, 4}},
      {1, 30, 30, 128, 16, {1, 1}, {1, 1}},
  };
}

TEST(KernelsWinograd, ForwardAgreesWithTheReference) {
  for (const Layer& l : layers()) {
    KernelCase k;
    const Value x = k.random(DType::f32, l.input().sizes());
    convolution(x, k.random(DType::f32, l.filter().sizes()), l.attributes());
    expect_agrees(k, "winograd", ErrorModel::sum, kWinogradRoundings);
  }
}

/// Of results that relu6 leaves alone for the most part: errors are judged by the largest result,
/// which must be one that the convolution made.
Tensor small_filter(const Layer& l) {
  Tensor filter = testing::random_tensor(DType::f32, l.filter().sizes(), 1);
  for (int64_t i = 0; i < filter.num_elements(); ++i) filter.set(i, filter.get(i) / 8);
  return filter;
}

TEST(KernelsWinograd, EpiloguesAgreeWithTheReference) {
  const Layer l{5, 11, 10, 32, 48, {1, 1}, {1, 1}};
  for (const bool bias : {false, true})
    for (const bool residual : {false, true})
      for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
        KernelCase k;
        std::vector<Value> operands = {k.random(DType::f32, l.input().sizes()),
                                       k.input(small_filter(l))};
        if (bias) operands.push_back(k.random(DType::f32, {l.filters}));
        if (residual) operands.push_back(k.random(DType::f32, l.result().sizes()));
        fused_convolution(operands, {l.attributes(), bias, residual, activation});
        expect_agrees(k, "winograd", ErrorModel::sum, kWinogradRoundings);
      }
}

TEST(KernelsWinograd, InputGradientAgreesWithTheReference) {
  for (const Layer& l : layers()) {
    KernelCase k;
    const Value gradient = k.random(DType::f32, l.result().sizes());
    convolution_input_gradient(gradient, k.random(DType::f32, l.filter().sizes()), l.input(),
                               l.attributes());
    expect_agrees(k, "winograd", ErrorModel::sum, kWinogradRoundings);
  }
}

TEST(KernelsWinograd, FilterGradientAgreesWithTheReference) {
  for (const Layer& l : layers()) {
    KernelCase k;
    const Value x = k.random(DType::f32, l.input().sizes());
    convolution_filter_gradient(x, k.random(DType::f32, l.result().sizes()), l.filter(),
                                l.attributes());
    expect_agrees(k, "winograd", ErrorModel::sum, kWinogradRoundings);
  }
}

/// Sums too large for a thread's cache are divided among the threads.
TEST(KernelsWinograd, SharedFilterGradientAgreesWithTheReference) {
  const Layer l{7, 6, 7, 96, 112, {1, 1}, {1, 1}};
  KernelCase k;
  const Value x = k.random(DType::f32, l.input().sizes());
  convolution_filter_gradient(x, k.random(DType::f32, l.result().sizes()), l.filter(),
                              l.attributes());
  expect_agrees(k, "winograd", ErrorModel::sum, kWinogradRoundings);
}

/// Filters too large to be kept transformed are divided among the threads.
TEST(KernelsWinograd, LargeFiltersAgreeWithTheReference) {
  const Layer l{4, 6, 7, 208, 144, {1, 1}, {1, 1}};
  KernelCase forward;
  const std::vector<Value> operands = {
      forward.random(DType::f32, l.input().sizes()), forward.random(DType::f32, l.filter().sizes()),
      forward.random(DType::f32, {l.filters}), forward.random(DType::f32, l.result().sizes())};
  fused_convolution(operands, {l.attributes(), true, true, Activation::relu});
  expect_agrees(forward, "winograd", ErrorModel::sum, kWinogradRoundings);

  KernelCase backward;
  const Value gradient = backward.random(DType::f32, l.result().sizes());
  convolution_input_gradient(gradient, backward.random(DType::f32, l.filter().sizes()), l.input(),
                             l.attributes());
  expect_agrees(backward, "winograd", ErrorModel::sum, kWinogradRoundings);
}

TEST(KernelsWinograd, KeepsNanThroughRelu) {
  const Layer l{4, 8, 8, 16, 16};
  KernelCase k;
  Tensor x = testing::random_tensor(DType::f32, l.input().sizes(), 1);
  x.set(0, std::numeric_limits<double>::quiet_NaN());
  const std::vector<Value> operands = {k.input(x), k.random(DType::f32, l.filter().sizes())};
  fused_convolution(operands, {l.attributes(), false, false, Activation::relu});
  EXPECT_TRUE(std::isnan(k.run("winograd", {}).at(0).get(0)));
}

TEST(KernelsWinograd, RefusesWithTheReason) {
  const auto refused = [](const Layer& l, ConvolutionAttributes attributes, DType type,
                          std::vector<int64_t> filter, std::string_view reason) {
    KernelCase k;
    const Value x = k.random(type, l.input().sizes());
    convolution(x, k.random(type, std::move(filter)), std::move(attributes));
    expect_refusal(k, "winograd", reason);
  };
  const Layer l{4, 12, 12, 16, 16};
  const auto with = [&](auto change) {
    ConvolutionAttributes attributes = l.attributes();
    change(attributes);
    return attributes;
  };
  const std::vector<int64_t> filter = l.filter().sizes();
  refused(l, l.attributes(), DType::bf16, filter, "f32, not bf16");
  refused(l, l.attributes(), DType::f32, {1, 3, 16, 16}, "3x3 kernels, not 1x3");
  refused(l, with([](auto& a) { a.strides = {1, 2}; }), DType::f32, filter, "stride 1");
  refused(l, with([](auto& a) { a.dilations = {2, 1}; }), DType::f32, filter, "dilation 1");
  refused(l, with([](auto& a) { a.groups = 2; }), DType::f32, {3, 3, 8, 16}, "one group");
  refused(l, l.attributes(), DType::f32, {3, 3, 16, 17}, "multiples of 16, not 16 and 17");
  refused({1, 6, 6, 16, 16}, l.attributes(), DType::f32, filter, "does not pay for 1 tiles");
}

}  // namespace
}  // namespace brisk
