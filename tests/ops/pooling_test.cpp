#include <gtest/gtest.h>

#include <limits>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/error.h"
#include "brisk/ops/standard.h"
#include "brisk/ops/window/window.h"
#include "tests/ops/op_case_suite.h"

namespace brisk::testing {
namespace {

struct PoolCase {
  std::string name;
  std::vector<int64_t> input;
  WindowAttributes window;
};

/// Beside the geometries of tests/support/window_cases.cpp.
std::vector<PoolCase> pool_cases() {
  return {
      {"cropped", {1, 7, 6, 2}, {{2, 2}, {1, 2}, {-1, 0}, {-2, -1}}},
      {"wholly_in_the_padding", {1, 3, 3, 1}, {{2, 1}, {2, 1}, {3, 0}, {2, 2}}},
      {"stride_beyond_the_window", {1, 7, 5, 1}, {{2, 2}, {3, 4}, {0, 1}, {0, 0}}},
  };
}

std::vector<int64_t> pooled_sizes(const PoolCase& c) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, Shape(c.input)));
  return max_pool(x, c.window).values.shape().sizes();
}

std::vector<OpCase> max_pool_cases() {
  std::vector<OpCase> cases;
  for (const PoolCase& c : pool_cases()) {
    // Lowest values are infinite: such cases have no finite loss to differentiate.
    const bool finite = c.name != "wholly_in_the_padding";
    cases.push_back({.op = "max_pool",
                     .name = c.name,
                     .operands = {values(c.input)},
                     .build =
                         [c](Builder&, std::span<const Value> in) {
                           const MaxPool y = max_pool(in[0], c.window);
                           return std::vector{y.values, y.positions};
                         },
                     .types = joined({kFloatTypes, {DType::i32, DType::i8, DType::u8}}),
                     .check_gradient = finite});
  }
  return cases;
}

int64_t places(const PoolCase& c) {
  int64_t count = 1;
  for (const int64_t size : c.window.window) count *= size;
  return count;
}

std::vector<OpCase> max_pool_gradient_cases() {
  std::vector<OpCase> cases;
  for (const PoolCase& c : pool_cases())
    cases.push_back(
        {.op = "max_pool_gradient",
         .name = c.name,
         .operands = {values(pooled_sizes(c)), positions(pooled_sizes(c), places(c), DType::u8)},
         .build =
             [c](Builder&, std::span<const Value> in) {
               return std::vector{max_pool_gradient(in[0], in[1], Shape(c.input), c.window)};
             },
         .types = kFloatTypes});
  return cases;
}

std::vector<OpCase> max_pool_select_cases() {
  std::vector<OpCase> cases;
  for (const PoolCase& c : pool_cases())
    cases.push_back(
        {.op = "max_pool_select",
         .name = c.name,
         .operands = {values(c.input), positions(pooled_sizes(c), places(c), DType::u8)},
         .build =
             [c](Builder&, std::span<const Value> in) {
               return std::vector{max_pool_select(in[0], in[1], c.window)};
             },
         .types = kFloatTypes});
  return cases;
}

std::vector<OpCase> average_pool_cases(bool gradient) {
  std::vector<OpCase> cases;
  for (const PoolCase& c : pool_cases())
    for (const bool count_padding : {false, true})
      cases.push_back({.op = gradient ? "average_pool_gradient" : "average_pool",
                       .name = c.name + (count_padding ? "_counting_padding" : ""),
                       .operands = {values(gradient ? pooled_sizes(c) : c.input)},
                       .build =
                           [c, gradient, count_padding](Builder&, std::span<const Value> in) {
                             const AveragePoolAttributes attributes{c.window, count_padding};
                             return std::vector{
                                 gradient ? average_pool_gradient(in[0], Shape(c.input), attributes)
                                          : average_pool(in[0], attributes)};
                           },
                       .types = kFloatTypes});
  return cases;
}

OP_CASE_SUITE(MaxPool, max_pool_cases());
OP_CASE_SUITE(MaxPoolGradient, max_pool_gradient_cases());
OP_CASE_SUITE(MaxPoolSelect, max_pool_select_cases());
OP_CASE_SUITE(AveragePool, average_pool_cases(false));
OP_CASE_SUITE(AveragePoolGradient, average_pool_cases(true));

TEST(MaxPool, NamesTheFirstOfEqualMaxima) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {1, 2, 2, 1}));
  const MaxPool y = max_pool(x, {{2, 2}, {1, 1}, {0, 0}, {0, 0}});
  const Graph graph = builder.finish({{"values", y.values}, {"positions", y.positions}});
  const Tensor input = Tensor::of<float>({1, 2, 2, 1}, std::vector<float>{1, 3, 3, 2});
  const auto found = reference::evaluate(graph, {&input, 1});
  EXPECT_EQ(found[0].item(), 3);
  EXPECT_EQ(found[1].item(), 1);
}

TEST(PoolingRefusals, NameWhatDoesNotFit) {
  Builder builder(standard_ops());
  const Value x = builder.input("x", Type(DType::f32, {1, 40, 40, 1}));
  const Value n = builder.input("n", Type(DType::i32, {1, 4, 4, 1}));
  EXPECT_EQ(refusal([&] {
              max_pool(x, {{17, 17}, {1, 1}, {0, 0}, {0, 0}});
            }),
            "[max_pool] a window of 289 places is larger than 256");
  EXPECT_EQ(refusal([&] {
              average_pool(x, {{{41, 2}, {1, 1}, {0, 0}, {0, 0}}, false});
            }),
            "[average_pool] kernel 41 is larger than the padded input 40 along axis 1");
  EXPECT_EQ(refusal([&] {
              average_pool(n, {{{2, 2}, {1, 1}, {0, 0}, {0, 0}}, false});
            }),
            "[average_pool] takes floating values, not i32");
  EXPECT_EQ(refusal([&] {
              max_pool(x, {{2}, {1, 1}, {0, 0}, {0, 0}});
            }),
            "[max_pool] window has 1 entries for 2 spatial axes");
  EXPECT_EQ(refusal([&] {
              max_pool_select(x, x, {{2, 2}, {2, 2}, {0, 0}, {0, 0}});
            }),
            "[max_pool_select] pooling [1, 40, 40, 1] gives [1, 20, 20, 1], but an operand is "
            "[1, 40, 40, 1]");
}

}  // namespace
}  // namespace brisk::testing
