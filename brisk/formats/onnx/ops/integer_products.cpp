#include "brisk/formats/onnx/integer_products.h"

#include "brisk/base/packed_integers.h"
#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/convolution.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/quantize/quantize.h"
#include "brisk/ops/quantize/weight_only.h"

// The nodes that with_integer_products makes. A filter of integers is state, as other weights are.

namespace brisk::onnx {
namespace {

enum Input : size_t { kX, kFilter, kBias, kMultiplier, kResidual, kScale = kBias };

template <typename Enum>
Enum named(std::string_view name) {
  const auto names = enum_names(Enum{});
  return static_cast<Enum>(std::find(names.begin(), names.end(), name) - names.begin());
}

RequantizeAttributes requantize_attributes(const Call& c) {
  const std::string dtype = c.text("dtype", "f32");
  RequantizeAttributes attributes{.activation = named<Activation>(c.text("activation", "none")),
                                  .limit = c.real("limit", 6),
                                  .residual = c.has(kResidual),
                                  .residual_scale = c.real("residual_scale", 1),
                                  .product_scale = c.real("product_scale", 0),
                                  .product_low = c.integer("product_low", -128),
                                  .product_high = c.integer("product_high", 127),
                                  .scale = c.real("scale", 0)};
  if (dtype != "f32") attributes.dtype = dtype == "i8" ? DType::i8 : DType::u8;
  return attributes;
}

/// The filter, by its name among the weights.
Value filter_of(Call& c) {
  return c.trace.value(c.trace.weight(c.text("filter_name", ""), c.known(kFilter)));
}

void quantized_conv(Call& c) {
  const Value x = c.in(kX), filter = filter_of(c);
  std::vector<Value> operands = {channels_last(x), filter_last(filter), c.in(kBias),
                                 c.in(kMultiplier)};
  if (c.has(kResidual)) operands.push_back(channels_last(c.in(kResidual)));
  c.out(channels_first(quantized_convolution(
      operands, {convolution_attributes(c, x, filter), requantize_attributes(c)})));
}

void quantized_gemm(Call& c) {
  Value filter = filter_of(c);
  if (c.integer("transB", 0) != 0) filter = transpose(filter, {1, 0});
  // MatMul takes a vector, too.
  const auto as_rows = [](Value x) {
    return x.rank() > 1 ? x : reshape(x, {Extent(1), x.shape()[0]});
  };
  std::vector<Value> operands = {as_rows(c.in(kX)), filter, c.in(kBias), c.in(kMultiplier)};
  if (c.has(kResidual)) operands.push_back(as_rows(c.in(kResidual)));
  const Value y = quantized_dot(operands, requantize_attributes(c));
  c.out(c.rank(kX) > 1 ? y : reshape(y, {y.shape()[1]}));
}

/// Integers of 4 bits are packed again.
Value packed_filter_of(Call& c) {
  const HostTensor& filter = c.known(kFilter);
  if (filter.element != ElementType::i4) return filter_of(c);
  return c.trace.value(
      c.trace.weight(c.text("filter_name", ""), HostTensor(packed_i4(filter.tensor))));
}

void weight_only_matmul(Call& c) {
  Value x = c.in(kX);
  if (x.rank() < 2) x = reshape(x, {Extent(1), x.shape()[0]});
  // What was rounded to bf16 is multiplied as such.
  const Node& maker = x.builder->node(x.id.node);
  if (maker.op->name == "cast")
    if (const Value source{x.builder, maker.operands[0]}; source.dtype() == DType::bf16) x = source;
  const Value y = weight_only_dot(x, packed_filter_of(c), c.in(kScale),
                                  {.block_size = c.integer("block_size", 0)});
  c.out(c.rank(kX) > 1 ? y : reshape(y, {y.shape()[1]}));
}

constexpr OpRow kIntegerProductRows[] = {
    {"QuantizedConv", quantized_conv, 1, kBrisk},
    {"QuantizedGemm", quantized_gemm, 1, kBrisk},
    {"WeightOnlyMatMul", weight_only_matmul, 1, kBrisk},
};

}  // namespace

std::span<const OpRow> integer_product_ops() {
  return kIntegerProductRows;
}

}  // namespace brisk::onnx
