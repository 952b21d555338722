#include "brisk/ops/elementwise/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/ops/computed.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}
double positive_part(double x) {
  return x > 0 ? x : 0;
}
double hard_logistic(double x) {
  return std::clamp((x + 3) / 6, 0.0, 1.0);
}
double soft_plus(double x) {
  return std::log(1 + std::exp(x));
}
double sign_of(double x) {
  return x > 0 ? 1 : x < 0 ? -1 : x;
}

struct UnaryCase {
  const char* name;
  std::function<Value(Value)> op;
  std::function<double(double)> meaning;
};

void PrintTo(const UnaryCase& c, std::ostream* stream) {
  *stream << c.name;
}

class UnaryMeaning : public ::testing::TestWithParam<UnaryCase> {};

TEST_P(UnaryMeaning, IsThatOfItsFormula) {
  const std::vector<double> samples = {-5.5, -3, -1.5, -0.75, -0.25, 0, 0.25, 0.5, 1, 2.5, 3, 6.5};
  const Tensor result = computed(
      {f64s(samples)}, [&](Builder&, auto in) { return cast(GetParam().op(in[0]), DType::f64); });
  for (size_t i = 0; i < samples.size(); ++i) {
    const double expected = GetParam().meaning(samples[i]);
    const double given = result.get(static_cast<int64_t>(i));
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(given)) << samples[i];
    else if (std::isinf(expected))
      EXPECT_EQ(given, expected) << samples[i];
    else
      EXPECT_NEAR(given, expected, 1e-13 * std::max(1.0, std::fabs(expected))) << samples[i];
  }
}

// Formulas as their definitions state them, not as the ops compute them.
const UnaryCase kUnaryCases[] = {
    {"negate", negate, [](double x) { return -x; }},
    {"abs", [](Value x) { return abs(x); }, [](double x) { return std::fabs(x); }},
    {"sign", sign, sign_of},
    {"exp", [](Value x) { return exp(x); }, [](double x) { return std::exp(x); }},
    {"expm1", [](Value x) { return expm1(x); }, [](double x) { return std::expm1(x); }},
    {"log", [](Value x) { return log(x); }, [](double x) { return std::log(x); }},
    {"log1p", [](Value x) { return log1p(x); }, [](double x) { return std::log1p(x); }},
    {"sqrt", [](Value x) { return sqrt(x); }, [](double x) { return std::sqrt(x); }},
    {"rsqrt", rsqrt, [](double x) { return 1 / std::sqrt(x); }},
    {"reciprocal", reciprocal, [](double x) { return 1 / x; }},
    {"square", square, [](double x) { return x * x; }},
    {"sin", [](Value x) { return sin(x); }, [](double x) { return std::sin(x); }},
    {"cos", [](Value x) { return cos(x); }, [](double x) { return std::cos(x); }},
    {"tan", [](Value x) { return tan(x); }, [](double x) { return std::tan(x); }},
    {"tanh", [](Value x) { return tanh(x); }, [](double x) { return std::tanh(x); }},
    {"erf", [](Value x) { return erf(x); }, [](double x) { return std::erf(x); }},
    {"sigmoid", [](Value x) { return sigmoid(x); }, logistic},
    {"floor", [](Value x) { return floor(x); }, [](double x) { return std::floor(x); }},
    {"ceil", [](Value x) { return ceil(x); }, [](double x) { return std::ceil(x); }},
    {"round", [](Value x) { return round(x); }, [](double x) { return std::nearbyint(x); }},
    {"is_finite", [](Value x) { return is_finite(1.0 / x); }, [](double x) { return x != 0.0; }},
    {"relu", relu, positive_part},
    {"relu6", relu6, [](double x) { return std::clamp(x, 0.0, 6.0); }},
    {"leaky_relu", [](Value x) { return leaky_relu(x, 0.3); },
     [](double x) { return x > 0 ? x : 0.3 * x; }},
    {"leaky_relu_default", [](Value x) { return leaky_relu(x); },
     [](double x) { return x > 0 ? x : 0.2 * x; }},
    {"elu", [](Value x) { return elu(x, 0.5); },
     [](double x) { return x > 0 ? x : 0.5 * (std::exp(x) - 1); }},
    {"selu", selu,
     [](double x) {
       return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * (std::exp(x) - 1));
     }},
    {"gelu", [](Value x) { return gelu(x); },
     [](double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }},
    {"gelu_approximate", [](Value x) { return gelu(x, true); },
     [](double x) {
       return x / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * std::pow(x, 3))));
     }},
    {"silu", silu, [](double x) { return x * logistic(x); }},
    {"softplus", [](Value x) { return softplus(x); }, soft_plus},
    {"softsign", softsign, [](double x) { return x / (1 + std::fabs(x)); }},
    {"hard_sigmoid", [](Value x) { return hard_sigmoid(x); }, hard_logistic},
    {"hard_silu", hard_silu, [](double x) { return x * hard_logistic(x); }},
    {"mish", mish, [](double x) { return x * std::tanh(soft_plus(x)); }},
    {"clamp", [](Value x) { return clamp(x, -1, 2); },
     [](double x) { return std::clamp(x, -1.0, 2.0); }},
    {"stop_gradient", stop_gradient, [](double x) { return x; }},
    {"optimization_barrier", optimization_barrier, [](double x) { return x; }},
    {"cast_to_i32", [](Value x) { return cast(x, DType::i32); },
     [](double x) { return std::trunc(x); }},
};
INSTANTIATE_TEST_SUITE_P(, UnaryMeaning, ::testing::ValuesIn(kUnaryCases),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Elementwise, ActivationsKeepTheirTailsAndNaN) {
  const Tensor far = Tensor::of<float>({3}, std::vector<float>{-100, 100, NAN});
  const auto at = [&](Value (*op)(Value)) {
    return as_doubles(computed({far}, [&](Builder&, auto in) { return op(in[0]); }));
  };
  EXPECT_GT(at(softplus)[0], 0);  // exp(-100), not log(1 + exp(-100)) rounded to 0
  EXPECT_EQ(at(softplus)[1], 100);
  EXPECT_GT(at(sigmoid)[0], 0);
  EXPECT_EQ(at(mish)[1], 100);
  for (auto* op : {relu, relu6, selu, silu, softplus, softsign, hard_sigmoid, hard_silu, mish})
    EXPECT_TRUE(std::isnan(at(op)[2]));
}

