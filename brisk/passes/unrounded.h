#pragma once

/// A value before it was rounded to a short type.

#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

/// `value` in the type `wide`: what a cast made it of, where that has the type, else a cast of it.
inline Value unrounded(Value value, DType wide) {
  const Node& node = value.builder->node(value.id.node);
  if (node.op->name == "cast") {
    const Value before{value.builder, node.operands[0]};
    if (before.dtype() == wide) return before;
  }
  return cast(value, wide);
}

}  // namespace brisk
