#include "brisk/ops/tflite/tflite.h"

#include <gtest/gtest.h>

#include "brisk/ops/tflite/fixed_point.h"
#include "tests/ops/computed.h"
#include "tests/support/refusal.h"

namespace brisk::testing {
namespace {

TEST(FixedPoint, FactorsAreTheNearest) {
  for (const auto& [real, mantissa, shift] : {std::tuple(1.0, 1 << 30, 1),
                                              {0.5, 1 << 30, 0},
                                              {3.0, 3 << 29, 2},
                                              {0.0, 0, 0},
                                              {0x1p-32, 1 << 30, -31},
                                              {0x1p-34, 0, 0},
                                              {1 - 0x1p-40, 1 << 30, 1}}) {
    const FixedPointFactor factor = fixed_point_factor(real);
    EXPECT_EQ(factor.mantissa, mantissa) << real;
    EXPECT_EQ(factor.shift, shift) << real;
  }
}

TEST(FixedPoint, GraphsSplitFactorsAsTheHostDoes) {
  std::vector<double> reals = {0,           1,      0.5,        0.75, 0x1p-32, 0x1p-33, 0x1p-60,
                               1 - 0x1p-40, 0x1p30, 0x1p31 - 1, 1e9,  1e-9,    0.3,     3.7e-5};
  for (int i = -40; i < 31; ++i) reals.push_back(std::ldexp(1.2345678901234 + 0.01 * i, i - 1));
  const Tensor input = f64s(reals);
  for (const bool of_mantissa : {true, false}) {
    const Tensor found = computed({input}, [&](Builder&, std::span<const Value> in) {
      const FixedPointFactors factors = fixed_point_factors(in[0]);
      return of_mantissa ? factors.mantissa : factors.shift;
    });
    for (size_t i = 0; i < reals.size(); ++i) {
      const FixedPointFactor factor = fixed_point_factor(reals[i]);
      EXPECT_EQ(found.get(static_cast<int64_t>(i)), of_mantissa ? factor.mantissa : factor.shift)
          << reals[i];
    }
  }
}

TEST(FixedPoint, RoundsHalfwayCasesByItsRules) {
  EXPECT_EQ(high_product(1, 1 << 30), 1);    // 1/2, up
  EXPECT_EQ(high_product(-1, 1 << 30), 0);   // -1/2, up
  EXPECT_EQ(high_product(-3, 1 << 30), -1);  // -3/2, up
  EXPECT_EQ(high_product(INT32_MIN, INT32_MIN), INT32_MAX);
  EXPECT_EQ(rounded_shift(3, 1), 2);
  EXPECT_EQ(rounded_shift(-3, 1), -2);  // away from zero
  EXPECT_EQ(rounded_shift(-5, 0), -5);
  EXPECT_EQ(rounded_shift(INT32_MAX, 31), 1);
  EXPECT_EQ(scaled(100, fixed_point_factor(2.5)), 250);
  EXPECT_EQ(scaled(-7, fixed_point_factor(0.5)), -3);  // -3.5 up, then exact
}

TEST(TfliteSoftmax, ManyEqualPlacesShareNothing) {
  // A sum of 512 and more, where LiteRT's kernel gives up: each place is less than half a step.
  const Tensor y =
      computed({Tensor::zeros(DType::i8, {1, 1000})}, [](Builder&, std::span<const Value> in) {
        return tflite_softmax(in[0], {.input_scale = 0.1});
      });
  for (int64_t i = 0; i < 1000; ++i) EXPECT_EQ(y.get(i), -128);
}

template <typename Build>
std::string refused(std::vector<Tensor> operands, Build build) {
  return refusal(
      [&] { computed(operands, [&](Builder&, std::span<const Value> in) { return build(in); }); });
}

void expect_part(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(TfliteOps, SayWhatTheyDoNotTake) {
  const Tensor i8(DType::i8, {2, 4}), i16(DType::i16, {2, 4}), f32(DType::f32, {2, 4});
  const auto add = [](TfliteBinaryAttributes attributes) {
    return [attributes](std::span<const Value> in) { return tflite_add(in[0], in[1], attributes); };
  };
  expect_part(refused({f32, f32}, add({})), "[tflite_add] takes i8, u8 or i16, not f32");
  expect_part(refused({i8, i16}, add({})), "[tflite_add]");
  expect_part(refused({i8, i8}, add({.lhs_scale = 0})),
              "[tflite_add] the lhs scale is 0, but must be positive and finite as f32");
  expect_part(refused({i8, i8}, add({.rhs_zero_point = 128})),
              "[tflite_add] the rhs zero point 128 is no value of i8");
  expect_part(refused({i16, i16}, add({.output = {.output_zero_point = 1}})),
              "[tflite_add] the output zero point of i16 is 1, but must be 0");
  expect_part(refused({i8, i8}, add({.output = {.output_scale = 1e-9}})),
              "[tflite_add] the output scale 1e-09 is too fine");

  expect_part(refused({i8},
                      [](std::span<const Value> in) {
                        return tflite_requantize(in[0], {.input = {.input_scale = 1e5},
                                                         .output = {.output_scale = 1e-5}});
                      }),
              "[tflite_requantize] the output scale is too fine");
  expect_part(
      refused({i8},
              [](std::span<const Value> in) { return tflite_mean(in[0], {.reduce = {{2}}}); }),
      "[tflite_mean]");

  expect_part(refused({f32}, [](std::span<const Value> in) { return tflite_logistic(in[0], {}); }),
              "[tflite_logistic] takes i8, u8 or i16, not f32");
  expect_part(refused({Tensor(DType::i8, {1, 4096})},
                      [](std::span<const Value> in) { return tflite_softmax(in[0], {}); }),
              "has more places than its sums have room for, 4095");
  expect_part(refused({i8},
                      [](std::span<const Value> in) {
                        return tflite_softmax(in[0], {.input_scale = 1e-9});
                      }),
              "[tflite_softmax] beta 1 times the input scale 1e-09 is not above 2^-26");
  expect_part(
      refused({Tensor(DType::i8, {1, 4, 4, 1})},
              [](std::span<const Value> in) {
                return tflite_average_pool(in[0], {.window = {{2, 2}, {1, 1}, {2, 0}, {0, 0}}});
              }),
      "smaller than the window 2");
  const Tensor filter(DType::i8, {4, 3}), bias(DType::i32, {3}), factor(DType::f64, {3});
  const auto dot = [](std::span<const Value> in) { return tflite_dot(in, {}); };
  expect_part(refused({i8, filter, bias, Tensor(DType::f32, {3})}, dot),
              "[tflite_dot] the factor must be f64[3], but is f32[3]");
  expect_part(refused({f32, filter, bias, factor}, dot),
              "[tflite_dot] multiplies i8 or i16 with i8, not f32 with i8");
  expect_part(refused({Tensor(DType::i8, {2, 5}), filter, bias, factor}, dot),
              "[tflite_dot] multiplies [..., m, k] with [k, n]");
}

}  // namespace
}  // namespace brisk::testing
