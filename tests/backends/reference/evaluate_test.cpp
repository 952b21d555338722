// What the oracle computes, worked out by hand: everything else is held against it.

#include "brisk/backends/reference/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "brisk/base/philox.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/standard.h"
#include "brisk/ops/window/window.h"

namespace brisk {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

using Build = std::function<std::vector<Value>(Builder&, std::span<const Value>)>;

std::vector<Tensor> results_of(const std::vector<Tensor>& inputs, const Build& build) {
  Builder builder(standard_ops());
  std::vector<Value> values;
  for (const Tensor& input : inputs)
    values.push_back(builder.input(fmt::format("x{}", values.size()),
                                   Type(input.dtype(), Shape(input.sizes()))));
  std::vector<Builder::Output> outputs;
  for (const Value& value : build(builder, values))
    outputs.push_back({fmt::format("y{}", outputs.size()), value});
  return reference::evaluate(builder.finish(outputs), inputs);
}

/// Elements of the first result as doubles.
std::vector<double> elements_of(const std::vector<Tensor>& inputs,
                                const std::function<Value(std::span<const Value>)>& build) {
  const Tensor result = results_of(
      inputs, [&](Builder&, std::span<const Value> in) { return std::vector{build(in)}; })[0];
  std::vector<double> elements;
  for (int64_t i = 0; i < result.num_elements(); ++i) elements.push_back(result.get(i));
  return elements;
}

template <typename T = float>
Tensor tensor(std::vector<int64_t> sizes, std::vector<T> values) {
  return Tensor::of<T>(std::move(sizes), values);
}

using Elements = std::vector<double>;

TEST(Evaluate, ResultsAreRoundedToTheirTypeAfterEachNode) {
  // 1 + 2^-9 is no bf16: the sum rounds to 1, so that the difference is 0.
  Tensor one(DType::bf16, {}), small(DType::bf16, {});
  one.set(0, 1);
  small.set(0, std::ldexp(1, -9));
  EXPECT_EQ(elements_of({one, small}, [](auto in) { return in[0] + in[1] - in[0]; }), Elements{0});
}

TEST(Evaluate, IntegersWrapInTheirOwnWidth) {
  EXPECT_EQ(elements_of({tensor<int8_t>({2}, {127, -128})}, [](auto in) { return in[0] + 1.0; }),
            (Elements{-128, -127}));
  EXPECT_EQ(
      elements_of({tensor<uint8_t>({3}, {200, 100, 7})}, [](auto in) { return reduce_sum(in[0]); }),
      Elements{51});
}

TEST(Evaluate, ReductionsOfNothingAreNeutral) {
  const Tensor none(DType::f32, {0, 2}), no_bytes(DType::i8, {0}), no_flags(DType::boolean, {0});
  EXPECT_EQ(elements_of({none}, [](auto in) { return reduce_sum(in[0], {0}); }), (Elements{0, 0}));
  EXPECT_EQ(elements_of({none}, [](auto in) { return reduce_max(in[0], {0}); }),
            (Elements{-kInfinity, -kInfinity}));
  EXPECT_EQ(elements_of({no_bytes}, [](auto in) { return reduce_max(in[0]); }), Elements{-128});
  EXPECT_EQ(elements_of({no_bytes}, [](auto in) { return reduce_min(in[0]); }), Elements{127});
  EXPECT_EQ(elements_of({no_flags}, [](auto in) { return reduce_all(in[0]); }), Elements{1});
  EXPECT_EQ(elements_of({no_flags}, [](auto in) { return reduce_any(in[0]); }), Elements{0});
}

TEST(Evaluate, SumsOfShortFloatsAreRoundedOnce) {
  // In bf16 a running sum of ones stops at 256.
  Tensor ones(DType::bf16, {1024});
  for (int64_t i = 0; i < 1024; ++i) ones.set(i, 1);
  EXPECT_EQ(elements_of({ones}, [](auto in) { return reduce_sum(in[0]); }), Elements{1024});
}

TEST(Evaluate, ExtremeIndicesTakeTheFirstAndNaN) {
  const Tensor x = tensor({2, 4}, {1, 3, 3, -2, 5, kNaN, 7, kNaN});
  EXPECT_EQ(elements_of({x}, [](auto in) { return argmax(in[0]); }), (Elements{1, 1}));
  EXPECT_EQ(elements_of({x}, [](auto in) { return argmin(in[0]); }), (Elements{3, 1}));
  EXPECT_EQ(
      elements_of({tensor<int8_t>({3}, {-1, -128, 127})}, [](auto in) { return argmin(in[0]); }),
      Elements{1});
  EXPECT_EQ(elements_of({tensor<uint64_t>({2}, {1, ~uint64_t{0}})},
                        [](auto in) { return argmax(in[0]); }),
            Elements{1});
}

TEST(Evaluate, CumulativeSumRunsAlongItsAxis) {
  const Tensor x = tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(elements_of({x}, [](auto in) { return cumulative_sum(in[0], 1); }),
            (Elements{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(elements_of({x}, [](auto in) { return cumulative_sum(in[0], 0); }),
            (Elements{1, 2, 3, 5, 7, 9}));
}

TEST(Evaluate, PadCropsAndSpreads) {
  const Tensor x = tensor({4}, {1, 2, 3, 4}), nine = tensor({}, {9});
  const auto padded = [&](int64_t low, int64_t high, int64_t interior) {
    return elements_of({x, nine},
                       [=](auto in) { return pad(in[0], in[1], {low}, {high}, {interior}); });
  };
  EXPECT_EQ(padded(1, 2, 0), (Elements{9, 1, 2, 3, 4, 9, 9}));
  EXPECT_EQ(padded(0, 0, 1), (Elements{1, 9, 2, 9, 3, 9, 4}));
  EXPECT_EQ(padded(-1, -2, 1), (Elements{9, 2, 9, 3}));
  EXPECT_EQ(padded(-3, 1, 1), (Elements{9, 3, 9, 4, 9}));
}

TEST(Evaluate, ContractionOrdersItsAxes) {
  // lhs [row, batch, k], rhs [k, column, batch] -> [batch, row, column].
  const Tensor lhs = tensor({1, 2, 2}, {1, 2, 3, 4});
  const Tensor rhs = tensor({2, 1, 2}, {5, 6, 7, 8});
  EXPECT_EQ(
      elements_of(
          {lhs, rhs},
          [](auto in) {
            return dot_general(
                in[0], in[1],
                {.lhs_contract = {2}, .rhs_contract = {0}, .lhs_batch = {1}, .rhs_batch = {2}});
          }),
      (Elements{1 * 5 + 2 * 7, 3 * 6 + 4 * 8}));
}

TEST(Evaluate, ConvolutionIsACrossCorrelation) {
  const Tensor x = tensor({1, 4, 1}, {1, 2, 3, 4}), w = tensor({2, 1, 1}, {10, 1});
  EXPECT_EQ(elements_of({x, w},
                        [](auto in) {
                          return convolution(in[0], in[1], {{1}, {1}, {0}, {1}, 1});
                        }),
            (Elements{1, 12, 23, 34}));
  EXPECT_EQ(elements_of({x, w},
                        [](auto in) {
                          return convolution(in[0], in[1], {{1}, {0}, {0}, {3}, 1});
                        }),
            (Elements{14}));
}

TEST(Evaluate, ConvolutionGroupsSeeTheirOwnChannels) {
  // Two groups of one channel, two filters each: filter f reads channel f / 2.
  const Tensor x = tensor({1, 1, 2}, {3, 5}), w = tensor({1, 1, 4}, {1, 2, 3, 4});
  EXPECT_EQ(elements_of({x, w},
                        [](auto in) {
                          return convolution(in[0], in[1], {{1}, {0}, {0}, {1}, 2});
                        }),
            (Elements{3, 6, 15, 20}));
}

TEST(Evaluate, MaxPoolIgnoresPaddingAndNamesTheFirst) {
  const Tensor x = tensor({1, 5, 1}, {-3, -3, kNaN, -1, static_cast<float>(-kInfinity)});
  const auto results = results_of({x}, [](Builder&, std::span<const Value> in) {
    const MaxPool pool = max_pool(in[0], {{2}, {2}, {1}, {2}});
    return std::vector{pool.values, pool.positions};
  });
  ASSERT_EQ(results[0].sizes(), (std::vector<int64_t>{1, 4, 1}));
  EXPECT_EQ(results[0].get(0), -3);            // the padding before it is no zero
  EXPECT_TRUE(std::isnan(results[0].get(1)));  // NaN wins
  EXPECT_EQ(results[0].get(2), -1);
  EXPECT_EQ(results[0].get(3), -kInfinity);  // wholly in the padding
  EXPECT_EQ(results[1].get(0), 1);
  EXPECT_EQ(results[1].get(1), 1);
  EXPECT_EQ(results[1].get(2), 0);
}

TEST(Evaluate, AveragePoolCountsPaddingOnRequest) {
  const Tensor x = tensor({1, 3, 1}, {2, 4, 6});
  const WindowAttributes window{{2}, {2}, {1}, {0}};
  EXPECT_EQ(elements_of({x},
                        [&](auto in) {
                          return average_pool(in[0], {window, false});
                        }),
            (Elements{2, 5}));
  EXPECT_EQ(elements_of({x},
                        [&](auto in) {
                          return average_pool(in[0], {window, true});
                        }),
            (Elements{1, 5}));
}

TEST(Evaluate, ReadsClampAndWritesDropPositionsOutOfRange) {
  const Tensor x = tensor({3}, {10, 20, 30}), at = tensor<int32_t>({4}, {-1, 1, 1, 3});
  EXPECT_EQ(elements_of({x, at}, [](auto in) { return gather(in[0], in[1]); }),
            (Elements{10, 20, 20, 30}));
  EXPECT_EQ(elements_of({x, at, tensor({4}, {1, 2, 3, 4})},
                        [](auto in) { return scatter_add(in[0], in[1], in[2]); }),
            (Elements{10, 25, 30}));
  EXPECT_EQ(elements_of({at}, [](auto in) { return one_hot(in[0], 2); }),
            (Elements{0, 0, 0, 1, 0, 1, 0, 0}));
}

TEST(Evaluate, RandomBitsAreThoseOfPhilox) {
  const std::array<uint32_t, 2> key = {0x12345678, 0x9abcdef0};
  const auto results = results_of(
      {tensor<uint32_t>({2}, {key[0], key[1]})}, [](Builder&, std::span<const Value> in) {
        return std::vector{random_bits(in[0], {2, 3}), fold_key(in[0], uint64_t{77})};
      });
  for (uint32_t i = 0; i < 6; ++i)
    EXPECT_EQ(results[0].data<uint32_t>()[i], philox4x32(key, {i, 0, 0, 0})[0]);
  const uint64_t folded = fold_key((uint64_t{key[1]} << 32) | key[0], 77);
  EXPECT_EQ(results[1].data<uint32_t>()[0], static_cast<uint32_t>(folded));
  EXPECT_EQ(results[1].data<uint32_t>()[1], static_cast<uint32_t>(folded >> 32));
}

TEST(Evaluate, EmptyTensorsMayComeWithoutMemory) {
  const Tensor none(DType::f32, {0, 3}, nullptr);
  EXPECT_EQ(elements_of({none}, [](auto in) { return exp(in[0]) + in[0]; }), Elements{});
}

TEST(EvaluateRefuses, InputsOfOtherTypes) {
  Builder builder(standard_ops(), "model");
  const Value x = builder.input("x", Type(DType::f32, {2}));
  const Graph graph = builder.finish({{"y", x}});
  const auto message_of = [&](const std::vector<Tensor>& inputs) -> std::string {
    try {
      reference::evaluate(graph, inputs);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message_of({Tensor::zeros(DType::f64, {2})}),
            "input 'x' of graph 'model' is f32[2], but f64[2] is given");
  EXPECT_EQ(message_of({Tensor()}),
            "input 'x' of graph 'model' is f32[2], but an undefined tensor is given");
  EXPECT_EQ(message_of({}), "graph 'model' takes 1 inputs, but 0 are given");
}

TEST(EvaluateRefuses, AnOpWithoutAnyRuleByName) {
  OpSet mine = *standard_ops();
  Op op;
  op.name = "mystery";
  op.infer_rule = [](const InferContext&) -> std::vector<Type> { return {Type(DType::f32, {})}; };
  mine.add(op);
  Builder builder(std::make_shared<const OpSet>(mine));
  const Graph graph = builder.finish({{"y", builder.emit_one("mystery", {})}});
  EXPECT_THROW(reference::evaluate(graph, {}), UserError);
}

/// An op of one's own needs no kernel: its scalar expression is enough.
TEST(Evaluate, AnOpOfOnesOwnByItsExpression) {
  OpSet mine = *standard_ops();
  Op op;
  op.name = "triple";
  op.kind = OpKind::elementwise;
  mine.add(std::move(op)
               .operands(1)
               .infer([](const InferContext& c) -> std::vector<Type> { return {c.operands[0]}; })
               .expr([](const ExprContext& c) { return c.in(0) * 3.0; }));
  Builder builder(std::make_shared<const OpSet>(mine));
  const Value x = builder.input("x", Type(DType::f32, {2}));
  const Graph graph = builder.finish({{"y", builder.emit_one("triple", {x})}});
  const Tensor input = tensor({2}, {1, -2});
  const Tensor result = reference::evaluate(graph, {&input, 1})[0];
  EXPECT_EQ(result.get(0), 3);
  EXPECT_EQ(result.get(1), -6);
}

}  // namespace
}  // namespace brisk
