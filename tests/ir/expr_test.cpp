#include "brisk/ir/expr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "brisk/base/error.h"

namespace brisk {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Evaluates an expression on scalars, line by line.
Scalar run(const Expr& expr, std::vector<Scalar> inputs) {
  const ScalarProgram program = flatten(expr);
  std::vector<Scalar> lines;
  for (const ScalarInstruction& line : program) {
    if (line.op == ScalarOp::input) {
      lines.push_back(inputs[static_cast<size_t>(line.index)]);
      continue;
    }
    std::vector<Scalar> operands;
    for (const int32_t operand : line.operands)
      if (operand >= 0) operands.push_back(lines[static_cast<size_t>(operand)]);
    const int32_t typed = line.operands[line.op == ScalarOp::select ? 1 : 0];
    const DType type = typed < 0 ? line.type : program[static_cast<size_t>(typed)].type;
    lines.push_back(evaluate(line, type, operands));
  }
  return lines.back();
}

double on_float(Expr (*f)(Expr), DType type, double x) {
  return run(f(Expr::input(0, type)), {{.value = x}}).value;
}

double on_floats(ScalarOp op, DType type, double a, double b) {
  return run(Expr::make(op, {Expr::input(0, type), Expr::input(1, type)}),
             {{.value = a}, {.value = b}})
      .value;
}

int64_t on_integers(ScalarOp op, DType type, int64_t a, int64_t b) {
  return static_cast<int64_t>(
      run(Expr::make(op, {Expr::input(0, type), Expr::input(1, type)}),
          {{.bits = static_cast<uint64_t>(a)}, {.bits = static_cast<uint64_t>(b)}})
          .bits);
}

int64_t to_integer(DType from, double x, DType to) {
  return static_cast<int64_t>(run(Expr::input(0, from).cast(to), {{.value = x}}).bits);
}

bool same(double a, double b) {
  return a == b || (std::isnan(a) && std::isnan(b));
}

struct FloatFunction {
  const char* name;
  Expr (*expr)(Expr);
  float (*in_float)(float);
  double (*in_double)(double);
};

TEST(Expr, FloatFunctionsAreTheStandardLibrarysInTheirPrecision) {
  const FloatFunction functions[] = {
      {"exp", exp, std::exp, std::exp},     {"expm1", expm1, std::expm1, std::expm1},
      {"log", log, std::log, std::log},     {"log1p", log1p, std::log1p, std::log1p},
      {"sqrt", sqrt, std::sqrt, std::sqrt}, {"sin", sin, std::sin, std::sin},
      {"cos", cos, std::cos, std::cos},     {"tan", tan, std::tan, std::tan},
      {"tanh", tanh, std::tanh, std::tanh}, {"erf", erf, std::erf, std::erf},
      {"abs", abs, std::fabs, std::fabs},   {"floor", floor, std::floor, std::floor},
      {"ceil", ceil, std::ceil, std::ceil}, {"round_even", round_even, std::rint, std::rint},
  };
  for (const FloatFunction& f : functions) {
    for (const double x : {-kInfinity, -100.5, -2.5, -1.0, -0.3, -0.0, 0.0, 1e-30, 0.5, 1.5, 2.5,
                           88.9, 1e30, kInfinity, kNaN}) {
      const auto x32 = static_cast<float>(x);
      EXPECT_TRUE(same(on_float(f.expr, DType::f64, x), f.in_double(x))) << f.name << " " << x;
      EXPECT_TRUE(same(on_float(f.expr, DType::f32, x32), f.in_float(x32))) << f.name << " " << x;
    }
  }
}

TEST(Expr, F32RoundsAfterEveryOperation) {
  // 2^24 + 1 is no f32: in double the sum would be 2^24 + 2.
  const Expr x = Expr::input(0, DType::f32);
  EXPECT_EQ(run(x + 1.0 + 1.0, {{.value = 16777216.0}}).value, 16777216.0);
  const Expr wide = Expr::input(0, DType::f64);
  EXPECT_EQ(run(wide + 1.0 + 1.0, {{.value = 16777216.0}}).value, 16777218.0);
  EXPECT_EQ(on_floats(ScalarOp::multiply, DType::f32, 1e30f, 1e30f), kInfinity);
  EXPECT_EQ(Expr::constant(DType::f32, 0.1).node().value, static_cast<double>(0.1f));
}

TEST(Expr, ExtremesOfFloatsAreNaNIfEitherIs) {
  for (const DType type : {DType::f32, DType::f64}) {
    EXPECT_TRUE(std::isnan(on_floats(ScalarOp::maximum, type, kNaN, 1)));
    EXPECT_TRUE(std::isnan(on_floats(ScalarOp::maximum, type, 1, kNaN)));
    EXPECT_TRUE(std::isnan(on_floats(ScalarOp::minimum, type, kNaN, 1)));
    EXPECT_TRUE(std::isnan(on_floats(ScalarOp::minimum, type, 1, kNaN)));
    EXPECT_EQ(on_floats(ScalarOp::maximum, type, -kInfinity, 3), 3);
    EXPECT_EQ(on_floats(ScalarOp::minimum, type, -kInfinity, 3), -kInfinity);
  }
}

TEST(Expr, FloatBinaryOperations) {
  EXPECT_EQ(on_floats(ScalarOp::remainder, DType::f64, -7.5, 2), -1.5);
  EXPECT_EQ(on_floats(ScalarOp::remainder, DType::f64, 7.5, -2), 1.5);
  EXPECT_TRUE(std::isnan(on_floats(ScalarOp::remainder, DType::f32, 1, 0)));
  EXPECT_EQ(on_floats(ScalarOp::divide, DType::f32, -1, 0), -kInfinity);
  EXPECT_EQ(on_floats(ScalarOp::power, DType::f32, 2, -2), 0.25);
  EXPECT_TRUE(std::isnan(on_floats(ScalarOp::power, DType::f64, -2, 0.5)));
  EXPECT_EQ(on_floats(ScalarOp::atan2, DType::f64, 0, -1), std::atan2(0.0, -1.0));
}

template <typename T>
class IntegerSemantics : public ::testing::Test {};
using IntegerTypes =
    ::testing::Types<int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t>;
TYPED_TEST_SUITE(IntegerSemantics, IntegerTypes);

// Against C++ computed modulo 2^64 and converted to the type, which wraps.
TYPED_TEST(IntegerSemantics, WrapsAtTheTypesWidth) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  constexpr DType type = dtype_of<T>();
  const T samples[] = {Limits::lowest(),
                       T(Limits::lowest() + 1),
                       T(-1),
                       T(0),
                       T(1),
                       T(2),
                       T(7),
                       T(Limits::max() - 1),
                       Limits::max()};
  for (const T a : samples) {
    for (const T b : samples) {
      const auto wide_a = static_cast<uint64_t>(a), wide_b = static_cast<uint64_t>(b);
      const auto result = [&](ScalarOp op) {
        return on_integers(op, type, static_cast<int64_t>(a), static_cast<int64_t>(b));
      };
      const auto expect = [&](ScalarOp op, T value) {
        EXPECT_EQ(result(op), static_cast<int64_t>(value)) << name(op) << " " << +a << " " << +b;
      };
      expect(ScalarOp::add, static_cast<T>(wide_a + wide_b));
      expect(ScalarOp::subtract, static_cast<T>(wide_a - wide_b));
      expect(ScalarOp::multiply, static_cast<T>(wide_a * wide_b));
      expect(ScalarOp::maximum, std::max(a, b));
      expect(ScalarOp::minimum, std::min(a, b));
      expect(ScalarOp::bit_and, static_cast<T>(a & b));
      expect(ScalarOp::bit_or, static_cast<T>(a | b));
      expect(ScalarOp::bit_xor, static_cast<T>(a ^ b));
      const bool overflows = Limits::is_signed && a == Limits::lowest() && b == T(-1);
      expect(ScalarOp::divide, b == 0 ? T(0) : overflows ? a : static_cast<T>(a / b));
      expect(ScalarOp::remainder, b == 0 || overflows ? T(0) : static_cast<T>(a % b));
      EXPECT_EQ(result(ScalarOp::less), a < b);
      EXPECT_EQ(result(ScalarOp::less_equal), a <= b);
      EXPECT_EQ(result(ScalarOp::equal), a == b);
      EXPECT_EQ(result(ScalarOp::not_equal), a != b);
    }
  }
}

