#include "brisk/passes/absorb_padding.h"

#include <algorithm>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

namespace brisk {
namespace {

/// Whether `value` is a scalar constant 0, cast or not.
bool is_zero(const Builder& builder, ValueId value) {
  const Node& node = builder.node(value.node);
  if (node.op->name == "cast") return is_zero(builder, node.operands[0]);
  return node.op->name == "constant" && node.attributes.as<ConstantAttributes>().value.get(0) == 0;
}

/// Nothing between elements, nothing before or behind batch and channels, nothing cut off.
bool pads_space_alone(const PadAttributes& pad) {
  const auto not_negative = [](int64_t value) { return value >= 0; };
  return std::ranges::all_of(pad.interior, [](int64_t value) { return value == 0; }) &&
         std::ranges::all_of(pad.low, not_negative) &&
         std::ranges::all_of(pad.high, not_negative) && pad.low.front() == 0 &&
         pad.high.front() == 0 && pad.low.back() == 0 && pad.high.back() == 0;
}

Graph absorb(const Graph& graph) {
  return rewrite(graph,
                 [](Builder& builder, const Node& node, NodeId,
                    std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                   if (node.op->name != "convolution") return std::nullopt;
                   const Node& producer = builder.node(operands[0].id.node);
                   if (producer.op->name != "pad" || !is_zero(builder, producer.operands[1]))
                     return std::nullopt;
                   const auto pad = producer.attributes.as<PadAttributes>();
                   if (!pads_space_alone(pad)) return std::nullopt;
                   auto geometry = node.attributes.as<ConvolutionAttributes>();
                   for (size_t axis = 0; axis < geometry.strides.size(); ++axis) {
                     // A convolution that crops takes back what was padded; the sum is the same.
                     geometry.pad_low[axis] += pad.low[axis + 1];
                     geometry.pad_high[axis] += pad.high[axis + 1];
                   }
                   return std::vector<Value>{
                       convolution({&builder, producer.operands[0]}, operands[1], geometry)};
                 });
}

}  // namespace

Program absorb_padding(Program program, const PassContext&) {
  program.graph = absorb(program.graph);
  return program;
}

}  // namespace brisk
