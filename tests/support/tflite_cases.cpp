#include "brisk/ops/tflite/tflite.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

const std::vector<DType> kStored = {DType::i8, DType::u8, DType::i16};
const std::vector<DType> kStoredBytes = {DType::i8, DType::u8};

CaseOperand typed(CaseOperand operand, DType type) {
  operand.type = type;
  return operand;
}

template <typename Build>
void add(std::vector<OpCase>& cases, std::string op, std::string name,
         std::vector<CaseOperand> operands, std::vector<DType> types, Build build) {
  cases.push_back({.op = std::move(op),
                   .name = std::move(name),
                   .operands = std::move(operands),
                   .build = [build](Builder&, std::span<const Value> in) -> std::vector<Value> {
                     return {build(in)};
                   },
                   .types = std::move(types),
                   .check_gradient = false});
}

/// Activations in turn, with scales of which each gives another rounding.
std::vector<std::pair<std::string, TfliteOutputAttributes>> outputs(int64_t zero_point) {
  return {
      {"", {.output_scale = 0.043, .output_zero_point = zero_point}},
      {"_relu",
       {.output_scale = 0.031, .output_zero_point = zero_point, .activation = Activation::relu}},
      {"_relu6", {.output_scale = 0.06, .output_zero_point = 0, .activation = Activation::relu6}}};
}

void add_conversions(std::vector<OpCase>& cases) {
  for (const auto& [name, attributes] : {std::pair("i8", QuantizeAttributes{0.125, -3, DType::i8}),
                                         {"u8", QuantizeAttributes{0.0625, 17, DType::u8}},
                                         {"i16", QuantizeAttributes{0.001, 0, DType::i16}}})
    add(cases, "tflite_quantize", name, {values({3, 65}).between(-20, 20).with_limits()},
        {DType::f32},
        [attributes](std::span<const Value> in) { return tflite_quantize(in[0], attributes); });
  for (const DType result : {DType::i8, DType::i16})
    for (const auto& [name, output] : outputs(0))
      for (const double scale : {0.02, 0.13})
        add(cases, "tflite_requantize",
            fmt::format("{}{}_{}", brisk::name(result), name, scale < 0.1 ? "finer" : "coarser"),
            {values({3, 65}).between(-100, 100).with_limits()}, kStored,
            [result, output, scale](std::span<const Value> in) {
              return tflite_requantize(
                  in[0], {.input = {.input_scale = scale}, .output = output, .dtype = result});
            });
  add(cases, "tflite_requantize", "zero_points", {values({3, 65}).with_limits()}, kStoredBytes,
      [](std::span<const Value> in) {
        return tflite_requantize(
            in[0], {.input = {0.03, 9}, .output = {.output_scale = 0.04, .output_zero_point = -7}});
      });
}

void add_arithmetic(std::vector<OpCase>& cases) {
  struct Sizes {
    std::vector<int64_t> lhs, rhs;
  };
  for (const Sizes& s : {Sizes{{3, 65}, {3, 65}}, {{2, 3, 17}, {3, 1}}, {{}, {4}}, {{0, 3}, {3}}})
    for (const auto& [name, output] : outputs(0)) {
      const TfliteBinaryAttributes attributes = {
          .lhs_scale = 0.05, .rhs_scale = 0.031, .output = output};
      const std::string case_name = shape_name(s.lhs) + "_" + shape_name(s.rhs) + name;
      const std::vector<CaseOperand> operands = {values(s.lhs).between(-100, 100).with_limits(),
                                                 values(s.rhs).between(-100, 100).with_limits()};
      add(cases, "tflite_add", case_name, operands, kStored,
          [attributes](std::span<const Value> in) { return tflite_add(in[0], in[1], attributes); });
      add(cases, "tflite_multiply", case_name, operands, kStored,
          [attributes](std::span<const Value> in) {
            return tflite_multiply(in[0], in[1], attributes);
          });
    }
  const TfliteBinaryAttributes points = {.lhs_scale = 0.01,
                                         .lhs_zero_point = 7,
                                         .rhs_scale = 0.04,
                                         .rhs_zero_point = 100,
                                         .output = {.output_scale = 0.07, .output_zero_point = 3}};
  for (const bool sum : {true, false})
    add(cases, sum ? "tflite_add" : "tflite_multiply", "zero_points",
        {values({5, 33}).between(-100, 100).with_limits(),
         values({5, 33}).between(-100, 100).with_limits()},
        kStoredBytes, [points, sum](std::span<const Value> in) {
          return sum ? tflite_add(in[0], in[1], points) : tflite_multiply(in[0], in[1], points);
        });
}