TYPED_TEST(IntegerSemantics, ShiftsByTheWidthAndMore) {
  using T = TypeParam;
  constexpr DType type = dtype_of<T>();
  const int width = bits(type);
  const T lowest = std::numeric_limits<T>::lowest(), highest = std::numeric_limits<T>::max();
  const auto shifted = [&](ScalarOp op, T a, int by) {
    return on_integers(op, type, static_cast<int64_t>(a), by);
  };
  EXPECT_EQ(shifted(ScalarOp::shift_left, T(1), width), 0);
  EXPECT_EQ(shifted(ScalarOp::shift_left, T(3), width - 1),
            static_cast<int64_t>(static_cast<T>(uint64_t{3} << (width - 1))));
  EXPECT_EQ(shifted(ScalarOp::shift_right, highest, 1), static_cast<int64_t>(highest / 2));
  EXPECT_EQ(shifted(ScalarOp::shift_right, highest, width), 0);
  const int64_t sign = std::numeric_limits<T>::is_signed ? -1 : 0;
  EXPECT_EQ(shifted(ScalarOp::shift_right, lowest, width), sign);
  if (std::numeric_limits<T>::is_signed) {
    EXPECT_EQ(shifted(ScalarOp::shift_right, T(-5), 1), -3);  // rounds down
    EXPECT_EQ(shifted(ScalarOp::shift_left, T(1), -1), 0);    // a negative count is a large one
  }
}

