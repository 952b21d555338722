#include "brisk/compress/planned_rewrite.h"

#include "brisk/base/error.h"

namespace brisk {

PlannedRewrite::PlannedRewrite(const Program& folded, QuantizePlan plan)
    : folded_(folded),
      graph_(folded.graph),
      plan_(std::move(plan)),
      builder_(graph_.ops(), graph_.name()) {}

Value PlannedRewrite::to_integers(Value, ValueId value) {
  invariant(false, "the plan names integers, such as value {}, that nobody makes", value.node);
  return {};
}

Value PlannedRewrite::to_floats(Value, ValueId value) {
  invariant(false, "the plan names integers, such as value {}, that nobody turns back", value.node);
  return {};
}

Value PlannedRewrite::product_input(const ProductPlan& product) {
  return as_integers(graph_.node(product.node).operands[0]);
}

Value PlannedRewrite::joined(const Node& node, NodeId) {
  std::vector<Value> parts;
  for (const ValueId& operand : node.operands) parts.push_back(as_integers(operand));
  return PlannedRewrite::copy(node, parts)[0];
}

bool PlannedRewrite::is_part(ValueId value) const {
  const ValueId source = plan_.integers.at(value);
  return source != value && joins_elements(graph_.node(source.node));
}

std::vector<Value> PlannedRewrite::copy(const Node& node, std::span<const Value> operands) {
  return builder_.emit(*node.op, operands, node.attributes, node.regions);
}

void PlannedRewrite::stays_float(const Node&, const std::string&) {}

void PlannedRewrite::set_input(size_t input, Value value) {
  floats_[{graph_.inputs()[input], 0}] = value;
}

void PlannedRewrite::add_batch_inputs() {
  for (size_t i = folded_.state.size(); i < graph_.inputs().size(); ++i)
    set_input(i, builder_.input(graph_.input_name(i), graph_.input_type(i)));
}

std::vector<Builder::Output> PlannedRewrite::write_nodes() {
  for (size_t id = 0; id < graph_.nodes().size(); ++id)
    if (graph_.nodes()[id].op->name != "input") write_node(static_cast<NodeId>(id));
  std::vector<Builder::Output> outputs;
  for (const NamedValue& output : graph_.outputs())
    outputs.push_back({output.name, as_float(output.value)});
  return outputs;
}

Value PlannedRewrite::as_float(ValueId value) {
  if (const auto found = floats_.find(value); found != floats_.end()) return found->second;
  return floats_[value] = to_floats(integers_.at(value), value);
}

Value PlannedRewrite::as_integers(ValueId value) {
  if (const auto found = integers_.find(value); found != integers_.end()) return found->second;
  return integers_[value] = to_integers(floats_.at(value), value);
}

void PlannedRewrite::write_node(NodeId id) {
  if (plan_.products.contains(id)) return write_product(id);
  const Node& node = graph_.node(id);
  if (is_integer({id, 0}) && joins_elements(node)) {
    const LabelScope label(builder_, node.label);
    integers_[{id, 0}] = joined(node, id);
    return;
  }
  write_copy(id, is_integer({id, 0}) && moves_elements(node));
}

void PlannedRewrite::write_product(NodeId id) {
  const Node& node = graph_.node(id);
  const LabelScope label(builder_, node.label);
  const ProductPlan& plan = plan_.products.at(id);
  const Value input = product_input(plan);
  const Value residual = plan.residual ? as_integers(node.operands.back()) : Value{};
  (is_integer({id, 0}) ? integers_ : floats_)[{id, 0}] = product(plan, input, residual);
}

void PlannedRewrite::write_copy(NodeId id, bool moved) {
  const Node& node = graph_.node(id);
  const LabelScope label(builder_, node.label);
  if (const auto reason = plan_.reasons.find(id); reason != plan_.reasons.end())
    stays_float(node, reason->second);
  std::vector<Value> operands;
  for (const ValueId& operand : node.operands)
    operands.push_back(moved ? as_integers(operand) : as_float(operand));
  const std::vector<Value> results = copy(node, operands);
  for (size_t r = 0; r < results.size(); ++r)
    (moved && r == 0 ? integers_ : floats_)[{id, static_cast<int32_t>(r)}] = results[r];
}

}  // namespace brisk