/// Activations, weights, and bias and factors of sums of some thousands, or of 16-bit activations
/// some millions.
std::vector<CaseOperand> product_operands(const std::vector<int64_t>& activations,
                                          const std::vector<int64_t>& weights, DType type) {
  const double finer = type == DType::i16 ? 256 : 1;
  const int64_t channels = weights.back();
  return {typed(values(activations).between(-128 * finer, 128 * finer - 1), type),
          typed(values(weights).between(-127, 127), DType::i8),
          typed(values({channels}).between(-3000 * finer, 3000 * finer),
                type == DType::i16 ? DType::i64 : DType::i32),
          typed(values({channels}).between(0.0005, 0.02), DType::f64)};
}

void add_products(std::vector<OpCase>& cases) {
  struct Geometry {
    std::string name;
    std::vector<int64_t> input, filter;
    ConvolutionAttributes attributes;
  };
  for (const Geometry& g : {
           Geometry{"3x3", {2, 5, 7, 19}, {3, 3, 19, 33}, {{1, 2}, {1, 1}, {1, 1}, {1, 1}, 1}},
           {"1x1", {1, 4, 3, 64}, {1, 1, 64, 32}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
           {"image", {1, 9, 8, 3}, {3, 3, 3, 16}, {{2, 2}, {0, 1}, {0, 0}, {1, 1}, 1}},
           {"depthwise", {2, 6, 5, 32}, {3, 3, 1, 32}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 32}},
           {"multiplier", {1, 6, 5, 3}, {3, 3, 1, 6}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 3}},
           {"grouped", {1, 5, 5, 8}, {3, 3, 4, 6}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 2}},
           {"dilated", {1, 9, 9, 16}, {3, 3, 16, 16}, {{1, 1}, {2, 2}, {2, 2}, {2, 2}, 1}},
           {"one_axis", {2, 12, 8}, {3, 8, 8}, {{1}, {0}, {0}, {1}, 1}},
           {"no_batch", {0, 5, 5, 8}, {1, 1, 8, 8}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
       })
    for (const DType type : {DType::i8, DType::i16})
      for (const auto& [name, output] : outputs(type == DType::i8 ? -20 : 0)) {
        const TfliteConvolutionAttributes attributes = {
            .convolution = g.attributes,
            .input_zero_point = type == DType::i16         ? 0
                                : g.attributes.groups == 1 ? -11
                                                           : 23,
            .output = output};
        add(cases, "tflite_convolution", fmt::format("{}{}_{}", g.name, name, brisk::name(type)),
            product_operands(g.input, g.filter, type), {type},
            [attributes](std::span<const Value> in) { return tflite_convolution(in, attributes); });
      }
  for (const std::vector<int64_t>& lhs : {std::vector<int64_t>{1, 64}, {7, 33}, {0, 4}, {2, 3, 32}})
    for (const DType type : {DType::i8, DType::i16})
      for (const auto& [name, output] : outputs(type == DType::i8 ? 12 : 0)) {
        const TfliteDotAttributes attributes = {.input_zero_point = type == DType::i16 ? 0
                                                                    : lhs.size() == 2  ? 5
                                                                                       : -9,
                                                .output = output};
        add(cases, "tflite_dot", fmt::format("{}{}_{}", shape_name(lhs), name, brisk::name(type)),
            product_operands(lhs, {lhs.back(), 17}, type), {type},
            [attributes](std::span<const Value> in) { return tflite_dot(in, attributes); });
      }
}