TYPED_TEST(IntegerSemantics, CastsFromFloatsSaturate) {
  using T = TypeParam;
  using Limits = std::numeric_limits<T>;
  constexpr DType type = dtype_of<T>();
  for (const DType from : {DType::f32, DType::f64}) {
    EXPECT_EQ(to_integer(from, 1e30, type), static_cast<int64_t>(Limits::max()));
    EXPECT_EQ(to_integer(from, kInfinity, type), static_cast<int64_t>(Limits::max()));
    EXPECT_EQ(to_integer(from, -1e30, type), static_cast<int64_t>(Limits::lowest()));
    EXPECT_EQ(to_integer(from, kNaN, type), 0);
    EXPECT_EQ(to_integer(from, 2.9, type), 2);
    EXPECT_EQ(to_integer(from, -2.9, type), Limits::is_signed ? -2 : 0);
    const double beyond = std::ldexp(1.0, Limits::digits);  // the first value that does not fit
    EXPECT_EQ(to_integer(from, beyond, type), static_cast<int64_t>(Limits::max()));
    EXPECT_EQ(to_integer(from, -beyond, type), static_cast<int64_t>(Limits::lowest()));
  }
}

TEST(Expr, IntegerPower) {
  EXPECT_EQ(on_integers(ScalarOp::power, DType::i32, 3, 4), 81);
  EXPECT_EQ(on_integers(ScalarOp::power, DType::i32, -2, 31), std::numeric_limits<int32_t>::min());
  EXPECT_EQ(on_integers(ScalarOp::power, DType::i8, 2, 8), 0);
  EXPECT_EQ(on_integers(ScalarOp::power, DType::i32, 2, -1), 0);
  EXPECT_EQ(on_integers(ScalarOp::power, DType::i32, 0, 0), 1);
  EXPECT_EQ(on_integers(ScalarOp::power, DType::u8, 3, 255), 171);  // 3^255 mod 256
}

TEST(Expr, NegationAndMagnitudeOfTheLowestIntegerWrap) {
  const Expr x = Expr::input(0, DType::i8);
  const Scalar lowest{.bits = static_cast<uint64_t>(-128)};
  EXPECT_EQ(static_cast<int64_t>(run(-x, {lowest}).bits), -128);
  EXPECT_EQ(static_cast<int64_t>(run(abs(x), {lowest}).bits), -128);
  EXPECT_EQ(static_cast<int64_t>(run(bit_not(x), {lowest}).bits), 127);
}

