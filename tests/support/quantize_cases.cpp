#include "brisk/ops/quantize/quantize.h"

#include "brisk/ops/quantize/fake_quantize.h"
#include "brisk/ops/quantize/weight_only.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

CaseOperand of_type(CaseOperand operand, DType type) {
  operand.type = type;
  return operand;
}

const std::vector<DType> kBytes = {DType::u8, DType::i8};

void add_linear(std::vector<OpCase>& cases) {
  for (const auto& [name, attributes] :
       {std::pair("i8", QuantizeAttributes{0.125, 0, DType::i8}),
        {"u8_with_zero_point", QuantizeAttributes{0.0625, 17, DType::u8}},
        {"i16", QuantizeAttributes{0.001, -5, DType::i16}},
        {"u16_saturates", QuantizeAttributes{1e-6, 0, DType::u16}}})
    cases.push_back({.op = "quantize",
                     .name = name,
                     .operands = {values({3, 65}).between(-20, 20).with_limits()},
                     .build =
                         [attributes](Builder&, std::span<const Value> in) {
                           return std::vector{quantize(in[0], attributes)};
                         },
                     .types = {DType::f32, DType::f64},
                     .check_gradient = false});
  for (const auto& [name, attributes] : {std::pair("zero_point", DequantizeAttributes{0.3, 12}),
                                         {"around_zero", DequantizeAttributes{0.125, 0}}})
    cases.push_back({.op = "dequantize",
                     .name = name,
                     .operands = {values({3, 65}).between(-100, 100).with_limits()},
                     .build =
                         [attributes](Builder&, std::span<const Value> in) {
                           return std::vector{dequantize(in[0], attributes)};
                         },
                     .types = {DType::i8, DType::u8, DType::i16, DType::u16, DType::i32},
                     .check_gradient = false});
}

/// What follows a product of `channels`, with sums of some thousands.
std::vector<CaseOperand> epilogue(int64_t channels, const std::optional<CaseOperand>& residual) {
  std::vector<CaseOperand> operands = {
      of_type(values({channels}).between(-3000, 3000), DType::f32),
      of_type(values({channels}).between(0.001, 0.01), DType::f32)};
  if (residual) operands.push_back(*residual);
  return operands;
}

struct Ending {
  std::string name;
  RequantizeAttributes attributes;
  std::optional<DType> residual = {};
};

std::vector<Ending> endings() {
  return {
      {"to_f32", {}},
      {"relu_to_f32", {.activation = Activation::relu}},
      {"to_i8", {.dtype = DType::i8, .scale = 0.04}},
      {"relu6_to_u8", {.activation = Activation::relu6, .limit = 200.5, .dtype = DType::u8}},
      {"residual_to_i8", {.residual = true, .residual_scale = 0.7, .dtype = DType::i8}, DType::i8},
      {"rounded_product_residual_to_u8",
       {.activation = Activation::relu,
        .residual = true,
        .residual_scale = 0.9,
        .product_scale = 1.7,
        .product_low = -100,
        .product_high = 155,
        .dtype = DType::u8},
       DType::u8},
      {"rounded_product_residual_to_i8",
       {.residual = true, .residual_scale = 0.45, .product_scale = 0.8, .dtype = DType::i8},
       DType::i8},
      {"residual_relu_to_u8",
       {.activation = Activation::relu,
        .residual = true,
        .residual_scale = 1.3,
        .dtype = DType::u8},
       DType::i8},
  };
}