void add_means(std::vector<OpCase>& cases) {
  struct Pool {
    std::string name;
    std::vector<int64_t> input;
    WindowAttributes window;
  };
  for (const Pool& pool : {Pool{"3x2", {2, 7, 6, 33}, {{3, 2}, {2, 1}, {1, 0}, {1, 1}}},
                           {"2x2", {1, 6, 6, 16}, {{2, 2}, {2, 2}, {0, 0}, {0, 0}}},
                           {"one_axis", {1, 9, 5}, {{4}, {3}, {1}, {2}}}})
    for (const auto& [name, output] : outputs(4))
      add(cases, "tflite_average_pool", pool.name + name,
          {values(pool.input).between(-100, 100).with_limits()},
          output.output_zero_point == 0 ? kStored : kStoredBytes,
          [pool, output](std::span<const Value> in) {
            return tflite_average_pool(in[0], {.window = pool.window, .output = output});
          });
  for (const ReduceAttributes& axes :
       {ReduceAttributes{{1, 2}}, {{1, 2}, true}, {{3}}, {{0, 1, 2, 3}}})
    for (const auto& [name, output] : outputs(0))
      add(cases, "tflite_mean",
          fmt::format("{}{}{}", shape_name(axes.axes), axes.keep_dims ? "_kept" : "", name),
          {values({2, 7, 5, 33}).between(-100, 100).with_limits()}, kStored,
          [axes, output](std::span<const Value> in) {
            return tflite_mean(in[0], {axes, {.input_scale = 0.05}, output});
          });
  add(cases, "tflite_mean", "zero_points", {values({3, 40}).with_limits()}, kStoredBytes,
      [](std::span<const Value> in) {
        return tflite_mean(in[0], {.reduce = {{1}},
                                   .input = {0.02, 9},
                                   .output = {.output_scale = 0.01, .output_zero_point = 100}});
      });
}

void add_functions(std::vector<OpCase>& cases) {
  struct Softmax {
    std::vector<int64_t> sizes;
    double scale, beta;
  };
  for (const Softmax& s : {Softmax{{3, 10}, 0.1, 1},
                           {{2, 3, 65}, 0.004, 2},
                           {{1, 1}, 1.5, 1},
                           {{4, 1000}, 0.05, 0.5},
                           {{0, 4}, 0.1, 1}})
    add(cases, "tflite_softmax", fmt::format("{}_{}", shape_name(s.sizes), s.scale),
        {values(s.sizes).between(-100, 100).with_limits()}, kStored,
        [s](std::span<const Value> in) {
          return tflite_softmax(in[0], {s.scale, s.beta});
        });
  for (const TfliteInputAttributes& input : {TfliteInputAttributes{0.05, 3},
                                             {0.5, 0},
                                             {0.001, 100},
                                             {0.0003, 0},
                                             {1.0 / 4096, 0},
                                             {1.0 / 2048, 0}})
    for (const bool logistic : {true, false})
      add(cases, logistic ? "tflite_logistic" : "tflite_tanh", fmt::format("{}", input.input_scale),
          {values({3, 65}).between(-100, 100).with_limits()},
          input.input_zero_point == 0 ? kStored : kStoredBytes,
          [input, logistic](std::span<const Value> in) {
            return logistic ? tflite_logistic(in[0], input) : tflite_tanh(in[0], input);
          });
}

}  // namespace

std::vector<OpCase> tflite_cases() {
  std::vector<OpCase> cases;
  add_conversions(cases);
  add_arithmetic(cases);
  add_products(cases);
  add_means(cases);
  add_functions(cases);
  return cases;
}

}  // namespace brisk::testing
