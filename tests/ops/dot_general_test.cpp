#include <gtest/gtest.h>

#include "brisk/base/error.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/standard.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

OpCase dot_case(std::string name, std::vector<int64_t> lhs, std::vector<int64_t> rhs,
                DotAttributes attributes) {
  return {.op = "dot_general",
          .name = std::move(name),
          .operands = {values(std::move(lhs)), values(std::move(rhs))},
          .build =
              [attributes](Builder&, std::span<const Value> in) {
                return std::vector{dot_general(in[0], in[1], attributes)};
              },
          .types = kFloatTypes};
}

OpCase of_integers(OpCase op_case) {
  op_case.types = {DType::i32, DType::i64};
  return op_case;
}

// Beside the cases of tests/support/contract_cases.cpp: orders that a gradient must undo.
OP_CASE_SUITE(
    DotGeneral,
    {dot_case("crossed", {2, 3, 4}, {4, 5, 2}, {.lhs_contract = {0, 2}, .rhs_contract = {2, 0}}),
     dot_case("descending", {2, 3, 4}, {4, 5, 2}, {.lhs_contract = {2, 0}, .rhs_contract = {0, 2}}),
     dot_case("batch_axes_crossed", {3, 2, 4, 5}, {5, 2, 3},
              {.lhs_contract = {3}, .rhs_contract = {0}, .lhs_batch = {1, 0}, .rhs_batch = {1, 2}}),
     dot_case("batch_alone", {2, 3}, {2, 4}, {.lhs_batch = {0}, .rhs_batch = {0}}),
     of_integers(dot_case("integers", {5, 7}, {7, 3},
                          {.lhs_contract = {1}, .rhs_contract = {0}}))});

TEST(DotGeneralRefusals, NameAxesAndExtents) {
  Builder builder(standard_ops());
  const Value a = builder.input("a", Type(DType::f32, {2, 3}));
  const Value b = builder.input("b", Type(DType::f32, {4, 3}));
  const Value c = builder.input("c", Type(DType::f16, {3, 4}));
  EXPECT_EQ(refusal([&] { matmul(a, b); }),
            "[dot_general] contracted axis 1 of [2, 3] has extent 3, but axis 0 of [4, 3] has 4");
  EXPECT_EQ(refusal([&] { matmul(a, c); }),
            "[dot_general] operands must be of one numeric type, but are f32 and f16");
  EXPECT_EQ(refusal([&] { dot_general(a, b, {.lhs_contract = {2}, .rhs_contract = {1}}); }),
            "[dot_general] the left operand [2, 3] has no axis 2");
  EXPECT_EQ(refusal([&] { dot_general(a, b, {.lhs_contract = {1}, .lhs_batch = {1}}); }),
            "[dot_general] axis 1 of the left operand is named twice");
}

TEST(DotGeneral, KeepsNamedExtents) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {Extent("batch"), Extent("length"), 3}));
  const Value w = builder.input("w", Type(DType::f32, {3, 4}));
  EXPECT_EQ(matmul(x, w).type().to_string(), "f32[batch, length, 4]");
}

}  // namespace
}  // namespace brisk::testing
