#pragma once

/// Ops that ONNX lacks, or has only since some opset, as formulas of ops that it has. The writer
/// writes the formula; a formula that is read becomes the op again.

#include <cstdint>
#include <map>
#include <string>

#include "brisk/ir/builder.h"

namespace brisk::onnx {

/// The graph with formulas in place of the ops that ONNX lacks in `opset`.
Graph written_out(const Graph& graph, int64_t opset);

/// Finds formulas. Keeps what they look like in each element type.
class FormulaReader {
 public:
  /// The op whose formula a node with these operands would be.
  std::optional<Value> read(Builder& builder, const Node& node, std::span<const Value> operands);

 private:
  const Graph& formula(size_t row, DType type);
  std::map<std::pair<size_t, DType>, Graph> formulas_;
};

}  // namespace brisk::onnx
