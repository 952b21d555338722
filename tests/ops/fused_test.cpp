#include <gtest/gtest.h>

#include "brisk/base/error.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/standard.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

TEST(FusedRefusals, NameWhatDoesNotFit) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {4, 3}));
  const Value w = builder.input("w", Type(DType::f32, {3, 5}));
  const Value b = builder.input("b", Type(DType::f32, {4}));
  EXPECT_EQ(refusal([&] {
              fused_dot(std::vector{x, w, b}, {});
            }),
            "[fused_dot] takes 2 operands, but gets 3");
  EXPECT_EQ(refusal([&] {
              fused_dot(std::vector{x, w, b}, {.bias = true});
            }),
            "[fused_dot] the bias must be f32[5], but is f32[4]");
  EXPECT_EQ(refusal([&] {
              fused_dot(std::vector{x, w}, {.transpose_lhs = true});
            }),
            "[fused_dot] the left operand sums over 4 elements, the right over 3");
}

}  // namespace
}  // namespace brisk::testing
