#include "brisk/formats/onnx/canonical/captures.h"

#include <algorithm>

#include "brisk/formats/onnx/canonical/needed_order.h"
#include "brisk/ir/rewrite.h"
#include "brisk/ops/control/control.h"

namespace brisk::onnx {
namespace {

/// Inputs of the regions, which all have the same ones, in the order of their first use; those that
/// nothing uses are left out.
std::vector<size_t> first_used(std::span<const Graph> regions) {
  std::vector<size_t> order;
  for (const Graph& region : regions)
    for (const NodeId id : needed_order(region)) {
      const auto found = std::find(region.inputs().begin(), region.inputs().end(), id);
      if (found == region.inputs().end()) continue;
      const auto i = static_cast<size_t>(found - region.inputs().begin());
      if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
    }
  return order;
}

/// The region with inputs `inputs` of its own, and outputs `outputs`.
Graph with_ports(const Graph& region, const std::vector<size_t>& inputs,
                 const std::vector<size_t>& outputs) {
  Builder builder(region.ops(), region.name());
  std::vector<Value> given(region.inputs().size());
  for (const size_t i : inputs)
    given[i] = builder.input(region.input_name(i), region.input_type(i));
  // One that is left out is used by nothing, and falls away with what stands for it.
  for (size_t i = 0; i < given.size(); ++i)
    if (!given[i].defined()) given[i] = zeros(builder, region.input_type(i));
  const std::vector<Value> results = builder.inline_graph(region, given);
  std::vector<Builder::Output> kept;
  for (const size_t i : outputs) kept.push_back({region.outputs()[i].name, results[i]});
  return builder.finish(kept);
}

std::vector<size_t> counted(size_t count) {
  std::vector<size_t> result(count);
  for (size_t i = 0; i < count; ++i) result[i] = i;
  return result;
}

/// The order that a node's operands (behind `first`, the predicate of a branch) shall have.
std::vector<size_t> port_order(const Node& node) {
  const std::vector<size_t> used = first_used(node.regions);
  if (node.op->name == "branch") return used;
  const size_t count = node.operands.size();
  const auto is_own = [&](size_t i) {
    if (node.op->name == "scan") {
      const auto& a = node.attributes.as<ScanAttributes>();
      return static_cast<int64_t>(i) < a.num_carries + a.num_sequences;
    }
    const Graph &condition = node.regions[0], &body = node.regions[1];
    const bool unchanged = body.outputs()[i].value == ValueId{body.inputs()[i], 0};
    return !unchanged || condition.outputs()[0].value == ValueId{condition.inputs()[i], 0};
  };
  std::vector<size_t> order;
  for (size_t i = 0; i < count; ++i)
    if (is_own(i)) order.push_back(i);
  for (const size_t i : used)
    if (!is_own(i)) order.push_back(i);
  if (node.op->name == "loop")  // gives back all that it takes
    for (size_t i = 0; i < count; ++i)
      if (std::find(order.begin(), order.end(), i) == order.end()) order.push_back(i);
  return order;
}

std::optional<std::vector<Value>> reordered(Builder& builder, const Node& node,
                                            std::span<const Value> operands) {
  const bool is_branch = node.op->name == "branch", is_loop = node.op->name == "loop";
  if (!is_branch && !is_loop && node.op->name != "scan") return std::nullopt;
  const size_t first = is_branch ? 1 : 0;
  const std::vector<size_t> order = port_order(node);
  if (order == counted(operands.size() - first)) return std::nullopt;
  std::vector<Value> given(operands.begin(), operands.begin() + static_cast<ptrdiff_t>(first));
  for (const size_t i : order) given.push_back(operands[first + i]);
  std::vector<Graph> regions;
  for (size_t r = 0; r < node.regions.size(); ++r) {
    const Graph& region = node.regions[r];
    const bool is_body = is_loop && r == 1;
    regions.push_back(
        with_ports(region, order, is_body ? order : counted(region.outputs().size())));
  }
  const std::vector<Value> results =
      builder.emit(*node.op, given, node.attributes, std::move(regions));
  if (!is_loop) return results;
  std::vector<Value> in_place(results.size());
  for (size_t i = 0; i < order.size(); ++i) in_place[order[i]] = results[i];
  return in_place;
}

}  // namespace

Graph with_ordered_captures(const Graph& graph) {
  return rewrite(graph,
                 [](Builder& builder, const Node& node, NodeId, std::span<const Value> operands) {
                   return reordered(builder, node, operands);
                 });
}

}  // namespace brisk::onnx
