#include <gtest/gtest.h>

#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"
#include "tests/support/kernel_case.h"

namespace brisk {
namespace {

using testing::ErrorModel;
using testing::KernelCase;

TEST(KernelsI32, ConvolveLikeTheReference) {
  struct Geometry {
    std::vector<int64_t> input, filter;
    ConvolutionAttributes attributes;
  };
  for (const Geometry& g : {
           Geometry{{2, 5, 7, 19}, {3, 3, 19, 33}, {{1, 2}, {1, 1}, {1, 1}, {1, 1}, 1}},
           {{1, 6, 5, 3}, {2, 3, 3, 130}, {{2, 1}, {0, 1}, {1, 1}, {1, 2}, 1}},
           {{1, 6, 5, 70}, {3, 3, 1, 70}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 70}},
           {{2, 6, 5, 3}, {3, 3, 1, 6}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 3}},
           {{1, 5, 5, 8}, {3, 3, 4, 6}, {{1, 1}, {-1, 0}, {0, 0}, {1, 1}, 2}},
           {{2, 12, 8}, {3, 8, 8}, {{1}, {2}, {2}, {1}, 1}},
       }) {
    KernelCase k;
    const Value input = k.random(DType::i32, g.input), filter = k.random(DType::i32, g.filter);
    convolution(input, filter, g.attributes);
    expect_agrees(k, "i32", ErrorModel::sum);
  }
}

TEST(KernelsI32, JoinABias) {
  for (const int64_t groups : {1, 6}) {
    KernelCase k;
    const std::vector<Value> operands = {k.random(DType::i32, {2, 5, 4, 6}),
                                         k.random(DType::i32, {3, 3, 6 / groups, 6}),
                                         k.random(DType::i32, {6})};
    fused_convolution(operands, {{{1, 1}, {1, 1}, {1, 1}, {1, 1}, groups}, true});
    expect_agrees(k, "i32", ErrorModel::sum);
  }
  KernelCase active;
  const std::vector<Value> operands = {active.random(DType::i32, {1, 5, 4, 6}),
                                       active.random(DType::i32, {1, 1, 6, 6}),
                                       active.random(DType::i32, {6})};
  fused_convolution(operands, {{{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}, true, false, Activation::relu});
  expect_refusal(active, "i32", "no residual and no activation");
}

TEST(KernelsI32, MultiplyLikeTheReference) {
  for (const std::vector<int64_t>& lhs : {std::vector<int64_t>{1, 64}, {7, 33}, {2, 3, 5}}) {
    KernelCase k;
    const Value a = k.random(DType::i32, lhs), b = k.random(DType::i32, {lhs.back(), 65});
    matmul(a, b);
    expect_agrees(k, "i32", ErrorModel::sum);
  }
}

TEST(KernelsI32, LetSumsWrap) {
  KernelCase k;
  const Value a = k.input(Tensor::of<int32_t>({1, 2}, {2000000000, -2000000000}));
  const Value b = k.input(Tensor::of<int32_t>({2, 1}, {3, -3}));
  matmul(a, b);
  expect_agrees(k, "i32", ErrorModel::sum);
}

TEST(KernelsI32, SayWhatTheyDoNotTake) {
  KernelCase floats;
  const Value x = floats.random(DType::f32, {2, 3}), y = floats.random(DType::f32, {3, 4});
  matmul(x, y);
  expect_refusal(floats, "i32", "works in i32, not f32");

  KernelCase batch;
  const Value a = batch.random(DType::i32, {2, 3, 4}), b = batch.random(DType::i32, {2, 4, 5});
  matmul(a, b);
  expect_refusal(batch, "i32", "[..., k] x [k, n]");

  KernelCase volume;
  const Value in = volume.random(DType::i32, {1, 3, 3, 3, 2});
  const Value filter = volume.random(DType::i32, {2, 2, 2, 2, 2});
  convolution(in, filter, {{1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}, 1});
  expect_refusal(volume, "i32", "two spatial axes");
}

}  // namespace
}  // namespace brisk
