#include <gtest/gtest.h>

#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/ops/quantize/weight_only.h"
#include "tests/support/kernel_case.h"

namespace brisk {
namespace {

using testing::ErrorModel;
using testing::IsaScope;
using testing::KernelCase;

struct Sizes {
  std::vector<int64_t> lhs;
  int64_t n;
};

/// Parts and several of a panel, rows that fill no block, one block or several, odd lengths of k,
/// fewer panels than threads.
std::vector<Sizes> sizes() {
  return {{{1, 64}, 64},   {{1, 1}, 1},     {{6, 33}, 65},  {{7, 32}, 130}, {{13, 5}, 16},
          {{2, 3, 48}, 7}, {{40, 96}, 192}, {{23, 31}, 15}, {{5, 2}, 128}};
}

struct Product : KernelCase {
  Product(const Sizes& s, DType type) {
    const Value lhs = random(type, s.lhs);
    const Value rhs = random(DType::i8, {s.lhs.back(), s.n});
    weight_only_dot(lhs, rhs, random(DType::f32, {s.n}));
  }
};

TEST(KernelsWeightOnly, AgreeWithTheReference) {
  for (const Sizes& s : sizes())
    for (const DType type : {DType::f32, DType::bf16})
      expect_agrees(Product(s, type), "weight_only", ErrorModel::sum);
}

TEST(KernelsWeightOnly, MultiplyBf16AsItIs) {
  if (!cpu::kernels_have_bf16()) GTEST_SKIP() << "this processor has no products of bf16";
  const Product k({{9, 64}, 80}, DType::bf16);
  const std::vector<Tensor> short_products = k.run("weight_only", {});
  const IsaScope scope("avx2");
  EXPECT_FALSE(cpu::kernels_have_bf16());
  EXPECT_EQ(difference(short_products[0], k.run("weight_only", {})[0], ErrorModel::sum), "")
      << "8-bit weights are exact in bf16";
}

TEST(KernelsWeightOnly, ChangeNoBitWithThreads) {
  for (const DType type : {DType::f32, DType::bf16}) {
    const Product k({{50, 77}, 300}, type);
    const std::vector<Tensor> one = k.run("weight_only", {.threads = 1});
    for (const int threads : {2, 3, 8})
      EXPECT_TRUE(bit_equal(one[0], k.run("weight_only", {.threads = threads})[0])) << threads;
  }
}

TEST(KernelsWeightOnly, SayWhatTheyDoNotTake) {
  expect_refusal(Product({{0, 4}, 3}, DType::f32), "weight_only", "an extent is 0");
}

}  // namespace
}  // namespace brisk
