#include <gtest/gtest.h>

#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/base/rounding.h"
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

/// What the weights are.
struct Form {
  DType weights = DType::i8;
  int64_t block = 0;
  DType scale = DType::f32;
};

/// Blocks that end with k and not, short and long ones.
std::vector<Form> forms() {
  return {{},
          {DType::i4},
          {DType::i4, 32, DType::bf16},
          {DType::i4, 4},
          {DType::i4, 64, DType::bf16},
          {DType::i8, 32, DType::bf16},
          {DType::i8, 8}};
}

struct Product : KernelCase {
  Product(const Sizes& s, DType type, const Form& form = {}) {
    const int64_t k = s.lhs.back();
    const Value lhs = random(type, s.lhs);
    const Value rhs = random(form.weights, {k, s.n});
    const Value scale = form.block == 0 ? random(form.scale, {s.n})
                                        : random(form.scale, {ceil_div(k, form.block), s.n});
    weight_only_dot(lhs, rhs, scale, {.block_size = form.block});
  }
};

TEST(KernelsWeightOnly, AgreeWithTheReference) {
  for (const Sizes& s : sizes())
    for (const DType type : {DType::f32, DType::bf16})
      for (const Form& form : forms())
        expect_agrees(Product(s, type, form), "weight_only", ErrorModel::sum);
}

TEST(KernelsWeightOnly, MultiplyBf16AsItIs) {
  if (!cpu::kernels_have_bf16()) GTEST_SKIP() << "this processor has no products of bf16";
  for (const Form& form : forms()) {
    const Product k({{9, 64}, 80}, DType::bf16, form);
    const std::vector<Tensor> short_products = k.run("weight_only", {});
    const IsaScope scope("avx2");
    EXPECT_FALSE(cpu::kernels_have_bf16());
    EXPECT_EQ(difference(short_products[0], k.run("weight_only", {})[0], ErrorModel::sum), "")
        << "such weights are exact in bf16";
  }
}

TEST(KernelsWeightOnly, ChangeNoBitWithThreads) {
  for (const DType type : {DType::f32, DType::bf16})
    for (const Form& form : forms()) {
      const Product k({{50, 77}, 300}, type, form);
      const std::vector<Tensor> one = k.run("weight_only", {.threads = 1});
      for (const int threads : {2, 3, 8})
        EXPECT_TRUE(bit_equal(one[0], k.run("weight_only", {.threads = threads})[0])) << threads;
    }
}

TEST(KernelsWeightOnly, SayWhatTheyDoNotTake) {
  expect_refusal(Product({{0, 4}, 3}, DType::f32), "weight_only", "an extent is 0");
  expect_refusal(Product({{2, 8}, 3}, DType::f32, {DType::i4, 6}), "weight_only",
                 "blocks of a multiple of 4 rows");
}

}  // namespace
}  // namespace brisk