void add_convolutions(std::vector<OpCase>& cases) {
  struct Geometry {
    std::string name;
    std::vector<int64_t> input, filter, result;
    ConvolutionAttributes attributes;
  };
  const std::vector<Geometry> geometries = {
      {"3x3", {2, 5, 7, 19}, {3, 3, 19, 33}, {2, 5, 4, 33}, {{1, 2}, {1, 1}, {1, 1}, {1, 1}, 1}},
      {"1x1", {1, 4, 3, 64}, {1, 1, 64, 32}, {1, 4, 3, 32}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"1x1_strided",
       {2, 5, 7, 20},
       {1, 1, 20, 70},
       {2, 3, 4, 70},
       {{2, 2}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"1x1_many_rows",
       {3, 7, 7, 24},
       {1, 1, 24, 176},
       {3, 7, 7, 176},
       {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}},
      {"image", {1, 9, 8, 3}, {3, 3, 3, 16}, {1, 4, 4, 16}, {{2, 2}, {0, 1}, {0, 0}, {1, 1}, 1}},
      {"depthwise",
       {2, 6, 5, 32},
       {3, 3, 1, 32},
       {2, 6, 5, 32},
       {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 32}},
      {"depthwise_parts_of_blocks",
       {1, 9, 7, 100},
       {3, 3, 1, 100},
       {1, 5, 4, 100},
       {{2, 2}, {1, 1}, {1, 1}, {1, 1}, 100}},
      {"depthwise_two_blocks",
       {2, 4, 3, 70},
       {5, 5, 1, 70},
       {2, 4, 3, 70},
       {{1, 1}, {2, 2}, {2, 2}, {1, 1}, 70}},
      {"depthwise_wide",
       {1, 6, 9, 128},
       {3, 3, 1, 128},
       {1, 6, 10, 128},
       {{1, 1}, {0, 2}, {2, 1}, {1, 1}, 128}},
      {"depthwise_cropped",
       {1, 8, 8, 17},
       {2, 4, 1, 17},
       {1, 3, 2, 17},
       {{3, 1}, {-1, -2}, {1, -1}, {1, 1}, 17}},
      {"depthwise_one_axis", {2, 12, 24}, {3, 1, 24}, {2, 10, 24}, {{1}, {0}, {0}, {1}, 24}},
      {"grouped", {1, 5, 5, 8}, {3, 3, 4, 6}, {1, 3, 3, 6}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 2}},
      {"dilated",
       {1, 9, 9, 16},
       {3, 3, 16, 16},
       {1, 5, 5, 16},
       {{1, 1}, {0, 0}, {0, 0}, {2, 2}, 1}},
      {"deep", {1, 6, 6, 160}, {3, 3, 160, 40}, {1, 6, 6, 40}, {{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1}},
      {"one_axis", {2, 12, 8}, {3, 8, 8}, {2, 10, 8}, {{1}, {0}, {0}, {1}, 1}},
      {"no_batch", {0, 5, 5, 8}, {1, 1, 8, 8}, {0, 5, 5, 8}, {{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1}}};
  for (const Geometry& g : geometries)
    for (const Ending& ending : endings()) {
      std::vector<CaseOperand> operands = {values(g.input).between(-100, 100),
                                           of_type(values(g.filter).between(-127, 127), DType::i8)};
      std::optional<CaseOperand> residual;
      if (ending.residual) residual = of_type(values(g.result).between(-90, 90), *ending.residual);
      for (CaseOperand& operand : epilogue(g.filter.back(), residual))
        operands.push_back(std::move(operand));
      cases.push_back(
          {.op = "quantized_convolution",
           .name = g.name + "_" + ending.name,
           .operands = std::move(operands),
           .build =
               [g, ending](Builder&, std::span<const Value> in) {
                 return std::vector{quantized_convolution(in, {g.attributes, ending.attributes})};
               },
           .types = kBytes,
           .check_gradient = false});
    }
}

void add_dots(std::vector<OpCase>& cases) {
  struct Sizes {
    std::vector<int64_t> m;
    int64_t k, n;
    std::vector<int64_t> with(int64_t last) const {
      std::vector<int64_t> sizes = m;
      sizes.push_back(last);
      return sizes;
    }
  };
  for (const Sizes& s : {Sizes{{1}, 64, 10}, Sizes{{7}, 33, 65}, Sizes{{0}, 4, 3},
                         Sizes{{2, 3}, 32, 16}, Sizes{{40}, 132, 150}})
    for (const Ending& ending : endings()) {
      std::vector<CaseOperand> operands = {
          values(s.with(s.k)).between(-100, 100),
          of_type(values({s.k, s.n}).between(-127, 127), DType::i8)};
      std::optional<CaseOperand> residual;
      if (ending.residual)
        residual = of_type(values(s.with(s.n)).between(-90, 90), *ending.residual);
      for (CaseOperand& operand : epilogue(s.n, residual)) operands.push_back(std::move(operand));
      cases.push_back({.op = "quantized_dot",
                       .name = fmt::format("{}x{}_{}", shape_name(s.with(s.k)), s.n, ending.name),
                       .operands = std::move(operands),
                       .build =
                           [ending](Builder&, std::span<const Value> in) {
                             return std::vector{quantized_dot(in, ending.attributes)};
                           },
                       .types = kBytes,
                       .check_gradient = false});
    }
}

void add_weight_only(std::vector<OpCase>& cases) {
  struct Form {
    std::vector<int64_t> lhs;
    int64_t n;
    DType weights = DType::i8;
    int64_t block = 0;
    DType scale = DType::f32;
    std::vector<int64_t> scale_sizes() const {
      if (block == 0) return {n};
      return {(lhs.back() + block - 1) / block, n};
    }
  };
  for (const Form& f :
       {Form{{1, 64}, 10}, Form{{7, 33}, 65}, Form{{0, 4}, 3}, Form{{3, 0}, 5},
        Form{{2, 9, 32}, 16}, Form{{5, 40}, 33, DType::i4}, Form{{3, 7}, 9, DType::i4},
        Form{{2, 96}, 70, DType::i4, 32}, Form{{2, 3, 80}, 17, DType::i4, 32, DType::bf16},
        Form{{9, 25}, 5, DType::i4, 6, DType::bf16}, Form{{4, 48}, 64, DType::i8, 16},
        Form{{3, 0}, 5, DType::i4, 32}})
    cases.push_back(
        {.op = "weight_only_dot",
         .name = fmt::format("{}x{}{}", shape_name(f.lhs), f.n,
                             f.block == 0 && f.weights == DType::i8
                                 ? ""
                                 : fmt::format("_{}_block_{}", name(f.weights), f.block)),
         .operands = {values(f.lhs),
                      of_type(f.weights == DType::i4
                                  ? values({f.lhs.back(), f.n}).between(-8, 7)
                                  : values({f.lhs.back(), f.n}).between(-127, 127),
                              f.weights),
                      of_type(values(f.scale_sizes()).between(-0.01, 0.01), f.scale)},
         .build =
             [block = f.block](Builder&, std::span<const Value> in) {
               return std::vector{weight_only_dot(in[0], in[1], in[2], {.block_size = block})};
             },
         .types = {DType::f32, DType::bf16},
         .check_gradient = false});
}

/// The gradient is not that of the steps: tests/ops/fake_quantize_test.cpp knows what it is.
void add_fake(std::vector<OpCase>& cases) {
  struct Range {
    std::string name;
    std::vector<int64_t> sizes;
    FakeQuantizeAttributes attributes;
  };
  for (const Range& range : {Range{"tensor", {}, {}},
                             {"channels", {65}, {8, true}},
                             {"narrow_4_bits", {}, {4, true}},
                             {"channels_2_bits", {65}, {2, false}}})
    cases.push_back(
        {.op = "fake_quantize",
         .name = range.name,
         .operands = {values({3, 7, 65}).between(-3, 3), values(range.sizes).between(-2, -0.5),
                      values(range.sizes).between(0.1, 2)},
         .build =
             [range](Builder&, std::span<const Value> in) {
               return std::vector{fake_quantize(in[0], in[1], in[2], range.attributes)};
             },
         .types = {DType::f32, DType::f64},
         .check_gradient = false});
}

void add_moving_magnitude(std::vector<OpCase>& cases) {
  struct Form {
    std::string name;
    MovingMagnitudeAttributes attributes;
  };
  for (const Form& form : {Form{"inference", {.ema_decay = 0.9, .training = false}},
                           {"training", {.ema_decay = 0.9, .training = true}},
                           {"slow_training", {.ema_decay = 0.999, .training = true}}})
    cases.push_back({.op = "moving_magnitude",
                     .name = form.name,
                     .operands = {values({3, 65}), values({}).between(0.5, 3)},
                     .build =
                         [form](Builder& builder, std::span<const Value> in) {
                           return std::vector{builder.emit_one("moving_magnitude", {in[0], in[1]},
                                                               form.attributes)};
                         },
                     .types = kFloatTypes,
                     .roundings = 3,
                     .check_gradient = false});
}

}  // namespace

std::vector<OpCase> quantize_cases() {
  std::vector<OpCase> cases;
  add_fake(cases);
  add_moving_magnitude(cases);
  add_linear(cases);
  add_convolutions(cases);
  add_dots(cases);
  add_weight_only(cases);
  return cases;
}

}  // namespace brisk::testing
