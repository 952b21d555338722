#pragma once

/// Ops that ONNX cannot say, said with ops that it can: what fused ops stand for, windows at places
/// that are data, padding between elements, shifts of signed integers, gradients at filters.

#include "brisk/ir/graph.h"

namespace brisk::onnx {

Graph in_plain_ops(const Graph& graph);

}  // namespace brisk::onnx
