#pragma once

/// The move kind: ops that rearrange the elements of their first operand.

#include <string>

#include "brisk/ir/op.h"

namespace brisk {

/// An op of one operand; the op adds its shape rule and gradient.
Op move(std::string name);

/// The operand's type under another shape. A quantization of the whole tensor stays; one per axis
/// or block is refused, since its axis would have moved.
Type moved(const InferContext& context, Shape shape);

/// Refuses attribute lists whose length is not the operand's rank, with `what` they are.
void check_count(const InferContext& context, size_t given, std::string_view what);
/// Refuses axes that are out of [0, rank) or not strictly ascending.
void check_ascending_axes(const InferContext& context, const std::vector<int64_t>& axes,
                          int64_t rank);

/// A map of `operand_rank` rows that reads nothing but offset 0 yet: rows are filled by the op.
IndexMap empty_map(int64_t operand_rank, int64_t result_rank);

}  // namespace brisk
