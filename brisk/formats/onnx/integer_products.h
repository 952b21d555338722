#pragma once

/// Float products between DequantizeLinear and QuantizeLinear, found as the integer products that
/// they mean, and those behind a DequantizeLinear of their weights alone: nodes of the domain
/// "brisk", which brisk/formats/onnx/ops/integer_products.cpp reads.
///
///     QuantizedConv, QuantizedGemm: x, filter (i8), bias (f32, in units of the sums), multiplier
///     (f32 by channel) and the residual; attributes are those of RequantizeAttributes
///     (brisk/ops/quantize/quantize.h), of the convolution or of Gemm (MatMul has none), and the
///     filter's name.
///     WeightOnlyMatMul: x, filter (of 8 or 4 bits), scale (of each column, or of each block of its
///     rows); attributes block_size (0: columns) and the filter's name.

#include "brisk/formats/onnx/model_def.h"

namespace brisk::onnx {

inline constexpr std::string_view kBrisk = "brisk";

/// What is not of that form (zero points other than the middle of the type, scales that are
/// computed, tensors that were not read) stays as it is.
GraphDef with_integer_products(GraphDef graph);

}  // namespace brisk::onnx
