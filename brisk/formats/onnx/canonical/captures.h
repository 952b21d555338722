#pragma once

/// In ONNX a sub-graph sees the names around it, in brisk a region is given what it takes: an order
/// that no file tells, and that is the order of first use.

#include "brisk/ir/graph.h"

namespace brisk::onnx {

/// What branches, scans and loops only take from outside stands behind their own operands, in the
/// order in which their regions first need it. Scans and branches take nothing that they do not
/// need.
Graph with_ordered_captures(const Graph& graph);

}  // namespace brisk::onnx
