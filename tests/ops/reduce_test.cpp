#include "brisk/ops/reduce/reduce.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "brisk/ops/elementwise/elementwise.h"
#include "tests/ops/computed.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

using Doubles = std::vector<double>;

Tensor matrix(Doubles values) {
  return Tensor::of<double>({2, static_cast<int64_t>(values.size()) / 2}, values);
}

Doubles over_rows(const Tensor& x, const std::function<Value(Value)>& f) {
  return as_doubles(computed({x}, [&](Builder&, auto in) { return f(in[0]); }));
}

Doubles gradient_of(const Tensor& x, const std::function<Value(Value)>& f) {
  return as_doubles(gradients({x}, [&](Builder&, auto in) { return f(in[0]); })[0]);
}

TEST(Reduce, FoldsByTheirDefinitions) {
  const Tensor x = matrix({1, -2, 3, 4, 0, 5});
  EXPECT_EQ(over_rows(x, [](Value v) { return reduce_sum(v, {1}); }), (Doubles{2, 9}));
  EXPECT_EQ(over_rows(x, [](Value v) { return reduce_sum(v, {-2}); }), (Doubles{5, -2, 8}));
  EXPECT_EQ(over_rows(x, [](Value v) { return reduce_sum(v); }), (Doubles{11}));
  EXPECT_EQ(over_rows(x, [](Value v) { return reduce_max(v, {1}); }), (Doubles{3, 5}));
  EXPECT_EQ(over_rows(x, [](Value v) { return reduce_min(v, {1}); }), (Doubles{-2, 0}));
  EXPECT_EQ(over_rows(x, [](Value v) { return reduce_prod(v, {1}); }), (Doubles{-6, 0}));
  EXPECT_EQ(over_rows(x, [](Value v) { return reduce_mean(v, {1}); }), (Doubles{2.0 / 3, 3}));
  const auto flags = [](Value v) { return greater(v, v.builder->scalar(DType::f64, 0)); };
  EXPECT_EQ(over_rows(matrix({1, -1, 1, 1}), [&](Value v) { return reduce_all(flags(v), {1}); }),
            (Doubles{0, 1}));
  EXPECT_EQ(over_rows(matrix({1, -1, -1, -1}), [&](Value v) { return reduce_any(flags(v), {1}); }),
            (Doubles{1, 0}));
}

TEST(Reduce, NothingGivesTheNeutralElement) {
  const Tensor empty(DType::f64, {2, 0});
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(over_rows(empty, [](Value v) { return reduce_sum(v, {1}); }), (Doubles{0, 0}));
  EXPECT_EQ(over_rows(empty, [](Value v) { return reduce_prod(v, {1}); }), (Doubles{1, 1}));
  EXPECT_EQ(over_rows(empty, [](Value v) { return reduce_max(v, {1}); })[0], -kInfinity);
  EXPECT_EQ(over_rows(empty, [](Value v) { return reduce_min(v, {1}); })[0], kInfinity);
  EXPECT_TRUE(std::isnan(over_rows(empty, [](Value v) { return reduce_mean(v, {1}); })[0]));
}

TEST(Reduce, MeansOfHalfPrecisionDoNotOverflow) {
  const Tensor large = Tensor::of<float>({4}, std::vector<float>(4, 60000)).cast(DType::f16);
  const Tensor mean = computed({large}, [](Builder&, auto in) { return reduce_mean(in[0]); });
  EXPECT_EQ(mean.dtype(), DType::f16);
  EXPECT_EQ(mean.item(), 60000);
}

TEST(Reduce, GradientsOfSumAndMeanSpread) {
  const Tensor x = matrix({1, 2, 3, 4});
  const auto weighed = [](Value reduced) {
    return reduced * reduced.builder->constant(f64s({1, 10}));
  };
  EXPECT_EQ(gradient_of(x, [&](Value v) { return weighed(reduce_sum(v, {1})); }),
            (Doubles{1, 1, 10, 10}));
  EXPECT_EQ(gradient_of(x, [&](Value v) { return weighed(reduce_mean(v, {0})); }),
            (Doubles{0.5, 5, 0.5, 5}));
  EXPECT_EQ(gradient_of(x, [&](Value v) { return weighed(reduce_sum(v, {0}, true)); }),
            (Doubles{1, 10, 1, 10}));
}

TEST(Reduce, ExtremesShareTheGradientAmongTies) {
  EXPECT_EQ(gradient_of(matrix({1, 3, 3, 5, 4, 2}), [](Value v) { return reduce_max(v, {1}); }),
            (Doubles{0, 0.5, 0.5, 1, 0, 0}));
  EXPECT_EQ(gradient_of(matrix({1, 1, 3, 5, 4, 2}), [](Value v) { return reduce_min(v, {1}); }),
            (Doubles{0.5, 0.5, 0, 0, 0, 1}));
}