TEST(Elementwise, BinaryOpsFollowTheirDefinitions) {
  const Tensor a = f64s({7, -7, 0, 2, -2, 3}), b = f64s({2, 2, 5, -3, 3, 3});
  const auto both = [&](Value (*op)(Value, Value)) {
    return as_doubles(
        computed({a, b}, [&](Builder&, auto in) { return cast(op(in[0], in[1]), DType::f64); }));
  };
  using Doubles = std::vector<double>;
  EXPECT_EQ(both(add), (Doubles{9, -5, 5, -1, 1, 6}));
  EXPECT_EQ(both(subtract), (Doubles{5, -9, -5, 5, -5, 0}));
  EXPECT_EQ(both(multiply), (Doubles{14, -14, 0, -6, -6, 9}));
  EXPECT_EQ(both(divide), (Doubles{3.5, -3.5, 0, 2 / -3.0, -2 / 3.0, 1}));
  EXPECT_EQ(both(remainder), (Doubles{1, -1, 0, 2, -2, 0}));
  EXPECT_EQ(both(pow), (Doubles{49, 49, 0, 0.125, -8, 27}));
  EXPECT_EQ(both(maximum), (Doubles{7, 2, 5, 2, 3, 3}));
  EXPECT_EQ(both(minimum), (Doubles{2, -7, 0, -3, -2, 3}));
  EXPECT_EQ(both(equal), (Doubles{0, 0, 0, 0, 0, 1}));
  EXPECT_EQ(both(not_equal), (Doubles{1, 1, 1, 1, 1, 0}));
  EXPECT_EQ(both(less), (Doubles{0, 1, 1, 0, 1, 0}));
  EXPECT_EQ(both(less_equal), (Doubles{0, 1, 1, 0, 1, 1}));
  EXPECT_EQ(both(greater), (Doubles{1, 0, 0, 1, 0, 0}));
  EXPECT_EQ(both(greater_equal), (Doubles{1, 0, 0, 1, 0, 1}));
  EXPECT_DOUBLE_EQ(both(atan2)[1], std::atan2(-7, 2));
  const Tensor sum =
      computed({a, b}, [](Builder&, auto in) { return fused_multiply_add(in[0], in[1], in[0]); });
  EXPECT_EQ(as_doubles(sum), (Doubles{21, -21, 0, -4, -8, 12}));
}

