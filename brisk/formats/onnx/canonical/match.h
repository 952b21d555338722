#pragma once

/// Whether a value is made as a pattern says: the same ops with the same attributes over operands
/// that the pattern's inputs stand for.

#include <optional>
#include <vector>

#include "brisk/ir/builder.h"

namespace brisk::onnx {

/// An elementwise formula over rank-0 inputs, which stand for values of any shape.
/// What the inputs stand for where `value` is the formula's result; nothing where it is not.
/// Operands of commutative ops are tried in both orders; a number is matched however it is spread.
std::optional<std::vector<Value>> match(const Graph& formula, const Value& value);

}  // namespace brisk::onnx
