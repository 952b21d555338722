#pragma once

/// The elementwise ops by group, one table file each, and all of them.

#include "brisk/ir/op.h"

namespace brisk {

void add_arithmetic_ops(OpSet& set);
void add_math_ops(OpSet& set);
void add_rounding_ops(OpSet& set);
void add_activation_ops(OpSet& set);
void add_comparison_ops(OpSet& set);
void add_logic_ops(OpSet& set);
void add_selection_ops(OpSet& set);
void add_conversion_ops(OpSet& set);

void add_elementwise_ops(OpSet& set);

}  // namespace brisk
