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

OpCase matmul_case(std::vector<int64_t> lhs, std::vector<int64_t> rhs) {
  return {.op = "dot_general",
          .name = "matmul_" + shape_name(lhs) + "_" + shape_name(rhs),
          .operands = {values(lhs), values(rhs)},
          .build = [](Builder&, std::span<const Value> in) { return std::vector{matmul(in[0], in[1])}; },
          .types = kFloatTypes};
}

OP_CASE_SUITE(DotGeneral, {
    matmul_case({5, 7}, {7, 3}),
    matmul_case({1, 1}, {1, 1}),
    matmul_case({2, 5, 7}, {7, 3}),
    matmul_case({2, 3, 4, 5}, {2, 3, 5, 2}),
    matmul_case({33, 65}, {65, 17}),
    dot_case("transposed_left", {7, 5}, {7, 3}, {.lhs_contract = {0}, .rhs_contract = {0}}),
    dot_case("transposed_both", {7, 5}, {3, 7}, {.lhs_contract = {0}, .rhs_contract = {1}}),
    dot_case("inner", {6}, {6}, {.lhs_contract = {0}, .rhs_contract = {0}}),
    dot_case("outer", {4}, {3}, {}),
    dot_case("two_contracted_crossed", {2, 3, 4}, {4, 5, 2},
             {.lhs_contract = {0, 2}, .rhs_contract = {2, 0}}),
    dot_case("two_contracted_descending", {2, 3, 4}, {4, 5, 2},
             {.lhs_contract = {2, 0}, .rhs_contract = {0, 2}}),
    dot_case("batch_in_the_middle", {3, 2, 4}, {4, 5, 2},
             {.lhs_contract = {2}, .rhs_contract = {0}, .lhs_batch = {1}, .rhs_batch = {2}}),
    dot_case("two_batch_axes_crossed", {3, 2, 4, 5}, {5, 2, 3},
             {.lhs_contract = {3}, .rhs_contract = {0}, .lhs_batch = {1, 0}, .rhs_batch = {1, 2}}),
    dot_case("nothing_contracted", {2, 3}, {2, 4}, {.lhs_batch = {0}, .rhs_batch = {0}}),
});

OpCase integer_case() {
  OpCase integers = matmul_case({5, 7}, {7, 3});
  integers.types = {DType::i32, DType::i64};
  return integers;
}
OP_CASE_SUITE(DotGeneralOfIntegers, {integer_case()});

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