TEST(Expr, FourBitIntegersWrapToo) {
  EXPECT_EQ(on_integers(ScalarOp::add, DType::i4, 7, 1), -8);
  EXPECT_EQ(on_integers(ScalarOp::multiply, DType::i4, 5, 5), -7);
  EXPECT_EQ(to_integer(DType::f32, 100, DType::i4), 7);
  EXPECT_EQ(to_integer(DType::f32, -100, DType::i4), -8);
}

TEST(Expr, CastsBetweenIntegersWrapAndExtend) {
  const auto cast_bits = [](DType from, int64_t value, DType to) {
    return static_cast<int64_t>(
        run(Expr::input(0, from).cast(to), {{.bits = static_cast<uint64_t>(value)}}).bits);
  };
  EXPECT_EQ(cast_bits(DType::i32, 300, DType::u8), 44);
  EXPECT_EQ(cast_bits(DType::i32, 200, DType::i8), -56);
  EXPECT_EQ(cast_bits(DType::i8, -1, DType::u32), 0xffffffff);
  EXPECT_EQ(cast_bits(DType::u32, 0xffffffff, DType::i64), 0xffffffff);
  EXPECT_EQ(cast_bits(DType::i32, 256, DType::boolean), 1);  // != 0, not the low bits
  EXPECT_EQ(cast_bits(DType::boolean, 1, DType::i16), 1);
}

TEST(Expr, CastsToFloatsRoundOnce) {
  // Through double, 2^24 + 1 + 2^-30-like tails of 64-bit integers would be rounded twice.
  const int64_t value = (int64_t{1} << 54) + (int64_t{1} << 30) + 1;
  const Expr narrow = Expr::input(0, DType::i64).cast(DType::f32);
  EXPECT_EQ(run(narrow, {{.bits = static_cast<uint64_t>(value)}}).value,
            static_cast<double>(static_cast<float>(value)));
  const Expr large = Expr::input(0, DType::u64).cast(DType::f64);
  EXPECT_EQ(run(large, {{.bits = UINT64_MAX}}).value, static_cast<double>(UINT64_MAX));
  const Expr shorter = Expr::input(0, DType::f64).cast(DType::f32);
  EXPECT_EQ(run(shorter, {{.value = 0.1}}).value, static_cast<double>(0.1f));
  EXPECT_EQ(run(shorter, {{.value = 1e300}}).value, kInfinity);
}

TEST(Expr, CastsOfFloatsToBoolAskWhetherTheyAreZero) {
  EXPECT_EQ(to_integer(DType::f32, 0.25, DType::boolean), 1);
  EXPECT_EQ(to_integer(DType::f32, -0.0, DType::boolean), 0);
  EXPECT_EQ(to_integer(DType::f32, kNaN, DType::boolean), 1);
}

TEST(Expr, ComparisonsWithNaNAreFalseButNotEqual) {
  for (const ScalarOp op : {ScalarOp::equal, ScalarOp::less, ScalarOp::less_equal}) {
    const Expr expr = Expr::make(op, {Expr::input(0, DType::f32), Expr::input(1, DType::f32)});
    EXPECT_EQ(expr.type(), DType::boolean);
    EXPECT_EQ(run(expr, {{.value = kNaN}, {.value = 1}}).bits, 0u) << name(op);
    EXPECT_EQ(run(expr, {{.value = 1}, {.value = kNaN}}).bits, 0u) << name(op);
  }
  const Expr x = Expr::input(0, DType::f32);
  EXPECT_EQ(run(not_equal(x, x), {{.value = kNaN}}).bits, 1u);
  EXPECT_EQ(run(is_finite(x), {{.value = kNaN}}).bits, 0u);
  EXPECT_EQ(run(is_finite(x), {{.value = -kInfinity}}).bits, 0u);
  EXPECT_EQ(run(is_finite(x), {{.value = 3e38}}).bits, 1u);
}

TEST(Expr, SelectTakesOneSide) {
  const Expr c = Expr::input(0, DType::boolean);
  const Expr expr = select(c, Expr::input(1, DType::f32), Expr::input(2, DType::f32));
  EXPECT_EQ(run(expr, {{.bits = 1}, {.value = 5}, {.value = kNaN}}).value, 5);
  EXPECT_EQ(run(expr, {{.bits = 0}, {.value = kNaN}, {.value = 7}}).value, 7);
}

