#include "brisk/ops/source/source.h"

#include "tests/support/case_graph.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

OpCase iota_case(DType type, std::vector<int64_t> sizes, int64_t axis) {
  return {.op = "iota",
          .name = fmt::format("{}_{}_axis{}", name(type), shape_name(sizes), axis),
          .operands = {},
          .build =
              [=](Builder& builder, std::span<const Value>) {
                return std::vector{iota(builder, type, Shape(sizes), axis)};
              },
          .types = {type}};
}

OpCase constant_case(DType type, std::vector<int64_t> sizes) {
  const OpCase drawn{.op = "constant", .name = "values", .operands = {values(sizes)}};
  const Tensor value = case_values(drawn, type)[0];
  return {.op = "constant",
          .name = fmt::format("{}_{}", name(type), shape_name(sizes)),
          .operands = {},
          .build = [=](Builder& builder,
                       std::span<const Value>) { return std::vector{builder.constant(value)}; },
          .types = {type}};
}

OpCase random_case(std::vector<int64_t> sizes) {
  return {.op = "random_bits",
          .name = shape_name(sizes),
          .operands = {random_key()},
          .build =
              [=](Builder&, std::span<const Value> in) {
                return std::vector{random_bits(in[0], Shape(sizes))};
              },
          .types = {DType::u32}};
}

}  // namespace

std::vector<OpCase> source_cases() {
  std::vector<OpCase> cases = {
      {.op = "input",
       .name = "3x5",
       .operands = {values({3, 5})},
       .build = [](Builder&, std::span<const Value> in) { return std::vector{in[0]}; },
       .types = kNumberTypes},
      {.op = "fold_key",
       .name = "number",
       .operands = {random_key()},
       .build =
           [](Builder&, std::span<const Value> in) {
             return std::vector{fold_key(in[0], 0x123456789abull)};
           },
       .types = {DType::u32}},
      {.op = "fold_key",
       .name = "value",
       .operands = {random_key(), positions({}, 1000, DType::u32)},
       .build = [](Builder&,
                   std::span<const Value> in) { return std::vector{fold_key(in[0], in[1])}; },
       .types = {DType::u32}},
      {.op = "fold_key_word",
       .name = "2x5",
       .operands = {positions({2, 5}, int64_t{1} << 32, DType::u32),
                    positions({2, 5}, int64_t{1} << 32, DType::u32),
                    positions({2, 5}, int64_t{1} << 40, DType::u64),
                    positions({2, 5}, 2, DType::u32)},
       .build =
           [](Builder& builder, std::span<const Value> in) {
             return std::vector{builder.emit_one("fold_key_word", in)};
           },
       .types = {DType::u32}},
  };
  for (const DType type : {DType::f32, DType::bf16, DType::i32, DType::i64, DType::u8}) {
    cases.push_back(iota_case(type, {3, 65}, 0));
    cases.push_back(iota_case(type, {3, 65}, 1));
    cases.push_back(iota_case(type, {0, 3}, 1));
    cases.push_back(constant_case(type, {}));
    cases.push_back(constant_case(type, {2, 3}));
    cases.push_back(constant_case(type, {5, 7}));
    cases.push_back(constant_case(type, {0}));
  }
  for (const std::vector<int64_t>& sizes :
       std::vector<std::vector<int64_t>>{{}, {1}, {0, 3}, {3, 65}, {2, 1025}})
    cases.push_back(random_case(sizes));
  return cases;
}

}  // namespace brisk::testing
