#include "brisk/ops/source/source.h"

#include <gtest/gtest.h>

#include "brisk/base/philox.h"
#include "brisk/ir/expr.h"
#include "tests/ops/computed.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

constexpr uint64_t kKey = 0x0123456789abcdefull;

Tensor key_tensor(uint64_t key) {
  return Tensor::of<uint32_t>(
      {2}, std::vector{static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
}

uint64_t key_value(const Tensor& key) {
  const auto words = key.data<uint32_t>();
  return (uint64_t{words[1]} << 32) | words[0];
}

/// The scalar rule of random_bits at one element, on key words.
uint32_t bits_by_expression(uint64_t key, uint64_t element) {
  const std::vector<Expr> inputs = {Expr::input(0, DType::u32), Expr::input(1, DType::u32)};
  const Attributes attributes = RandomBitsAttributes{{}};
  const ScalarProgram program = flatten(
      standard_ops()->at("random_bits").expr_rule({inputs, attributes, DType::u32, Shape{}}));
  std::vector<Scalar> lines;
  for (const ScalarInstruction& line : program) {
    std::vector<Scalar> operands;
    for (const int32_t operand : line.operands)
      if (operand >= 0) operands.push_back(lines[static_cast<size_t>(operand)]);
    if (line.op == ScalarOp::input)
      lines.push_back({.bits = line.index == 0 ? key & 0xffffffff : key >> 32});
    else if (line.op == ScalarOp::linear_index)
      lines.push_back({.bits = element});
    else
      lines.push_back(evaluate(
          line, operands.empty() ? line.type : program[static_cast<size_t>(line.operands[0])].type,
          operands));
  }
  return static_cast<uint32_t>(lines.back().bits);
}

TEST(Source, RandomBitsArePhiloxByElement) {
  for (const uint64_t element : {uint64_t{0}, uint64_t{1}, uint64_t{77}, uint64_t{1} << 40}) {
    const PhiloxBlock block =
        philox4x32({static_cast<uint32_t>(kKey), static_cast<uint32_t>(kKey >> 32)},
                   {static_cast<uint32_t>(element), static_cast<uint32_t>(element >> 32), 0, 0});
    EXPECT_EQ(bits_by_expression(kKey, element), block[0]) << element;
  }
  const Tensor words = computed({key_tensor(kKey)}, [](Builder&, auto in) {
    return random_bits(in[0], {3, 5});
  });
  for (int64_t i = 0; i < 15; ++i)
    EXPECT_EQ(words.data<uint32_t>()[static_cast<size_t>(i)],
              bits_by_expression(kKey, static_cast<uint64_t>(i)));
}

TEST(Source, FoldedKeysAreThoseOfTheHost) {
  for (const uint64_t number :
       {uint64_t{0}, uint64_t{5}, uint64_t{0xffffffff}, uint64_t{3} << 33}) {
    const Tensor folded =
        computed({key_tensor(kKey)}, [&](Builder&, auto in) { return fold_key(in[0], number); });
    EXPECT_EQ(key_value(folded), fold_key(kKey, number)) << number;
  }
  const Tensor number = Tensor::of<uint32_t>({}, std::vector<uint32_t>{42});
  const Tensor folded = computed({key_tensor(kKey), number},
                                 [](Builder&, auto in) { return fold_key(in[0], in[1]); });
  EXPECT_EQ(key_value(folded), fold_key(kKey, uint64_t{42}));
}

TEST(Source, DecomposedFoldedKeysAreThoseOfTheHost) {
  const Tensor folded = computed({key_tensor(kKey)}, [](Builder& builder, auto in) {
    const uint64_t number = (uint64_t{7} << 32) | 9;
    const std::vector operands = {in[0],
                                  builder.constant(Tensor::of<uint64_t>({}, std::vector{number}))};
    const std::vector results = {in[0].type()};
    return builder.ops()->at("fold_key").decompose_rule({builder, operands, {}, {}, results})[0];
  });
  EXPECT_EQ(key_value(folded), fold_key(kKey, (uint64_t{7} << 32) | 9));
}

TEST(Source, UniformNumbersStayBelowOneInEveryType) {
  for (const DType type : {DType::f64, DType::f32, DType::f16, DType::bf16, DType::f8e4m3}) {
    const Tensor numbers = computed(
        {key_tensor(kKey)}, [&](Builder&, auto in) { return random_uniform(in[0], {4096}, type); });
    ASSERT_EQ(numbers.dtype(), type);
    double sum = 0, highest = 0;
    for (int64_t i = 0; i < 4096; ++i) {
      ASSERT_GE(numbers.get(i), 0);
      highest = std::max(highest, numbers.get(i));
      sum += numbers.get(i);
    }
    EXPECT_LT(highest, 1) << name(type);
    // A few bits are cut off, which lowers the mean by half their last place.
    const double lost = type == DType::f8e4m3 ? 1.0 / 32 : type == DType::bf16 ? 1.0 / 512 : 0;
    EXPECT_NEAR(sum / 4096, 0.5 - lost, 0.015) << name(type);
  }
  const Tensor f32 =
      computed({key_tensor(kKey)}, [](Builder&, auto in) { return random_uniform(in[0], {8}); });
  for (size_t i = 0; i < 8; ++i)
    EXPECT_EQ(f32.data<float>()[i], word_to_unit_float(bits_by_expression(kKey, i)));
}

TEST(Source, Iota) {
  const Tensor numbers = computed({}, [](Builder& builder, auto) {
    return iota(builder, DType::i64, {2, 3}, -1);
  });
  EXPECT_EQ(as_doubles(numbers), (std::vector<double>{0, 1, 2, 0, 1, 2}));
}

TEST(Source, Refusals) {
  Builder builder(standard_ops());
  const Value key = builder.input("key", Type(DType::u32, {2}));
  const Value wrong = builder.input("wrong", Type(DType::i32, {2}));
  EXPECT_EQ(refusal([&] { random_bits(wrong, {3}); }),
            "[random_bits] the key is i32[2], not u32[2]");
  EXPECT_EQ(refusal([&] { fold_key(key, wrong); }),
            "[fold_key] the number is i32[2], not u32[] or u64[]");
  EXPECT_EQ(refusal([&] { random_uniform(key, {3}, DType::i32); }),
            "[random_uniform] its elements cannot be i32");
  EXPECT_EQ(refusal([&] { iota(builder, DType::boolean, {3}, 0); }),
            "[iota] its elements cannot be bool");
  EXPECT_NE(
      refusal([&] { builder.emit_one("input", std::span<const Value>(), InputAttributes{"x"}); }),
      "");
}

}  // namespace
}  // namespace brisk::testing