TEST(Elementwise, LogicOnBoolsAndBits) {
  const Tensor a = Tensor::of<uint8_t>({2}, std::vector<uint8_t>{0b1100, 255});
  const Tensor b = Tensor::of<uint8_t>({2}, std::vector<uint8_t>{0b1010, 9});
  const auto bits = [&](Value (*op)(Value, Value)) {
    return as_doubles(computed({a, b}, [&](Builder&, auto in) { return op(in[0], in[1]); }));
  };
  using Doubles = std::vector<double>;
  EXPECT_EQ(bits(bitwise_and), (Doubles{0b1000, 9}));
  EXPECT_EQ(bits(bitwise_or), (Doubles{0b1110, 255}));
  EXPECT_EQ(bits(bitwise_xor), (Doubles{0b0110, 246}));
  EXPECT_EQ(bits(shift_left), (Doubles{0, 0}));  // by 10 and by 9: more than the width
  EXPECT_EQ(bits(shift_right), (Doubles{0, 0}));
  EXPECT_EQ(as_doubles(computed({a}, [](Builder&, auto in) { return bitwise_not(in[0]); })),
            (Doubles{0b11110011, 0}));
  const auto truth = [&](Value (*op)(Value, Value)) {
    const Tensor c = f64s({0, 0, 1, 1}), d = f64s({0, 1, 0, 1});
    return as_doubles(computed({c, d}, [&](Builder&, auto in) {
      return op(cast(in[0], DType::boolean), cast(in[1], DType::boolean));
    }));
  };
  EXPECT_EQ(truth(logical_and), (Doubles{0, 0, 0, 1}));
  EXPECT_EQ(truth(logical_or), (Doubles{0, 1, 1, 1}));
  EXPECT_EQ(truth(logical_xor), (Doubles{0, 1, 1, 0}));
  EXPECT_EQ(truth([](Value a, Value) { return logical_not(a); }), (Doubles{1, 1, 0, 0}));
}

TEST(Elementwise, GradientsAtBends) {
  using Doubles = std::vector<double>;
  const auto slope_of = [](Value (*op)(Value), std::vector<double> at) {
    return as_doubles(gradients({f64s(at)}, [&](Builder&, auto in) { return op(in[0]); })[0]);
  };
  EXPECT_EQ(slope_of(relu, {-1, 0, 1}), (Doubles{0, 0, 1}));
  EXPECT_EQ(slope_of(relu6, {0, 3, 6, 7}), (Doubles{0, 1, 0, 0}));
  EXPECT_EQ(slope_of(abs, {-2, 0, 2}), (Doubles{-1, 0, 1}));
  EXPECT_EQ(slope_of([](Value x) { return clamp(x, -1, 1); }, {-2, -1, 0, 1, 2}),
            (Doubles{0, 1, 1, 1, 0}));
  EXPECT_EQ(slope_of(floor, {0.5}), Doubles{0});
  EXPECT_EQ(slope_of(stop_gradient, {3}), Doubles{0});
  EXPECT_EQ(slope_of([](Value x) { return x * stop_gradient(x); }, {3}), Doubles{3});
  EXPECT_EQ(slope_of(sqrt, {4}), Doubles{0.25});
}

TEST(Elementwise, NegativeSlopesAreToldApartByTheOperand) {
  using Doubles = std::vector<double>;
  const Tensor x = f64s({-2, 2});
  EXPECT_EQ(
      as_doubles(gradients({x}, [](Builder&, auto in) { return leaky_relu(in[0], -0.5); })[0]),
      (Doubles{-0.5, 1}));
  const Doubles slopes =
      as_doubles(gradients({x}, [](Builder&, auto in) { return elu(in[0], -0.5); })[0]);
  EXPECT_DOUBLE_EQ(slopes[0], -0.5 * std::exp(-2));
  EXPECT_EQ(slopes[1], 1);
}

TEST(Elementwise, TiesShareTheGradient) {
  using Doubles = std::vector<double>;
  using Binary = Value (*)(Value, Value);
  const auto shares = [](Binary op) {
    return gradients({f64s({1, 2, 3}), f64s({2, 2, 2})},
                     [op](Builder&, auto in) { return op(in[0], in[1]); });
  };
  EXPECT_EQ(as_doubles(shares(maximum)[0]), (Doubles{0, 0.5, 1}));
  EXPECT_EQ(as_doubles(shares(maximum)[1]), (Doubles{1, 0.5, 0}));
  EXPECT_EQ(as_doubles(shares(minimum)[0]), (Doubles{1, 0.5, 0}));
  EXPECT_EQ(as_doubles(shares(minimum)[1]), (Doubles{0, 0.5, 1}));
}

TEST(Elementwise, GradientsOfPowersStayFinite) {
  using Doubles = std::vector<double>;
  const auto slopes = gradients({f64s({0, 0, -2, 3}), f64s({0, 1, 2, 0})},
                                [](Builder&, auto in) { return pow(in[0], in[1]); });
  EXPECT_EQ(as_doubles(slopes[0]), (Doubles{0, 1, -4, 0}));
  EXPECT_EQ(as_doubles(slopes[1]), (Doubles{0, 0, 0, std::log(3.0)}));
}

TEST(Elementwise, GradientsOfBroadcastOperandsAreSummed) {
  using Doubles = std::vector<double>;
  const auto g = gradients({Tensor::of<double>({2, 3}, Doubles{1, 2, 3, 4, 5, 6}),
                            f64s({1, 10, 100}), Tensor::of<double>({2, 1}, Doubles{2, 3})},
                           [](Builder&, auto in) { return in[0] * in[1] * in[2]; });
  EXPECT_EQ(as_doubles(g[1]), (Doubles{2 + 12, 4 + 15, 6 + 18}));
  EXPECT_EQ(as_doubles(g[2]), (Doubles{321, 654}));
  EXPECT_EQ(g[2].sizes(), (std::vector<int64_t>{2, 1}));
}

