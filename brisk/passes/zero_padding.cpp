#include "brisk/passes/zero_padding.h"

#include <algorithm>

#include "brisk/ops/source/source.h"

namespace brisk {
namespace {

/// Whether `value` is a scalar constant 0, cast or not.
bool is_zero(const Builder& builder, ValueId value) {
  const Node& node = builder.node(value.node);
  if (node.op->name == "cast") return is_zero(builder, node.operands[0]);
  return node.op->name == "constant" && node.attributes.as<ConstantAttributes>().value.get(0) == 0;
}

}  // namespace

std::optional<PadAttributes> zero_padding(const Builder& builder, const Node& node) {
  if (node.op->name != "pad" || !is_zero(builder, node.operands[1])) return std::nullopt;
  const auto& pad = node.attributes.as<PadAttributes>();
  const auto not_negative = [](int64_t value) { return value >= 0; };
  const bool space_alone =
      std::ranges::all_of(pad.interior, [](int64_t value) { return value == 0; }) &&
      std::ranges::all_of(pad.low, not_negative) && std::ranges::all_of(pad.high, not_negative) &&
      pad.low.front() == 0 && pad.high.front() == 0 && pad.low.back() == 0 && pad.high.back() == 0;
  return space_alone ? std::optional(pad) : std::nullopt;
}

}  // namespace brisk