TEST(Reduce, GradientOfProductsIsExactAroundZeros) {
  const Tensor x = Tensor::of<double>({3, 3}, Doubles{2, 3, 4, 2, 0, 4, 0, 0, 4});
  EXPECT_EQ(gradient_of(x, [](Value v) { return reduce_prod(v, {1}); }),
            (Doubles{12, 8, 6, 0, 8, 0, 0, 0, 0}));
}

TEST(Reduce, IndicesOfExtremes) {
  const Tensor x = matrix({1, 3, 3, NAN, 4, 2});
  const auto index = [&](Value (*op)(Value, int64_t), int64_t axis) {
    return as_doubles(computed({x}, [&](Builder&, auto in) { return op(in[0], axis); }));
  };
  EXPECT_EQ(index(argmax, -1), (Doubles{1, 0}));  // the first of a tie; NaN wins
  EXPECT_EQ(index(argmin, -1), (Doubles{0, 0}));
  EXPECT_EQ(index(argmax, 0), (Doubles{1, 1, 0}));
}

TEST(Reduce, CumulativeSumAndItsGradient) {
  const Tensor x = matrix({1, 2, 3, 4, 5, 6});
  EXPECT_EQ(over_rows(x, [](Value v) { return cumulative_sum(v, 1); }),
            (Doubles{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(over_rows(x, [](Value v) { return cumulative_sum(v, -2); }),
            (Doubles{1, 2, 3, 5, 7, 9}));
  EXPECT_EQ(gradient_of(x, [](Value v) { return cumulative_sum(v, 1); }),
            (Doubles{3, 2, 1, 3, 2, 1}));
}

TEST(Reduce, NamedDimensions) {
  Builder builder(standard_ops());
  const Extent batch("batch");
  const Value x = builder.input("x", Type(DType::f32, {batch, 3, 4}));
  EXPECT_EQ(reduce_sum(x, {0}).shape(), (Shape{3, 4}));
  EXPECT_EQ(reduce_max(x, {1}, true).shape(), (Shape{batch, 1, 4}));
  EXPECT_EQ(reduce_mean(x, {0, 2}).shape(), (Shape{3}));
  EXPECT_EQ(argmax(x, 0).type(), Type(DType::i32, {3, 4}));
  EXPECT_EQ(cumulative_sum(x, 0).shape(), x.shape());
}

TEST(Reduce, GradientsBeforeTheBatchIsBound) {
  for (const auto& reduction : {reduce_sum, reduce_mean, reduce_max, reduce_min, reduce_prod}) {
    Builder builder(standard_ops());
    const Value x = builder.input("x", Type(DType::f64, {Extent("batch"), 2}));
    const Value loss = reduce_sum(reduction(x, {0}, false));
    const Graph graph = builder.finish({{"g", gradient(loss, std::vector{x})[0]}});
    const Tensor value = matrix({1, 2, 3, 4});
    const Tensor late = reference::evaluate(bind_dimensions(graph, {{"batch", 2}}), {{value}})[0];
    const Doubles early = gradient_of(value, [&](Value v) { return reduction(v, {0}, false); });
    EXPECT_EQ(as_doubles(late), early);
  }
}

TEST(Reduce, Refusals) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {2, 3}));
  const Value flags = builder.input("flags", Type(DType::boolean, {2, 3}));
  const Value empty = builder.input("empty", Type(DType::f32, {2, 0}));
  EXPECT_EQ(refusal([&] { reduce_sum(x, {2}); }), "[reduce_sum] axis 2 is out of range for rank 2");
  EXPECT_EQ(refusal([&] {
              reduce_sum(x, {1, -1});
            }),
            "[reduce_sum] axes [1, 1] are not strictly ascending");
  EXPECT_EQ(refusal([&] { reduce_sum(flags); }),
            "[reduce_sum] takes floating or integer elements, but operand 0 is bool[2, 3]");
  EXPECT_EQ(refusal([&] { reduce_any(x); }),
            "[reduce_any] takes bool elements, but operand 0 is f32[2, 3]");
  EXPECT_EQ(refusal([&] { argmax(x, 5); }), "[argmax] axis 5 is out of range for rank 2");
  EXPECT_EQ(refusal([&] { argmin(empty, 1); }), "[argmin] axis 1 of f32[2, 0] is empty");
  EXPECT_NE(refusal([&] { cumulative_sum(flags, 0); }), "");
}

}  // namespace
}  // namespace brisk::testing
