#include <gtest/gtest.h>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

std::vector<OpCase> convolution_cases() {
  std::vector<OpCase> cases;
  for (const bool bias : {false, true})
    for (const bool residual : {false, true})
      for (const Activation activation : {Activation::none, Activation::relu}) {
        FusedConvolutionAttributes attributes{
            .convolution = {{2, 1}, {1, 0}, {1, 2}, {1, 1}, 1},
            .bias = bias,
            .residual = residual,
            .activation = activation};
        OpCase one{.op = "fused_convolution",
                   .name = fmt::format("{}{}{}", bias ? "bias_" : "", residual ? "residual_" : "",
                                       activation == Activation::relu ? "relu" : "plain"),
                   .operands = {values({2, 5, 4, 2}), values({3, 3, 2, 3})},
                   .build =
                       [attributes](Builder&, std::span<const Value> in) {
                         return std::vector{fused_convolution(in, attributes)};
                       },
                   .types = kFloatTypes,
                   .roundings = 4};
        if (bias) one.operands.push_back(values({3}));
        if (residual) one.operands.push_back(values({2, 3, 4, 3}));
        cases.push_back(one);
      }
  return cases;
}

std::vector<OpCase> dot_cases() {
  std::vector<OpCase> cases;
  for (const bool left : {false, true})
    for (const bool right : {false, true})
      for (const bool bias : {false, true}) {
        const FusedDotAttributes attributes{
            .transpose_lhs = left,
            .transpose_rhs = right,
            .bias = bias,
            .activation = bias == left ? Activation::relu : Activation::none};
        OpCase one{.op = "fused_dot",
                   .name = fmt::format("{}{}{}", left ? "t" : "n", right ? "t" : "n", bias ? "_bias" : ""),
                   .operands = {left ? values({7, 5}) : values({5, 7}),
                                right ? values({3, 7}) : values({7, 3})},
                   .build =
                       [attributes](Builder&, std::span<const Value> in) {
                         return std::vector{fused_dot(in, attributes)};
                       },
                   .types = kFloatTypes,
                   .roundings = 3};
        if (bias) one.operands.push_back(values({3}));
        cases.push_back(one);
      }
  return cases;
}

OpCase loop_case() {
  return {.op = "fused_loop",
          .name = "sum_of_squares_beside",
          .operands = {values({5, 9}), values({9})},
          .build =
              [](Builder& builder, std::span<const Value> in) {
                Builder body(builder.ops(), "body");
                const Value x = body.input("x", in[0].type());
                const Value w = body.input("w", in[1].type());
                const Value y = x * w;
                return fused_loop(in, body.finish({{"y", y}, {"sum", reduce_sum(y * y, {1})}}));
              },
          .types = kFloatTypes,
          .roundings = 3};
}

OP_CASE_SUITE(FusedConvolution, convolution_cases());
OP_CASE_SUITE(FusedDot, dot_cases());
OP_CASE_SUITE(FusedLoop, {loop_case()});

TEST(FusedRefusals, NameWhatDoesNotFit) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {4, 3}));
  const Value w = builder.input("w", Type(DType::f32, {3, 5}));
  const Value b = builder.input("b", Type(DType::f32, {4}));
  EXPECT_EQ(refusal([&] { fused_dot(std::vector{x, w, b}, {}); }),
            "[fused_dot] takes 2 operands, but gets 3");
  EXPECT_EQ(refusal([&] { fused_dot(std::vector{x, w, b}, {.bias = true}); }),
            "[fused_dot] the bias must be f32[5], but is f32[4]");
  EXPECT_EQ(refusal([&] { fused_dot(std::vector{x, w}, {.transpose_lhs = true}); }),
            "[fused_dot] the left operand sums over 4 elements, the right over 3");
}

}  // namespace
}  // namespace brisk::testing
