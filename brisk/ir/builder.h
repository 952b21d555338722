#pragma once

/// Builds graphs. `Value` is a handle to a value under construction; functions in brisk/ops take
/// and return it: `Value y = relu(matmul(x, w) + b);`

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/graph.h"
#include "brisk/ir/op.h"

namespace brisk {

class Builder;

/// A value inside a builder; cheap to copy; valid as long as its builder.
struct Value {
  Builder* builder = nullptr;
  ValueId id;

  bool defined() const { return builder != nullptr; }
  const Type& type() const;
  DType dtype() const { return type().dtype(); }
  const Shape& shape() const { return type().shape(); }
  int64_t rank() const { return shape().rank(); }
  friend bool operator==(const Value&, const Value&) = default;
};

class Builder {
 public:
  explicit Builder(OpSetPtr ops, std::string name = "graph");
  Builder(const Builder&) = delete;
  Builder& operator=(const Builder&) = delete;

  const OpSetPtr& ops() const { return ops_; }

  Value input(std::string name, Type type);
  Value constant(Tensor value);
  /// A rank-0 constant.
  Value scalar(DType type, double value);

  /// Appends a node: operand count, attributes and shapes are checked by the op's rules, refused
  /// with the op's name in brackets. Returns its results.
  std::vector<Value> emit(std::string_view op, std::span<const Value> operands,
                          Attributes attributes = {}, std::vector<Graph> regions = {});
  /// The same for an op with one result.
  Value emit_one(std::string_view op, std::span<const Value> operands, Attributes attributes = {},
                 std::vector<Graph> regions = {});
  Value emit_one(std::string_view op, std::initializer_list<Value> operands,
                 Attributes attributes = {});
  /// The same for an op that is at hand (when copying nodes).
  std::vector<Value> emit(const Op& op, std::span<const Value> operands, Attributes attributes,
                          std::vector<Graph> regions);

  /// Appends the nodes of `graph` with its inputs replaced; returns its outputs.
  std::vector<Value> inline_graph(const Graph& graph, std::span<const Value> inputs);

  /// Label for nodes emitted from now on (the layer's name); returns the previous one.
  std::string set_label(std::string label);

  const Node& node(NodeId id) const { return nodes_[static_cast<size_t>(id)]; }
  NodeId num_nodes() const { return static_cast<NodeId>(nodes_.size()); }

  struct Output {
    std::string name;
    Value value;
  };
  /// The graph of everything the outputs need; inputs are kept even when unused. The builder is
  /// empty afterwards.
  Graph finish(std::span<const Output> outputs);
  Graph finish(std::initializer_list<Output> outputs);

 private:
  OpSetPtr ops_;
  std::string name_;
  std::string label_;
  std::vector<Node> nodes_;
  std::vector<NodeId> inputs_;
};

/// Zeros of a tensor type: a scalar constant, broadcast.
Value zeros(Builder& builder, const Type& type);

/// Sets a label for the time of a scope.
class LabelScope {
 public:
  LabelScope(Builder& builder, std::string label)
      : builder_(builder), previous_(builder.set_label(std::move(label))) {}
  ~LabelScope() { builder_.set_label(std::move(previous_)); }

 private:
  Builder& builder_;
  std::string previous_;
};

}  // namespace brisk