TEST(Expr, SigmoidKeepsItsTails) {
  EXPECT_EQ(on_float(sigmoid, DType::f32, 0), 0.5);
  EXPECT_EQ(on_float(sigmoid, DType::f32, 1000), 1);
  EXPECT_EQ(on_float(sigmoid, DType::f32, -1000), 0);
  EXPECT_NEAR(on_float(sigmoid, DType::f32, -80) / std::exp(-80.0), 1, 1e-6);
  EXPECT_NEAR(on_float(sigmoid, DType::f64, -700) / std::exp(-700.0), 1, 1e-12);
  EXPECT_TRUE(std::isnan(on_float(sigmoid, DType::f32, kNaN)));
}

TEST(Expr, IntegerConstantsAreExactAndWrapped) {
  EXPECT_EQ(Expr::integer(DType::u64, UINT64_MAX).node().bits, UINT64_MAX);
  EXPECT_EQ(Expr::integer(DType::u8, 300).node().bits, 44u);
  EXPECT_EQ(Expr::constant(DType::i32, 1e30).node().bits, uint64_t{0x7fffffff});
  EXPECT_EQ(Expr::constant(DType::boolean, 3).node().bits, 1u);
}

TEST(Expr, FlattenSharesEqualSubexpressions) {
  const Expr x = Expr::input(0, DType::f32);
  const Expr again = Expr::input(0, DType::f32);
  // (x + 1) occurs twice as different nodes: x, 1, x + 1, their product.
  const ScalarProgram program = flatten((x + 1.0) * (again + 1.0));
  ASSERT_EQ(program.size(), 4u);
  EXPECT_EQ(program[3].op, ScalarOp::multiply);
  EXPECT_EQ(program[3].operands[0], program[3].operands[1]);
  for (size_t i = 0; i < program.size(); ++i)
    for (const int32_t operand : program[i].operands) EXPECT_LT(operand, static_cast<int32_t>(i));
}

TEST(Expr, FlattenKeepsWhatDiffersApart) {
  const Expr x = Expr::input(0, DType::f32);
  // 0 and -0 are equal numbers but different constants.
  EXPECT_EQ(flatten((x + 0.0) * (x + -0.0)).size(), 6u);
  EXPECT_EQ(flatten(Expr::input(0, DType::i32).cast(DType::f32) + x).size(), 4u);
  EXPECT_EQ(flatten(Expr::coordinate(0) + Expr::coordinate(1)).size(), 3u);
}

TEST(Expr, FlattenIsLinearInSharedGraphs) {
  Expr x = Expr::input(0, DType::f64);
  for (int i = 0; i < 200; ++i) x = x + x;  // 2^200 paths
  EXPECT_EQ(flatten(x).size(), 201u);
}

TEST(Expr, IllTypedExpressionsAreDefectsOfOurs) {
  const Expr f = Expr::input(0, DType::f32), i = Expr::input(1, DType::i32),
             b = Expr::input(2, DType::boolean);
  EXPECT_THROW(f + i, InternalError);
  EXPECT_THROW(b + b, InternalError);
  EXPECT_THROW(exp(i), InternalError);
  EXPECT_THROW(bit_and(f, f), InternalError);
  EXPECT_THROW(select(i, f, f), InternalError);
  EXPECT_THROW(select(b, f, i), InternalError);
  EXPECT_THROW(Expr::input(0, DType::bf16), InternalError);
  EXPECT_THROW(f.cast(DType::f16), InternalError);
  EXPECT_THROW(Expr::make(ScalarOp::add, {f}), InternalError);
  EXPECT_THROW(f + Expr(), InternalError);
}

TEST(Expr, EveryOperationHasANameAndACount) {
  for (int i = 0; i <= static_cast<int>(ScalarOp::cast); ++i) {
    EXPECT_FALSE(name(static_cast<ScalarOp>(i)).empty());
    EXPECT_GE(num_operands(static_cast<ScalarOp>(i)), 0);
  }
  EXPECT_EQ(name(ScalarOp::shift_right), "shift_right");
  EXPECT_EQ(name(ScalarOp::round_even), "round_even");
  EXPECT_EQ(num_operands(ScalarOp::select), 3);
}

}  // namespace
}  // namespace brisk
