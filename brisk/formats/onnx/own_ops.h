#pragma once

/// ONNX writes with several ops, or in several ways, what brisk has one op for. These rewrites find
/// it again, so that what was written comes back as it was.

#include "brisk/ir/graph.h"

namespace brisk::onnx {

Graph with_own_ops(const Graph& graph);

}  // namespace brisk::onnx
