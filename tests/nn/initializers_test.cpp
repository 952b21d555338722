// Initializers draw what Keras's formulas say: bounds, mean and standard deviation over many draws.

#include "brisk/nn/initializers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/refusal.h"

namespace brisk::testing {
namespace {

struct Statistics {
  double mean = 0, deviation = 0, least = 0, most = 0;
};

Statistics statistics(const Tensor& tensor) {
  Statistics result{.least = tensor.get(0), .most = tensor.get(0)};
  const auto count = static_cast<double>(tensor.num_elements());
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    result.mean += tensor.get(i) / count;
    result.least = std::min(result.least, tensor.get(i));
    result.most = std::max(result.most, tensor.get(i));
  }
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    result.deviation += (tensor.get(i) - result.mean) * (tensor.get(i) - result.mean) / count;
  result.deviation = std::sqrt(result.deviation);
  return result;
}

/// fan_in 3 * 3 * 64 = 576, fan_out 3 * 3 * 128 = 1152.
const Type kKernel(DType::f32, {3, 3, 64, 128});
constexpr double kFanIn = 576, kFanOut = 1152, kFanAverage = 864;
/// What a normal keeps of its standard deviation when it is cut at two of them.
constexpr double kCut = 0.8796256610342398;

struct Drawn {
  std::string initializer;
  double mean, deviation;
  double bound;  ///< all values lie within mean +- bound, and some come close; infinity: none
};

Drawn uniform_within(std::string initializer, double limit) {
  return {std::move(initializer), 0, limit / std::sqrt(3.0), limit};
}
Drawn cut_normal(std::string initializer, double deviation) {
  return {std::move(initializer), 0, deviation, 2 * deviation / kCut};
}

class DrawnInitializer : public ::testing::TestWithParam<Drawn> {};

TEST_P(DrawnInitializer, HasTheMeanDeviationAndBoundsOfItsFormula) {
  const Drawn& expected = GetParam();
  const Statistics found = statistics(make_initial_value(expected.initializer, kKernel, 7));
  EXPECT_NEAR(found.mean, expected.mean, 0.02 * expected.deviation);
  EXPECT_NEAR(found.deviation, expected.deviation, 0.01 * expected.deviation);
  if (std::isinf(expected.bound)) {
    EXPECT_GT(found.most - expected.mean, 3.5 * expected.deviation) << "its tails are cut";
    EXPECT_LT(found.least - expected.mean, -3.5 * expected.deviation) << "its tails are cut";
  } else {
    EXPECT_LE(found.most, expected.mean + expected.bound * 1.000001);
    EXPECT_GE(found.least, expected.mean - expected.bound * 1.000001);
    EXPECT_GT(found.most, expected.mean + expected.bound * 0.99);
    EXPECT_LT(found.least, expected.mean - expected.bound * 0.99);
  }
}

INSTANTIATE_TEST_SUITE_P(
    , DrawnInitializer,
    ::testing::Values(
        uniform_within("glorot_uniform", std::sqrt(3 / kFanAverage)),
        cut_normal("glorot_normal", std::sqrt(1 / kFanAverage)),
        uniform_within("he_uniform", std::sqrt(6 / kFanIn)),
        cut_normal("he_normal", std::sqrt(2 / kFanIn)),
        uniform_within("lecun_uniform", std::sqrt(3 / kFanIn)),
        cut_normal("lecun_normal", std::sqrt(1 / kFanIn)), uniform_within("random_uniform", 0.05),
        Drawn{"random_normal", 0, 0.05, INFINITY},
        // Keras's TruncatedNormal does not correct for what is cut: stddev is that of the whole
        // normal.
        Drawn{"truncated_normal", 0, 0.05 * kCut, 0.1},
        uniform_within("GlorotUniform", std::sqrt(3 / kFanAverage)),
        Drawn{R"({"class_name": "RandomNormal", "config": {"mean": 2, "stddev": 0.5}})", 2, 0.5,
              INFINITY},
        Drawn{R"({"class_name": "RandomUniform", "config": {"minval": 1, "maxval": 3}})", 2,
              1 / std::sqrt(3.0), 1},
        cut_normal(
            R"({"class_name": "VarianceScaling", "config": {"scale": 3, "mode": "fan_out"}})",
            std::sqrt(3 / kFanOut)),
        Drawn{
            R"({"class_name": "VarianceScaling", "config": {"distribution": "untruncated_normal"}})",
            0, std::sqrt(1 / kFanIn), INFINITY}),
    [](const auto& info) {
      std::string name;
      for (const char c : info.param.initializer)
        if (std::isalnum(static_cast<unsigned char>(c))) name += c;
      return name;
    });

TEST(Initializer, FansAreKerass) {
  const auto fans = [](Shape shape) {
    return std::pair(compute_fans(shape).in, compute_fans(shape).out);
  };
  EXPECT_EQ(fans({}), std::pair(1.0, 1.0));
  EXPECT_EQ(fans({5}), std::pair(5.0, 5.0));
  EXPECT_EQ(fans({5, 7}), std::pair(5.0, 7.0));
  EXPECT_EQ(fans({3, 2, 5, 7}), std::pair(30.0, 42.0));
}

TEST(Initializer, ConstantsAreExact) {
  const Type type(DType::f32, {2, 3});
  for (const auto& [initializer, value] :
       {std::pair("zeros", 0.0), std::pair("ones", 1.0), std::pair("Ones", 1.0),
        std::pair(R"({"class_name": "Constant", "config": {"value": 0.25}})", 0.25)}) {
    const Tensor tensor = make_initial_value(initializer, type, 1);
    EXPECT_EQ(Type(tensor.dtype(), Shape(tensor.sizes())), type);
    for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(tensor.get(i), value) << initializer;
  }
}

TEST(Initializer, IsDeterminedByItsKey) {
  EXPECT_TRUE(bit_equal(make_initial_value("he_normal", kKernel, 3),
                        make_initial_value("he_normal", kKernel, 3)));
  EXPECT_FALSE(bit_equal(make_initial_value("he_normal", kKernel, 3),
                         make_initial_value("he_normal", kKernel, 4)));
}

/// The inner product of two columns (or rows) of a matrix.
double product(const Tensor& matrix, int64_t a, int64_t b, bool columns) {
  const int64_t rows = matrix.sizes()[0], width = matrix.sizes()[1];
  double sum = 0;
  for (int64_t i = 0; i < (columns ? rows : width); ++i)
    sum += columns ? matrix.get(i * width + a) * matrix.get(i * width + b)
                   : matrix.get(a * width + i) * matrix.get(b * width + i);
  return sum;
}

TEST(Initializer, OrthogonalIsOrthonormalTimesItsGain) {
  for (const bool tall : {true, false}) {
    const Tensor matrix =
        make_initial_value(R"({"class_name": "Orthogonal", "config": {"gain": 2}})",
                           Type(DType::f64, tall ? Shape{9, 4} : Shape{4, 9}), 5);
    for (int64_t a = 0; a < 4; ++a)
      for (int64_t b = 0; b < 4; ++b)
        EXPECT_NEAR(product(matrix, a, b, tall), a == b ? 4 : 0, 1e-12) << a << " " << b;
  }
}

TEST(Initializer, RefusesWhatItDoesNotKnow) {
  const auto message = [](std::string_view initializer, Type type = Type(DType::f32, {2})) {
    return refusal([&] { make_initial_value(initializer, type, 0); });
  };
  EXPECT_EQ(message("he_norml"), "there is no initializer 'he_norml'; did you mean 'he_normal'?");
  EXPECT_NE(message(R"({"config": {}})").find("needs a class_name"), std::string::npos);
  EXPECT_NE(message("[1]").find("there is no initializer"), std::string::npos);
  EXPECT_NE(message("{").find("line 1"), std::string::npos) << message("{");
  EXPECT_NE(message(R"({"class_name": "VarianceScaling", "config": {"mode": "fan"}})")
                .find("but is 'fan'"),
            std::string::npos);
  EXPECT_NE(message(R"({"class_name": "VarianceScaling", "config": {"distribution": "cauchy"}})")
                .find("but is 'cauchy'"),
            std::string::npos);
  EXPECT_NE(message(R"({"class_name": "Constant", "config": {"value": "a"}})")
                .find("'value' must be a number, but is \"a\""),
            std::string::npos);
  EXPECT_NE(message("orthogonal").find("needs at least two axes, but the parameter is f32[2]"),
            std::string::npos);
  EXPECT_NE(message("random_key").find("a key is u32[2], not f32[2]"), std::string::npos);
}

}  // namespace
}  // namespace brisk::testing
