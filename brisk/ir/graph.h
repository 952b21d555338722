#pragma once

/// The graph: an immutable, value-like list of nodes in topological order (SSA). Copies share.
/// A node has an op, operands, attributes, result types and the regions (sub-graphs) it owns.
/// Regions are closed: what they need from outside comes in as operands of their node.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brisk/ir/attributes.h"
#include "brisk/ir/type.h"

namespace brisk {

struct Op;
class OpSet;
class Graph;

using NodeId = int32_t;

/// Result `result` of node `node`.
struct ValueId {
  NodeId node = -1;
  int32_t result = 0;
  bool defined() const { return node >= 0; }
  friend auto operator<=>(const ValueId&, const ValueId&) = default;
};

struct Node {
  const Op* op = nullptr;
  std::vector<ValueId> operands;
  Attributes attributes;
  std::vector<Graph> regions;
  std::vector<Type> results;
  /// Where it comes from, for people: the layer's name ("conv2d_1"); may be empty.
  std::string label;
};

struct NamedValue {
  std::string name;
  ValueId value;
};

/// Attributes of the op "input".
struct InputAttributes {
  std::string name;
  template <typename F>
  void fields(F&& f) { f("name", name); }
};

class Graph {
 public:
  Graph() = default;
  /// Nodes in topological order; `inputs` are the nodes whose op is "input", in signature order.
  Graph(std::shared_ptr<const OpSet> ops, std::string name, std::vector<Node> nodes,
        std::vector<NodeId> inputs, std::vector<NamedValue> outputs);

  bool defined() const { return data_ != nullptr; }
  const std::string& name() const;
  const std::shared_ptr<const OpSet>& ops() const;
  std::span<const Node> nodes() const;
  const Node& node(NodeId id) const;
  std::span<const NodeId> inputs() const;
  std::span<const NamedValue> outputs() const;

  const Type& type(ValueId value) const;
  const Type& input_type(size_t i) const;
  const std::string& input_name(size_t i) const;
  const Type& output_type(size_t i) const;
  /// For each node the nodes that use any of its results (each once, in order).
  std::vector<std::vector<NodeId>> users() const;
  /// Names of dimensions that are not bound, regions included, sorted.
  std::vector<std::string> dimensions() const;
  /// Structural hash and equality: ops, attributes, types, operands, regions, names of inputs and
  /// outputs; labels do not count.
  uint64_t hash() const;
  friend bool operator==(const Graph& a, const Graph& b);

 private:
  struct Data;
  std::shared_ptr<const Data> data_;
};

/// The graph with named dimensions replaced by sizes; shapes are inferred again.
Graph bind_dimensions(const Graph& graph, const Binding& binding);

}  // namespace brisk
