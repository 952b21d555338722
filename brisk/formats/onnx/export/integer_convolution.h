#pragma once

/// Convolutions of integers. ONNX has those of 8-bit ones, of which zero points are subtracted,
/// into 32 bits: ConvInteger.

#include "brisk/formats/onnx/export/emitter.h"

namespace brisk::onnx {

/// The inputs of the ConvInteger that a convolution of i32 is; refused where its operands are not
/// what 8-bit integers and their zero points make.
std::vector<std::string> integer_convolution_inputs(Emitter& emitter, const Node& node);

}  // namespace brisk::onnx
