#include "brisk/ir/builder.h"

#include "brisk/base/error.h"
#include "brisk/ir/mapped_values.h"

namespace brisk {
namespace {

/// The nodes that the outputs need, inputs included, as flags.
std::vector<bool> reachable(std::span<const Node> nodes, std::span<const Builder::Output> outputs) {
  std::vector<bool> needed(nodes.size(), false);
  for (const auto& output : outputs) needed[static_cast<size_t>(output.value.id.node)] = true;
  for (size_t id = nodes.size(); id-- > 0;) {
    if (nodes[id].op->name == "input" || nodes[id].op->side_effect) needed[id] = true;
    if (!needed[id]) continue;
    for (const ValueId& operand : nodes[id].operands)
      needed[static_cast<size_t>(operand.node)] = true;
  }
  return needed;
}

}  // namespace

const Type& Value::type() const {
  invariant(defined(), "the type of an undefined value was asked for");
  return builder->node(id.node).results[static_cast<size_t>(id.result)];
}

Builder::Builder(OpSetPtr ops, std::string name) : ops_(std::move(ops)), name_(std::move(name)) {}

Value Builder::input(std::string name, Type type) {
  Node node;
  node.op = &ops_->at("input");
  node.attributes = InputAttributes{std::move(name)};
  node.results = {std::move(type)};
  nodes_.push_back(std::move(node));
  inputs_.push_back(num_nodes() - 1);
  return {this, {num_nodes() - 1, 0}};
}

// Constants and broadcasts are ops of a higher layer; they are reached by name, their attributes by
// the op's own parser.
Value Builder::constant(Tensor value) {
  const std::vector<NamedAttribute> fields = {{"value", std::move(value)}};
  return emit_one("constant", std::span<const Value>(),
                  ops_->at("constant").parse_attributes(fields));
}

Value Builder::scalar(DType type, double value) {
  return constant(Tensor::scalar(type, value));
}

Value zeros(Builder& builder, const Type& type) {
  const Value zero = builder.scalar(type.dtype(), 0);
  if (type.rank() == 0) return zero;
  const std::vector<NamedAttribute> fields = {{"shape", type.shape()},
                                              {"axes", std::vector<int64_t>{}}};
  return builder.emit_one("broadcast", {zero},
                          builder.ops()->at("broadcast").parse_attributes(fields));
}

std::vector<Value> Builder::emit(const Op& op, std::span<const Value> operands,
                                 Attributes attributes, std::vector<Graph> regions) {
  const auto count = static_cast<int>(operands.size());
  require(count >= op.min_operands && (op.max_operands < 0 || count <= op.max_operands),
          "[{}] takes {} operands, but {} are given", op.name,
          op.min_operands == op.max_operands
              ? std::to_string(op.min_operands)
              : fmt::format("{} to {}", op.min_operands,
                            op.max_operands < 0 ? std::string("any number of")
                                                : std::to_string(op.max_operands)),
          count);
  require(op.num_regions < 0 || static_cast<int>(regions.size()) == op.num_regions,
          "[{}] takes {} regions, but {} are given", op.name, op.num_regions, regions.size());
  Node node;
  node.op = &op;
  std::vector<Type> types;
  for (const Value& operand : operands) {
    require(operand.defined(), "[{}] operand {} is not defined", op.name, types.size());
    invariant(operand.builder == this, "[{}] operand {} belongs to another builder", op.name,
              types.size());
    node.operands.push_back(operand.id);
    types.push_back(operand.type());
  }
  node.results = op.infer_rule(InferContext{op, types, attributes, regions});
  node.attributes = std::move(attributes);
  node.regions = std::move(regions);
  node.label = label_;
  const auto num_results = static_cast<int32_t>(node.results.size());
  nodes_.push_back(std::move(node));
  std::vector<Value> results;
  for (int32_t i = 0; i < num_results; ++i) results.push_back({this, {num_nodes() - 1, i}});
  return results;
}

std::vector<Value> Builder::emit(std::string_view op, std::span<const Value> operands,
                                 Attributes attributes, std::vector<Graph> regions) {
  return emit(ops_->at(op), operands, std::move(attributes), std::move(regions));
}

Value Builder::emit_one(std::string_view op, std::span<const Value> operands, Attributes attributes,
                        std::vector<Graph> regions) {
  std::vector<Value> results = emit(op, operands, std::move(attributes), std::move(regions));
  invariant(results.size() == 1, "[{}] has {} results where one is expected", op, results.size());
  return results[0];
}

Value Builder::emit_one(std::string_view op, std::initializer_list<Value> operands,
                        Attributes attributes) {
  return emit_one(op, std::span<const Value>(operands.begin(), operands.size()),
                  std::move(attributes));
}

std::vector<Value> Builder::inline_graph(const Graph& graph, std::span<const Value> inputs) {
  require(inputs.size() == graph.inputs().size(), "graph '{}' takes {} inputs, but {} are given",
          graph.name(), graph.inputs().size(), inputs.size());
  MappedValues mapped(graph.nodes().size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    require(inputs[i].type() == graph.input_type(i),
            "input '{}' of graph '{}' is {}, but {} is given", graph.input_name(i), graph.name(),
            graph.input_type(i).to_string(), inputs[i].type().to_string());
    mapped[static_cast<size_t>(graph.inputs()[i])] = {inputs[i]};
  }
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!mapped[id].empty()) continue;
    const std::vector<Value> operands = mapped_operands(node, mapped);
    const LabelScope label(*this, node.label.empty() ? label_ : node.label);
    mapped[id] = emit(*node.op, operands, node.attributes, node.regions);
  }
  std::vector<Value> outputs;
  for (const NamedValue& output : graph.outputs())
    outputs.push_back(
        mapped[static_cast<size_t>(output.value.node)][static_cast<size_t>(output.value.result)]);
  return outputs;
}

std::string Builder::set_label(std::string label) {
  std::swap(label, label_);
  return label;
}

Graph Builder::finish(std::span<const Output> outputs) {
  for (const Output& output : outputs)
    require(output.value.defined() && output.value.builder == this,
            "output '{}' of graph '{}' is not a value of its builder", output.name, name_);
  const std::vector<bool> needed = reachable(nodes_, outputs);
  std::vector<NodeId> renumbered(nodes_.size(), -1);
  std::vector<Node> kept;
  for (size_t id = 0; id < nodes_.size(); ++id) {
    if (!needed[id]) continue;
    renumbered[id] = static_cast<NodeId>(kept.size());
    Node& node = kept.emplace_back(std::move(nodes_[id]));
    for (ValueId& operand : node.operands)
      operand.node = renumbered[static_cast<size_t>(operand.node)];
  }
  std::vector<NodeId> inputs;
  for (const NodeId id : inputs_) inputs.push_back(renumbered[static_cast<size_t>(id)]);
  std::vector<NamedValue> named;
  for (const Output& output : outputs)
    named.push_back(
        {output.name,
         {renumbered[static_cast<size_t>(output.value.id.node)], output.value.id.result}});
  nodes_.clear();
  inputs_.clear();
  return Graph(ops_, name_, std::move(kept), std::move(inputs), std::move(named));
}

Graph Builder::finish(std::initializer_list<Output> outputs) {
  return finish(std::span<const Output>(outputs.begin(), outputs.size()));
}

}  // namespace brisk
