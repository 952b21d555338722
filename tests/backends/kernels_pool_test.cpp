#include <gtest/gtest.h>

#include <limits>

#include "brisk/ops/window/window.h"
#include "tests/support/kernel_case.h"

namespace brisk {
namespace {

using testing::ErrorModel;
using testing::KernelCase;

struct Pool {
  std::vector<int64_t> input;
  WindowAttributes window;

  std::vector<int64_t> result() const {
    std::vector<int64_t> sizes = {input[0]};
    for (size_t i = 0; i < window.window.size(); ++i)
      sizes.push_back((input[i + 1] + window.pad_low[i] + window.pad_high[i] - window.window[i]) /
                          window.strides[i] +
                      1);
    sizes.push_back(input.back());
    return sizes;
  }
};

/// Apart and overlapping windows, gaps between them, channels that leave parts of vectors, padding
/// so wide that windows lie wholly in it, cropping, one spatial axis.
std::vector<Pool> pools() {
  return {
      {{2, 8, 8, 32}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}}},
      {{5, 11, 9, 64}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}}},
      {{2, 12, 13, 17}, {{3, 3}, {2, 2}, {1, 1}, {1, 1}}},
      {{1, 7, 7, 3}, {{3, 2}, {1, 1}, {1, 0}, {1, 1}}},
      {{2, 9, 10, 1}, {{2, 2}, {3, 4}, {0, 0}, {0, 0}}},
      {{1, 5, 6, 7}, {{2, 3}, {2, 3}, {4, 3}, {5, 4}}},
      {{1, 9, 9, 20}, {{3, 3}, {2, 2}, {-2, -1}, {-1, -2}}},
      {{3, 7, 7, 48}, {{7, 7}, {1, 1}, {0, 0}, {0, 0}}},
      {{2, 15, 5}, {{3}, {2}, {1}, {0}}},
  };
}

/// Valid positions: what pooling some tensor gives.
Tensor winners(const Pool& p) {
  KernelCase k;
  max_pool(k.random(DType::f32, p.input), p.window);
  return k.expected().at(1);
}

const DType kTypes[] = {DType::f32, DType::bf16, DType::f16};

TEST(KernelsPool, MaximaAgreeWithTheReference) {
  for (const Pool& p : pools())
    for (const DType type : {DType::f32, DType::bf16, DType::f16, DType::u8, DType::i8}) {
      KernelCase k;
      max_pool(k.random(type, p.input), p.window);
      expect_agrees(k, "pool", ErrorModel::single, 0);
    }
}

/// The first of equal maxima, NaN above all numbers, minus infinity above padding.
TEST(KernelsPool, MaximaOfSpecialValuesAgreeWithTheReference) {
  for (const Pool& p : pools()) {
    KernelCase k;
    Tensor x = testing::random_tensor(DType::f32, p.input, 1);
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const double special[] = {
        -kInfinity, 1,          1,         std::numeric_limits<double>::quiet_NaN(),
        kInfinity,  -kInfinity, -kInfinity};
    for (int64_t i = 0; i < x.num_elements(); ++i)
      if (i * 7919 % 5 < 3) x.set(i, special[i * 104729 % 7]);
    max_pool(k.input(x), p.window);
    expect_agrees(k, "pool", ErrorModel::single, 0);
  }
}

TEST(KernelsPool, MaxGradientAgreesWithTheReference) {
  for (const Pool& p : pools())
    for (const DType type : kTypes) {
      KernelCase k;
      const Value gradient = k.random(type, p.result());
      max_pool_gradient(gradient, k.input(winners(p)), Shape(p.input), p.window);
      expect_agrees(k, "pool", ErrorModel::sum);
    }
}

TEST(KernelsPool, MaxSelectAgreesWithTheReference) {
  for (const Pool& p : pools())
    for (const DType type : kTypes) {
      KernelCase k;
      const Value x = k.random(type, p.input);
      max_pool_select(x, k.input(winners(p)), p.window);
      expect_agrees(k, "pool", ErrorModel::single, 0);
    }
}

TEST(KernelsPool, AveragesAgreeWithTheReference) {
  for (const Pool& p : pools())
    for (const DType type : kTypes)
      for (const bool count_padding : {false, true}) {
        KernelCase k;
        average_pool(k.random(type, p.input), {p.window, count_padding});
        expect_agrees(k, "pool", ErrorModel::sum);
      }
}

TEST(KernelsPool, AverageGradientAgreesWithTheReference) {
  for (const Pool& p : pools())
    for (const DType type : kTypes)
      for (const bool count_padding : {false, true}) {
        KernelCase k;
        average_pool_gradient(k.random(type, p.result()), Shape(p.input),
                              {p.window, count_padding});
        expect_agrees(k, "pool", ErrorModel::sum);
      }
}

TEST(KernelsPool, RefusesWithTheReason) {
  KernelCase integers;
  max_pool(integers.random(DType::i32, {1, 4, 4, 2}), {{2, 2}, {2, 2}, {0, 0}, {0, 0}});
  expect_refusal(integers, "pool", "maxima in u8 and i8, not i32");
  KernelCase volume;
  max_pool(volume.random(DType::f32, {1, 4, 4, 4, 2}),
           {{2, 2, 2}, {2, 2, 2}, {0, 0, 0}, {0, 0, 0}});
  expect_refusal(volume, "pool", "one or two spatial axes, not 3");
}

}  // namespace
}  // namespace brisk
