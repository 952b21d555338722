#pragma once

/// What every case of an op is held to. Each check throws or reports through EXPECT.

#include "tests/support/op_case.h"

namespace brisk::testing {

/// In every element type: the op occurs in the graph, evaluating gives the inferred types, and the
/// text form reads back equal.
void check_meaning(const OpCase& op_case);
/// In every element type: each backend agrees with plain evaluation, lowered with and without
/// fusion.
void check_backends(const OpCase& op_case);
/// In f32: each backend computes the gradient of a projection as plain evaluation does.
void check_gradient_on_backends(const OpCase& op_case);
/// In f64: the gradient agrees with finite differences; where every op of the graph is smooth, the
/// gradient of a projection of the gradient too.
void check_gradient(const OpCase& op_case);
/// In f64: results and gradients are those of the graph with its decomposable ops decomposed.
void check_decomposition(const OpCase& op_case);
/// Where the op has an index map: it names the source of each element.
void check_index_map(const OpCase& op_case);

}  // namespace brisk::testing
