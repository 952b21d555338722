#include "brisk/ops/fused/fused.h"

#include <array>
#include <tuple>

#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/filter_order.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "tests/support/op_cases.h"

namespace brisk::testing {
namespace {

/// Bias over the last axis, an activation, and a sum of the result over it.
std::vector<Value> build_loop(Builder& builder, std::span<const Value> in) {
  Builder body(builder.ops(), "loop");
  const Value x = body.input("x", in[0].type()), bias = body.input("bias", in[1].type());
  const Value y = tanh(x + broadcast_to(bias, x.shape()));
  const Value total = reduce_sum(y * x, {x.rank() - 1}, true);
  return fused_loop(in, body.finish({{"y", y}, {"scaled_total", total * 0.5}}));
}

void add_loops(std::vector<OpCase>& cases) {
  for (const std::vector<int64_t>& sizes :
       std::vector<std::vector<int64_t>>{{3, 65}, {2, 1025}, {17}, {1, 1}, {0, 3}, {2, 3, 33}})
    cases.push_back({.op = "fused_loop",
                     .name = shape_name(sizes),
                     .operands = {values(sizes), values({sizes.back()})},
                     .build = build_loop,
                     .types = kFloatTypes,
                     .roundings = 4});
}

/// Of operands (x, y) for each loop, then a scalar that all read.
template <bool folds>
std::vector<Value> build_group(Builder& builder, std::span<const Value> in) {
  std::vector<Value> operands;
  std::vector<Graph> members;
  for (size_t i = 0; i + 1 < in.size(); i += 2) {
    Builder body(builder.ops(), "loop");
    const Value x = body.input("x", in[i].type()), y = body.input("y", in[i + 1].type());
    const Value rate = body.input("rate", in.back().type());
    const Value sum = x + y * broadcast_to(rate, x.shape());
    if (folds)
      members.push_back(body.finish({{"sum", sum}, {"total", reduce_sum(sum * y) + rate}}));
    else
      members.push_back(body.finish({{"sum", sum}, {"product", tanh(sum) * y}}));
    operands.insert(operands.end(), {in[i], in[i + 1], in.back()});
  }
  return loop_group(operands, std::move(members));
}

/// Sizes with and without whole vectors, more loops than one launch takes, an empty one.
void add_groups(std::vector<OpCase>& cases) {
  const std::vector<std::vector<int64_t>> few = {{3, 3, 2, 5}, {65}, {33000}, {2}};
  std::vector<std::vector<int64_t>> many;
  for (int64_t i = 0; i < 75; ++i) many.push_back({i % 3 + 2});
  for (const auto& [name, sizes] :
       {std::pair("few", few), std::pair("many", many),
        std::pair("one_is_empty", std::vector<std::vector<int64_t>>{{5}, {0}, {7}})}) {
    std::vector<CaseOperand> operands;
    for (const std::vector<int64_t>& size : sizes)
      operands.insert(operands.end(), {values(size), values(size)});
    operands.push_back(values({}));
    for (const bool folds : {false, true})
      cases.push_back({.op = "loop_group",
                       .name = fmt::format("{}{}", name, folds ? "_with_folds" : ""),
                       .operands = operands,
                       .build = folds ? build_group<true> : build_group<false>,
                       .types = kFloatTypes,
                       .roundings = 4});
  }
}

std::string text_of(Activation activation) {
  return std::string(enum_names(activation)[static_cast<size_t>(activation)]);
}

void add_convolution(std::vector<OpCase>& cases, const std::string& name,
                     std::vector<CaseOperand> operands, const FusedConvolutionAttributes& form,
                     bool check_gradient = true) {
  cases.push_back(
      {.op = "fused_convolution",
       .name =
           fmt::format("{}{}{}{}", name, form.bias ? "bias_" : "", form.residual ? "residual_" : "",
                       form.activation == Activation::none ? "linear" : text_of(form.activation)),
       .operands = std::move(operands),
       .build = [=](Builder&,
                    std::span<const Value> in) { return std::vector{fused_convolution(in, form)}; },
       .types = kFloatTypes,
       .roundings = 3,
       .check_gradient = check_gradient,
       .num_weights = form.bias ? 2u : 1u});
}

void add_convolutions(std::vector<OpCase>& cases) {
  const ConvolutionAttributes geometry{{1, 2}, {1, 1}, {1, 0}, {1, 1}, 1};
  for (const bool bias : {false, true})
    for (const bool residual : {false, true})
      for (const Activation activation : {Activation::none, Activation::relu, Activation::relu6}) {
        std::vector<CaseOperand> operands = {values({2, 5, 7, 3}), values({3, 3, 3, 5})};
        if (bias) operands.push_back(values({5}));
        if (residual) operands.push_back(values({2, 5, 3, 5}));
        add_convolution(cases, "", std::move(operands), {geometry, bias, residual, activation});
      }
}

/// 1x1, in as many tiles of CUDA's own products as a device has processors.
void add_pointwise_convolutions(std::vector<OpCase>& cases) {
  const ConvolutionAttributes geometry{{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1};
  for (const bool bias : {false, true})
    for (const bool residual : {false, true}) {
      std::vector<CaseOperand> operands = {values({1, 14, 15, 64}), values({1, 1, 64, 2112})};
      if (bias) operands.push_back(values({2112}));
      if (residual) operands.push_back(values({1, 14, 15, 2112}));
      add_convolution(cases, "pointwise_", std::move(operands),
                      {geometry, bias, residual, bias ? Activation::relu : Activation::none},
                      false);
    }
}

/// A first layer that CUDA has a kernel of its own for, of rows enough for a whole device.
void add_photograph(std::vector<OpCase>& cases) {
  const ConvolutionAttributes geometry{{2, 2}, {1, 1}, {1, 1}, {1, 1}, 1};
  for (const bool bias : {false, true})
    for (const Activation activation : {Activation::none, Activation::relu}) {
      std::vector<CaseOperand> operands = {values({3, 88, 8, 3}), values({3, 3, 3, 64})};
      if (bias) operands.push_back(values({64}));
      add_convolution(cases, "photograph_", std::move(operands),
                      {geometry, bias, false, activation});
    }
}

/// What CUDA's kernel of 3x3 convolutions takes: 64 channels, a tile for each multiprocessor.
void add_halo_convolution(std::vector<OpCase>& cases) {
  const ConvolutionAttributes geometry{{1, 1}, {1, 1}, {1, 1}, {1, 1}, 1};
  add_convolution(cases, "tiles_", {values({132, 1, 94, 64}), values({3, 3, 64, 64}), values({64})},
                  {geometry, true, false, Activation::relu});
  cases.back().types = {DType::f16};
  cases.back().check_gradient = false;
}

/// What CUDA's kernel of few places takes: a depth of one chunk and of many, tiles with places
/// beyond the last, several images, a depth that several blocks share, strides, padding.
void add_small_convolutions(std::vector<OpCase>& cases) {
  struct Form {
    std::vector<int64_t> image, filter;
    std::vector<int64_t> strides, low, high;
    bool bias, residual;
    Activation activation;
  };
  const std::vector<Form> forms = {
      {{1, 9, 9, 32}, {1, 1, 32, 32}, {1, 1}, {0, 0}, {0, 0}, false, false, Activation::none},
      {{2, 7, 9, 64}, {3, 3, 64, 96}, {2, 1}, {1, 0}, {1, 2}, true, true, Activation::relu},
      {{3, 8, 8, 96}, {5, 3, 96, 32}, {1, 1}, {2, 1}, {2, 1}, true, false, Activation::none},
      {{1, 6, 6, 256}, {1, 1, 256, 32}, {1, 1}, {0, 0}, {0, 0}, false, true, Activation::relu},
      {{1, 9, 7, 512}, {1, 1, 512, 64}, {2, 2}, {0, 0}, {0, 0}, true, false, Activation::relu},
      {{1, 5, 5, 512}, {3, 3, 512, 64}, {1, 1}, {1, 1}, {1, 1}, true, true, Activation::relu},
      {{1, 14, 14, 32}, {1, 1, 32, 1536}, {1, 1}, {0, 0}, {0, 0}, true, true, Activation::relu}};
  for (const auto& [image, filter, strides, low, high, bias, residual, activation] : forms) {
    std::vector<CaseOperand> operands = {values(image), values(filter)};
    if (bias) operands.push_back(values({filter[3]}));
    if (residual) {
      std::vector<int64_t> sizes = {image[0], 0, 0, filter[3]};
      for (const size_t axis : {0, 1})
        sizes[axis + 1] =
            (image[axis + 1] + low[axis] + high[axis] - filter[axis]) / strides[axis] + 1;
      operands.push_back(values(sizes));
    }
    add_convolution(cases, fmt::format("{}_by_{}_", shape_name(image), shape_name(filter)),
                    std::move(operands),
                    {{strides, low, high, {1, 1}, 1}, bias, residual, activation}, false);
    cases.back().types = {DType::f16, DType::bf16};
  }
}

/// Strides, dilation, padding and groups of other kinds than above.
void add_grouped_convolution(std::vector<OpCase>& cases) {
  const ConvolutionAttributes geometry{{2, 1}, {2, 0}, {0, 2}, {2, 1}, 3};
  add_convolution(cases, "grouped_dilated_",
                  {values({2, 5, 7, 3}), values({3, 3, 1, 6}), values({6}), values({2, 2, 7, 6})},
                  {geometry, true, true, Activation::relu});
}

/// More filters than one launch takes; sizes within tiles and beyond, odd and even, an empty one.
void add_ordered_filters(std::vector<OpCase>& cases) {
  std::vector<std::vector<int64_t>> many(125, {1, 2, 3});
  for (size_t i = 0; i < many.size(); ++i) many[i][2] = static_cast<int64_t>(i) % 4 + 1;
  for (const auto& [name, sizes] :
       {std::pair("few",
                  std::vector<std::vector<int64_t>>{{3, 3, 7, 5}, {1, 1, 130, 66}, {2, 1, 65}}),
        std::pair("one_is_empty",
                  std::vector<std::vector<int64_t>>{{2, 3, 4}, {0, 3, 4}, {1, 3, 2}}),
        std::pair("many", many)})
    for (const DType type : {DType::f32, DType::f16}) {
      std::vector<CaseOperand> operands;
      for (const std::vector<int64_t>& size : sizes) operands.push_back(values(size));
      cases.push_back(
          {.op = "ordered_filters",
           .name = fmt::format("{}_to_{}", name, brisk::name(type)),
           .operands = std::move(operands),
           .build = [type = type](Builder&,
                                  std::span<const Value> in) { return ordered_filters(in, type); },
           .types = kFloatTypes,
           .roundings = 2,
           .check_gradient = false});
    }
}

/// The op of a convolution of these operands, for ordered_convolution.
Node convolution_like(std::span<const Value> in, const ConvolutionAttributes& geometry,
                      bool backward, const Shape& shape) {
  Builder alone(in[0].builder->ops(), "alone");
  const Value x = alone.input("x", in[0].type()), filter = alone.input("filter", in[1].type());
  const Value y = backward ? convolution_input_gradient(x, filter, shape, geometry)
                           : convolution(x, filter, geometry);
  return alone.node(y.id.node);
}

void add_ordered_convolutions(std::vector<OpCase>& cases) {
  const ConvolutionAttributes padded{{1, 2}, {1, 1}, {1, 0}, {1, 1}, 1};
  const ConvolutionAttributes pointwise{{1, 1}, {0, 0}, {0, 0}, {1, 1}, 1};
  for (const auto& [name, input, filter, result, geometry] :
       {std::tuple("padded", Shape{2, 5, 7, 3}, std::vector<int64_t>{3, 3, 3, 5}, Shape{2, 5, 3, 5},
                   padded),
        std::tuple("pointwise", Shape{2, 5, 7, 16}, std::vector<int64_t>{1, 1, 16, 24},
                   Shape{2, 5, 7, 24}, pointwise)})
    for (const bool backward : {false, true})
      cases.push_back(
          {.op = "ordered_convolution",
           .name = fmt::format("{}{}", name, backward ? "_backward" : ""),
           .operands = {values((backward ? result : input).sizes()), values(filter)},
           .build =
               [=, shape = input, geometry = geometry](Builder&, std::span<const Value> in) {
                 const std::vector<Value> operands = {
                     in[0], ordered_filters(in.subspan(1, 1), in[1].dtype())[0]};
                 return ordered_convolution(convolution_like(in, geometry, backward, shape),
                                            operands);
               },
           .types = kFloatTypes,
           .roundings = 3});
}

void add_dots(std::vector<OpCase>& cases) {
  for (const bool transpose_lhs : {false, true})
    for (const bool transpose_rhs : {false, true})
      for (const bool bias : {false, true})
        for (const Activation activation :
             {Activation::none, Activation::relu, Activation::relu6}) {
          std::vector<CaseOperand> operands = {transpose_lhs ? values({33, 7}) : values({7, 33}),
                                               transpose_rhs ? values({17, 33}) : values({33, 17})};
          if (bias) operands.push_back(values({17}));
          cases.push_back(
              {.op = "fused_dot",
               .name = fmt::format(
                   "{}{}{}{}", transpose_lhs ? "t" : "n", transpose_rhs ? "t" : "n",
                   bias ? "_bias" : "",
                   activation == Activation::none ? "" : fmt::format("_{}", text_of(activation))),
               .operands = std::move(operands),
               .build =
                   [=](Builder&, std::span<const Value> in) {
                     return std::vector{
                         fused_dot(in, {transpose_lhs, transpose_rhs, bias, activation})};
                   },
               .types = kFloatTypes,
               .roundings = 3,
               .num_weights = bias ? 2u : 1u});
        }
}

/// What CUDA's kernel of few rows takes: one and many, columns that fill no tile.
void add_small_dots(std::vector<OpCase>& cases) {
  for (const auto& [rows, depth, columns] :
       std::vector<std::array<int64_t, 3>>{{1, 256, 40}, {33, 96, 72}, {7, 2048, 32}})
    for (const bool transpose : {false, true}) {
      const std::vector<int64_t> right =
          transpose ? std::vector{columns, depth} : std::vector{depth, columns};
      cases.push_back(
          {.op = "fused_dot",
           .name = fmt::format("{}x{}_by_{}_bias_relu", rows, depth, shape_name(right)),
           .operands = {values({rows, depth}), values(right), values({columns})},
           .build =
               [transpose](Builder&, std::span<const Value> in) {
                 return std::vector{fused_dot(in, {false, transpose, true, Activation::relu})};
               },
           .types = {DType::f16, DType::bf16},
           .roundings = 3,
           .check_gradient = false,
           .num_weights = 2});
    }
}

}  // namespace

std::vector<OpCase> fused_cases() {
  std::vector<OpCase> cases;
  add_loops(cases);
  add_groups(cases);
  add_convolutions(cases);
  add_photograph(cases);
  add_pointwise_convolutions(cases);
  add_halo_convolution(cases);
  add_small_convolutions(cases);
  add_grouped_convolution(cases);
  add_ordered_filters(cases);
  add_ordered_convolutions(cases);
  add_dots(cases);
  add_small_dots(cases);
  return cases;
}

}  // namespace brisk::testing
