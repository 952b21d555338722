#pragma once

/// What an ONNX file has to say with other ops, as brisk's own.

#include "brisk/ir/graph.h"

namespace brisk::onnx {

/// By the tables of rule.h, and formulas (formulas.h) as the ops that they stand for.
Graph with_own_ops(const Graph& graph);

/// By the tables alone.
Graph by_rules(const Graph& graph);

}  // namespace brisk::onnx
