#include <gtest/gtest.h>

#include "brisk/autodiff/gradient.h"
#include "brisk/base/error.h"
#include "brisk/ir/program.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

struct ConvolutionCase {
  std::string name;
  std::vector<int64_t> input, filter;
  ConvolutionAttributes attributes;
};

ConvolutionAttributes plain(size_t spatial) {
  return {.strides = std::vector<int64_t>(spatial, 1),
          .pad_low = std::vector<int64_t>(spatial, 0),
          .pad_high = std::vector<int64_t>(spatial, 0),
          .dilations = std::vector<int64_t>(spatial, 1)};
}

/// Beside the geometries of tests/support/convolve_cases.cpp.
std::vector<ConvolutionCase> convolution_cases() {
  return {
      // The last rows and columns of the input are never read: their gradient is zero.
      {"stride_leaves_a_rest", {1, 6, 8, 1}, {3, 3, 1, 2}, {{2, 3}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"stride_beyond_the_kernel", {1, 8, 7, 2}, {2, 1, 2, 2}, {{3, 2}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"cropped_and_strided", {1, 9, 8, 2}, {3, 3, 2, 2}, {{2, 3}, {-1, 1}, {-2, -1}, {1, 1}, 1}},
      {"depthwise_uneven", {1, 5, 4, 3}, {2, 2, 1, 6}, {{2, 1}, {0, 0}, {1, 1}, {1, 2}, 3}},
  };
}

std::vector<int64_t> result_sizes(const ConvolutionCase& c) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, Shape(c.input)));
  const Value w = builder.input("w", Type(DType::f32, Shape(c.filter)));
  return convolution(x, w, c.attributes).shape().sizes();
}

std::vector<OpCase> forward_cases() {
  std::vector<OpCase> cases;
  for (const ConvolutionCase& c : convolution_cases())
    cases.push_back({.op = "convolution",
                     .name = c.name,
                     .operands = {values(c.input), values(c.filter)},
                     .build =
                         [c](Builder&, std::span<const Value> in) {
                           return std::vector{convolution(in[0], in[1], c.attributes)};
                         },
                     .types = kFloatTypes});
  return cases;
}

std::vector<OpCase> input_gradient_cases() {
  std::vector<OpCase> cases;
  for (const ConvolutionCase& c : convolution_cases())
    cases.push_back({.op = "convolution_input_gradient",
                     .name = c.name,
                     .operands = {values(result_sizes(c)), values(c.filter)},
                     .build =
                         [c](Builder&, std::span<const Value> in) {
                           return std::vector{convolution_input_gradient(
                               in[0], in[1], Shape(c.input), c.attributes)};
                         },
                     .types = kFloatTypes});
  return cases;
}

std::vector<OpCase> filter_gradient_cases() {
  std::vector<OpCase> cases;
  for (const ConvolutionCase& c : convolution_cases())
    cases.push_back({.op = "convolution_filter_gradient",
                     .name = c.name,
                     .operands = {values(c.input), values(result_sizes(c))},
                     .build =
                         [c](Builder&, std::span<const Value> in) {
                           return std::vector{convolution_filter_gradient(
                               in[0], in[1], Shape(c.filter), c.attributes)};
                         },
                     .types = kFloatTypes});
  return cases;
}

OP_CASE_SUITE(Convolution, forward_cases());
OP_CASE_SUITE(ConvolutionInputGradient, input_gradient_cases());
OP_CASE_SUITE(ConvolutionFilterGradient, filter_gradient_cases());

TEST(Convolution, KeepsANamedBatch) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {Extent("batch"), 8, 8, 3}));
  const Value w = builder.input("w", Type(DType::f32, {3, 3, 3, 4}));
  ConvolutionAttributes attributes = plain(2);
  attributes.strides = {2, 2};
  const Value y = convolution(x, w, attributes);
  EXPECT_EQ(y.type().to_string(), "f32[batch, 3, 3, 4]");
  const std::vector<Value> wrt = {x, w};
  const auto d = gradient(reduce_sum(y * y), wrt);
  EXPECT_EQ(d[0].type(), x.type());
  EXPECT_EQ(d[1].type(), w.type());
  const Graph bound = bind_dimensions(builder.finish({{"x", d[0]}, {"w", d[1]}}), {{"batch", 5}});
  verify(bound);
  EXPECT_EQ(bound.output_type(0).to_string(), "f32[5, 8, 8, 3]");
}

TEST(Convolution, KeepsANamedSizeThatPaddingMakesUpFor) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {1, Extent("height"), 8, 3}));
  const Value w = builder.input("w", Type(DType::f32, {3, 3, 3, 4}));
  ConvolutionAttributes attributes = plain(2);
  EXPECT_NE(refusal([&] { convolution(x, w, attributes); }).find("'height'"), std::string::npos);
  attributes.pad_low = {1, 0};
  attributes.pad_high = {1, 0};
  EXPECT_EQ(convolution(x, w, attributes).type().to_string(), "f32[1, height, 6, 4]");
}

TEST(Convolution, SamePaddingIsThatOfKeras) {
  ConvolutionAttributes attributes = plain(2);
  attributes.strides = {2, 1};
  attributes.dilations = {1, 2};
  same_padding(std::vector<int64_t>{224, 5}, std::vector<int64_t>{7, 3}, attributes);
  EXPECT_EQ(attributes.pad_low, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(attributes.pad_high, (std::vector<int64_t>{3, 2}));
}

TEST(ConvolutionRefusals, NameWhatDoesNotFit) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {1, 5, 5, 3}));
  const Value large = builder.input("large", Type(DType::f32, {7, 7, 3, 4}));
  const Value other = builder.input("other", Type(DType::f32, {3, 3, 2, 4}));
  EXPECT_EQ(refusal([&] { convolution(x, large, plain(2)); }),
            "[convolution] kernel 7 is larger than the padded input 5 along axis 1");
  EXPECT_EQ(refusal([&] { convolution(x, other, plain(2)); }),
            "[convolution] the filter [3, 3, 2, 4] takes 2 channels in 1 groups, but the input "
            "[1, 5, 5, 3] has 3");
  EXPECT_EQ(refusal([&] { convolution(x, large, plain(1)); }),
            "[convolution] strides has 1 entries for 2 spatial axes");
  ConvolutionAttributes grouped = plain(2);
  grouped.groups = 2;
  EXPECT_EQ(refusal([&] { convolution(x, large, grouped); }),
            "[convolution] 3 channels do not divide into 2 groups");
  EXPECT_EQ(refusal([&] {
              convolution_filter_gradient(x, x, Shape{3, 3, 3, 4}, plain(2));
            }),
            "[convolution_filter_gradient] the convolution with a filter [3, 3, 3, 4] has the "
            "result [1, 3, 3, 4], but the gradient given is [1, 5, 5, 3]");
}

}  // namespace
}  // namespace brisk::testing
