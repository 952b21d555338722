#include "brisk/ops/elementwise/elementwise_ops.h"

namespace brisk {

void add_elementwise_ops(OpSet& set) {
  add_arithmetic_ops(set);
  add_math_ops(set);
  add_rounding_ops(set);
  add_activation_ops(set);
  add_comparison_ops(set);
  add_logic_ops(set);
  add_selection_ops(set);
  add_conversion_ops(set);
}

}  // namespace brisk
