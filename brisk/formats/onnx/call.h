#pragma once

/// One node of an ONNX graph being imported: what an importer sees. An importer reads inputs and
/// attributes and gives the outputs; every refusal is prefixed with the node by the walk.

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "brisk/formats/onnx/trace.h"

namespace brisk::onnx {

class Call {
 public:
  Trace& trace;
  const NodeDef& node;
  int64_t opset;              ///< version of the node's domain
  std::vector<Item> inputs;   ///< null where an optional one is left out
  std::vector<Item> outputs;  ///< to be filled; as many as the node names

  Builder& builder() const { return trace.builder(); }

  // Inputs.
  size_t num_inputs() const { return inputs.size(); }
  bool has(size_t i) const { return i < inputs.size() && inputs[i] != nullptr; }
  /// The item; refused where it is left out.
  const Item& item(size_t i) const;
  Value in(size_t i) const { return trace.value(item(i)); }
  ElementType element(size_t i) const { return item(i)->element; }
  Type type(size_t i) const { return trace.type(item(i)); }
  int64_t rank(size_t i) const { return type(i).rank(); }

  // Elements that decide about shapes: known, or the walk is cut.
  const HostTensor& known(size_t i) const { return trace.known(item(i)); }
  std::vector<int64_t> known_integers(size_t i) const { return onnx::integers(known(i)); }
  int64_t known_integer(size_t i) const;
  double known_real(size_t i) const;
  /// Integers that are extents of a shape; named ones too.
  std::vector<Extent> extents(size_t i) const;

  // Attributes.
  bool has_attribute(std::string_view name) const { return node.find(name) != nullptr; }
  int64_t integer(std::string_view name, int64_t otherwise) const;
  int64_t integer(std::string_view name) const;  ///< refused where it is left out
  double real(std::string_view name, double otherwise) const;
  std::string text(std::string_view name, std::string_view otherwise) const;
  std::vector<int64_t> integers(std::string_view name, std::vector<int64_t> otherwise = {}) const;
  std::vector<float> reals(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;
  /// An attribute until some opset, an input since: none where it is left out.
  std::optional<std::vector<int64_t>> integers_of(std::string_view attribute, size_t input) const;
  /// The element type that an attribute names by number.
  std::optional<ElementType> element_attribute(std::string_view name) const;
  const GraphDef& graph(std::string_view name) const;

  // Outputs.
  bool wants(size_t i) const { return i < node.outputs.size() && !node.outputs[i].empty(); }
  void out(size_t i, Item item) {
    if (i < outputs.size()) outputs[i] = std::move(item);
  }
  void out(size_t i, Value value) { out(i, trace.item(value)); }
  void out(size_t i, Value value, ElementType element) { out(i, trace.item(value, element)); }
  void out(Value value) { out(0, value); }
  void out(Item item) { out(0, std::move(item)); }
  void out(Value value, ElementType element) { out(0, value, element); }
  void out(HostTensor tensor) { out(0, trace.constant(std::move(tensor))); }

  /// What a name of the graph stands for here; refused where nothing gives it.
  std::function<Item(const std::string&)> find_value;

  /// Runs a sub-graph here, its inputs given; names of the outer graphs are seen inside.
  std::function<std::vector<Item>(const GraphDef&, const std::vector<Item>&)> run_graph;
};

using Importer = void (*)(Call&);

}  // namespace brisk::onnx
