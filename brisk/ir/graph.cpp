#include "brisk/ir/graph.h"

#include <set>

#include "brisk/base/error.h"
#include "brisk/ir/hash_mix.h"
#include "brisk/ir/op.h"
#include "brisk/ir/rewrite.h"

namespace brisk {
namespace {

void collect_dimensions(const Type& type, std::set<std::string>& names) {
  if (!type.is_tensor()) return;
  for (const Extent& extent : type.shape())
    if (extent.is_named()) names.insert(extent.name());
}

void collect_dimensions(const Graph& graph, std::set<std::string>& names) {
  for (const Node& node : graph.nodes()) {
    for (const Type& type : node.results) collect_dimensions(type, names);
    for (const Graph& region : node.regions) collect_dimensions(region, names);
  }
}

bool equal_nodes(const Node& a, const Node& b) {
  return a.op->name == b.op->name && a.operands == b.operands && a.results == b.results &&
         a.attributes == b.attributes && a.regions == b.regions;
}

}  // namespace

struct Graph::Data {
  std::shared_ptr<const OpSet> ops;
  std::string name;
  std::vector<Node> nodes;
  std::vector<NodeId> inputs;
  std::vector<NamedValue> outputs;
};

Graph::Graph(std::shared_ptr<const OpSet> ops, std::string name, std::vector<Node> nodes,
             std::vector<NodeId> inputs, std::vector<NamedValue> outputs)
    : data_(std::make_shared<Data>(Data{std::move(ops), std::move(name), std::move(nodes),
                                        std::move(inputs), std::move(outputs)})) {}

const std::string& Graph::name() const {
  return data_->name;
}
const std::shared_ptr<const OpSet>& Graph::ops() const {
  return data_->ops;
}
std::span<const Node> Graph::nodes() const {
  return data_->nodes;
}
std::span<const NodeId> Graph::inputs() const {
  return data_->inputs;
}
std::span<const NamedValue> Graph::outputs() const {
  return data_->outputs;
}

const Node& Graph::node(NodeId id) const {
  invariant(id >= 0 && static_cast<size_t>(id) < data_->nodes.size(), "graph '{}' has no node {}",
            data_->name, id);
  return data_->nodes[static_cast<size_t>(id)];
}

const Type& Graph::type(ValueId value) const {
  const Node& producer = node(value.node);
  invariant(static_cast<size_t>(value.result) < producer.results.size(),
            "node {} ({}) has no result {}", value.node, producer.op->name, value.result);
  return producer.results[static_cast<size_t>(value.result)];
}

const Type& Graph::input_type(size_t i) const {
  return node(data_->inputs[i]).results[0];
}

const std::string& Graph::input_name(size_t i) const {
  return node(data_->inputs[i]).attributes.as<InputAttributes>().name;
}

const Type& Graph::output_type(size_t i) const {
  return type(data_->outputs[i].value);
}

std::vector<std::vector<NodeId>> Graph::users() const {
  std::vector<std::vector<NodeId>> result(data_->nodes.size());
  for (size_t id = 0; id < data_->nodes.size(); ++id) {
    for (const ValueId& operand : data_->nodes[id].operands) {
      auto& list = result[static_cast<size_t>(operand.node)];
      if (list.empty() || list.back() != static_cast<NodeId>(id))
        list.push_back(static_cast<NodeId>(id));
    }
  }
  return result;
}

std::vector<std::string> Graph::dimensions() const {
  std::set<std::string> names;
  collect_dimensions(*this, names);
  return {names.begin(), names.end()};
}

uint64_t Graph::hash() const {
  uint64_t result = data_->nodes.size();
  for (const Node& node : data_->nodes) {
    result = mix(mix(result, hash_text(node.op->name)), node.attributes.hash());
    for (const ValueId& operand : node.operands)
      result = mix(
          result, static_cast<uint64_t>(operand.node) << 8 ^ static_cast<uint64_t>(operand.result));
    for (const Type& type : node.results) result = mix(result, hash_text(type.to_string()));
    for (const Graph& region : node.regions) result = mix(result, region.hash());
  }
  for (const NamedValue& output : data_->outputs)
    result =
        mix(mix(result, hash_text(output.name)), static_cast<uint64_t>(output.value.node) << 8 ^
                                                     static_cast<uint64_t>(output.value.result));
  return result;
}

bool operator==(const Graph& a, const Graph& b) {
  if (a.data_ == b.data_) return true;
  if (!a.data_ || !b.data_) return false;
  const auto &left = *a.data_, &right = *b.data_;
  if (left.nodes.size() != right.nodes.size() || left.inputs != right.inputs ||
      left.outputs.size() != right.outputs.size())
    return false;
  for (size_t i = 0; i < left.outputs.size(); ++i)
    if (left.outputs[i].name != right.outputs[i].name ||
        left.outputs[i].value != right.outputs[i].value)
      return false;
  for (size_t i = 0; i < left.nodes.size(); ++i)
    if (!equal_nodes(left.nodes[i], right.nodes[i])) return false;
  return true;
}

}  // namespace brisk