TEST(Elementwise, CastsPassGradientsBetweenFloatsOnly) {
  const Tensor x = Tensor::of<float>({1}, std::vector<float>{3});
  const auto g = gradients({x}, [](Builder&, auto in) {
    return cast(cast(in[0], DType::i32), DType::f64) + cast(in[0], DType::f64) * 2.0;
  });
  EXPECT_EQ(g[0].dtype(), DType::f32);
  EXPECT_EQ(g[0].get(0), 2);
}

TEST(Elementwise, NamedDimensionsBroadcastByName) {
  Builder builder(standard_ops());
  const Shape rows{Extent("batch"), 4};
  const Value x = builder.input("x", Type(DType::f32, rows));
  const Value one = builder.input("one", Type(DType::f32, {1, 4}));
  const Value bias = builder.input("bias", Type(DType::f32, {4}));
  EXPECT_EQ((x + bias).shape(), rows);
  EXPECT_EQ((one * x).shape(), rows);
  EXPECT_EQ((2.0 * x).shape(), rows);
  const Value other = builder.input("other", Type(DType::f32, {Extent("time"), 4}));
  const std::string message = refusal([&] { x + other; });
  EXPECT_NE(message.find("[add]"), std::string::npos) << message;
  EXPECT_NE(message.find("[batch, 4]"), std::string::npos) << message;
  EXPECT_NE(message.find("[time, 4]"), std::string::npos) << message;
}

TEST(Elementwise, RefusalsNameTheOpAndBothTypes) {
  Builder builder(standard_ops());
  const Value a = builder.input("a", Type(DType::f32, {2, 3}));
  const Value b = builder.input("b", Type(DType::f32, {2, 4}));
  const Value i = builder.input("i", Type(DType::i32, {2, 3}));
  const Value p = builder.input("p", Type(DType::boolean, {2, 3}));
  EXPECT_EQ(refusal([&] { a + b; }), "[add] shapes [2, 3] and [2, 4] do not broadcast: 3 meets 4");
  EXPECT_EQ(refusal([&] { a* i; }),
            "[multiply] mixes element types f32 and i32; cast one operand to the other's");
  EXPECT_EQ(refusal([&] { exp(i); }), "[exp] takes floating elements, but operand 0 is i32[2, 3]");
  EXPECT_EQ(refusal([&] {
              builder.emit_one("add", {a, b});
            }),
            "[add] operands 0 and 1 differ in shape: f32[2, 3] and f32[2, 4]");
  EXPECT_EQ(refusal([&] {
              builder.emit_one("less", {a, i});
            }),
            "[less] operands 0 and 1 differ in element type: f32[2, 3] and i32[2, 3]");
  EXPECT_EQ(refusal([&] { select(a, a, a); }),
            "[select] takes bool elements, but operand 0 is f32[2, 3]");
  EXPECT_NE(refusal([&] { select(p, a, i); }), "");
  EXPECT_NE(refusal([&] { p + p; }), "");
  EXPECT_NE(refusal([&] { logical_and(i, i); }), "");
  EXPECT_NE(refusal([&] { shift_left(a, a); }), "");
  EXPECT_EQ(refusal([&] { clamp(a, 2, 1); }), "[clamp] low 2 is above high 1");
  EXPECT_EQ(refusal([&] { i * 0.5; }), "the number 0.5 beside a value of type i32 is not whole");
  EXPECT_EQ(refusal([&] { relu(Value()); }), "[relu] its operand is not defined");
  const Value quantized = builder.input("q", TensorType{DType::i8, {2}, Quantization{{0.5}, {0}}});
  EXPECT_EQ(refusal([&] { negate(quantized); }),
            "[negate] operand 0 is quantized; dequantize it first");
}

TEST(Elementwise, CastToItsOwnTypeIsTheValueItself) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {2}));
  EXPECT_EQ(cast(x, DType::f32), x);
  EXPECT_EQ(cast(x, DType::bf16).type(), Type(DType::bf16, {2}));
}

TEST(Elementwise, SpecialValuesOfExtremes) {
  const Tensor a = f64s({kNaN, 1, -kInfinity}), b = f64s({1, kNaN, kInfinity});
  const auto top =
      as_doubles(computed({a, b}, [](Builder&, auto in) { return maximum(in[0], in[1]); }));
  EXPECT_TRUE(std::isnan(top[0]) && std::isnan(top[1]));
  EXPECT_EQ(top[2], kInfinity);
}

}  // namespace
}  // namespace brisk::testing
