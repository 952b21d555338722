#include "brisk/ops/index/index.h"

#include <gtest/gtest.h>

#include "brisk/ops/elementwise/elementwise.h"
#include "tests/ops/computed.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

using Doubles = std::vector<double>;

Tensor positions_of(std::vector<int32_t> values) {
  const auto count = static_cast<int64_t>(values.size());
  return Tensor::of<int32_t>({count}, values);
}

Tensor table() {
  return Tensor::of<double>({3, 2}, Doubles{1, 2, 3, 4, 5, 6});
}

TEST(Index, GatherClampsPositions) {
  const Tensor rows = computed({table(), positions_of({2, 0, 7, -1})},
                               [](Builder&, auto in) { return gather(in[0], in[1]); });
  EXPECT_EQ(as_doubles(rows), (Doubles{5, 6, 1, 2, 5, 6, 1, 2}));
  const Tensor columns = computed({table(), positions_of({1})},
                                  [](Builder&, auto in) { return gather(in[0], in[1], -1); });
  EXPECT_EQ(as_doubles(columns), (Doubles{2, 4, 6}));
  EXPECT_EQ(columns.sizes(), (std::vector<int64_t>{3, 1}));
}

TEST(Index, ScatterAddDropsPositionsOutOfRange) {
  const Tensor updates = Tensor::of<double>({4, 2}, Doubles{1, 1, 10, 10, 100, 100, 1000, 1000});
  const Tensor sum = computed({table(), positions_of({0, 0, 3, -1}), updates},
                              [](Builder&, auto in) { return scatter_add(in[0], in[1], in[2]); });
  EXPECT_EQ(as_doubles(sum), (Doubles{12, 13, 3, 4, 5, 6}));
}

/// sum(f(x, indices, ...) * 1, 2, 3, ...) differentiated with respect to operand `wrt`.
Doubles weighted_gradient(const std::vector<Tensor>& inputs, size_t wrt, const BuildOne& build) {
  Builder builder(standard_ops());
  const std::vector<Value> values = inputs_for(builder, inputs);
  const Value y = build(builder, values);
  Tensor weights(DType::f64, y.shape().sizes());
  for (int64_t i = 0; i < weights.num_elements(); ++i) weights.set(i, static_cast<double>(i + 1));
  const Value loss = reduce_sum(y * builder.constant(weights));
  const Value g = gradient(loss, std::vector{values[wrt]})[0];
  return as_doubles(reference::evaluate(builder.finish({{"g", g}}), inputs)[0]);
}

TEST(Index, GradientsAreExactOutOfRangeToo) {
  const auto read = [](Builder&, std::span<const Value> in) { return gather(in[0], in[1]); };
  // Position 9 read the last row, so the last row gets its gradient.
  EXPECT_EQ(weighted_gradient({table(), positions_of({2, 0, 9})}, 0, read),
            (Doubles{3, 4, 0, 0, 1 + 5, 2 + 6}));
  const auto write = [](Builder&, std::span<const Value> in) {
    return scatter_add(in[0], in[1], in[2]);
  };
  const Tensor updates = Tensor::zeros(DType::f64, {3, 2});
  // Position 9 was dropped, so its update has no gradient.
  EXPECT_EQ(weighted_gradient({table(), positions_of({1, 9, 1}), updates}, 2, write),
            (Doubles{3, 4, 0, 0, 3, 4}));
  EXPECT_EQ(weighted_gradient({table(), positions_of({1, 9, 1}), updates}, 0, write),
            (Doubles{1, 2, 3, 4, 5, 6}));
}

TEST(Index, AlongAnAxis) {
  const Tensor places = Tensor::of<int32_t>({3, 1}, std::vector<int32_t>{1, 0, 1});
  const auto take = [](Builder&, std::span<const Value> in) {
    return take_along_axis(in[0], in[1], 1);
  };
  EXPECT_EQ(as_doubles(computed({table(), places}, take)), (Doubles{2, 3, 6}));
  EXPECT_EQ(weighted_gradient({table(), places}, 0, take), (Doubles{0, 1, 2, 0, 0, 3}));
  const auto put = [](Builder&, std::span<const Value> in) {
    return put_along_axis_add(in[0], in[1], in[2], 1);
  };
  const Tensor updates = Tensor::of<double>({3, 1}, Doubles{10, 20, 30});
  EXPECT_EQ(as_doubles(computed({table(), places, updates}, put)), (Doubles{1, 12, 23, 4, 5, 36}));
  EXPECT_EQ(weighted_gradient({table(), places, updates}, 2, put), (Doubles{2, 3, 6}));
}

TEST(Index, OneHot) {
  const Tensor hot = computed({positions_of({2, 0, 3, -1})},
                              [](Builder&, auto in) { return one_hot(in[0], 3, DType::i32); });
  EXPECT_EQ(hot.dtype(), DType::i32);
  EXPECT_EQ(as_doubles(hot), (Doubles{0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Index, NamedDimensions) {
  Builder builder(standard_ops());
  const Extent batch("batch"), time("time");
  const Value words = builder.input("words", Type(DType::i64, {batch, time}));
  const Value vectors = builder.input("vectors", Type(DType::f32, {100, 8}));
  EXPECT_EQ(gather(vectors, words).shape(), (Shape{batch, time, 8}));
  EXPECT_EQ(scatter_add(vectors, words, gather(vectors, words)).shape(), (Shape{100, 8}));
  EXPECT_EQ(one_hot(words, 5).shape(), (Shape{batch, time, 5}));
  const Value logits = builder.input("logits", Type(DType::f32, {batch, 10}));
  const Value labels = builder.input("labels", Type(DType::i32, {batch, 1}));
  EXPECT_EQ(take_along_axis(logits, labels, 1).shape(), (Shape{batch, 1}));
}

TEST(Index, Refusals) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {3, 2}));
  const Value i = builder.input("i", Type(DType::i32, {4}));
  const Value u = builder.input("u", Type(DType::f32, {4, 3}));
  EXPECT_EQ(refusal([&] { gather(x, x); }),
            "[gather] the indices are f32[3, 2], but i32 or i64 is needed");
  EXPECT_EQ(refusal([&] { gather(x, i, 2); }), "[gather] axis 2 is out of range for rank 2");
  EXPECT_EQ(refusal([&] { scatter_add(x, i, u); }),
            "[scatter_add] the updates are f32[4, 3], but f32[3, 2] at indices i32[4] along axis 0 "
            "takes f32[4, 2]");
  EXPECT_EQ(refusal([&] { take_along_axis(x, i, 1); }),
            "[take_along_axis] indices i32[4] do not fit f32[3, 2] beside axis 1");
  EXPECT_EQ(refusal([&] { one_hot(i, -1); }), "[one_hot] depth -1 is negative");
  const Value empty = builder.input("empty", Type(DType::f32, {0, 2}));
  EXPECT_EQ(refusal([&] { gather(empty, i); }), "[gather] axis 0 of f32[0, 2] is empty");
}

}  // namespace
}  // namespace brisk::testing
