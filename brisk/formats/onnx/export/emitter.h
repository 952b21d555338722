#pragma once

/// Turns the nodes of a brisk graph into ONNX nodes, keeping for each value the names under which
/// ONNX has it.
///
/// Layout: brisk's images have their channels last, ONNX's second. A value is had under two names,
/// `plain` (brisk's layout) and `first` (channels second); the missing one is made by a Transpose
/// when somebody needs it. Convolutions, pools and normalisations give `first`, elementwise ops
/// take the layout of their operands: so a network's transposes are those at its edges.
///
/// Broadcasts are not written out: ONNX's elementwise ops broadcast by themselves.

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "brisk/formats/onnx/model_def.h"
#include "brisk/ir/op.h"
#include "brisk/ir/program.h"

namespace brisk::onnx {

class Emitter {
 public:
  Emitter(const Graph& graph, int64_t opset) : graph_(graph), opset_(opset) {}

  int64_t opset() const { return opset_; }
  const Graph& graph() const { return graph_; }
  const Type& type(ValueId value) const { return graph_.type(value); }
  ElementType element(ValueId value) const { return element_type_of(type(value).dtype()); }
  /// Label for the nodes written from now on.
  void set_label(std::string label) { label_ = std::move(label); }

  // Values.
  void set_input(ValueId value, std::string name);
  void set_known(ValueId value, std::string name, Tensor tensor);
  void set_plain(ValueId value, std::string name) { names_[value].plain = std::move(name); }
  void set_first(ValueId value, std::string name) { names_[value].first = std::move(name); }
  void set_broadcast(ValueId value, ValueId source, std::vector<int64_t> axes);
  /// The elements, where they are weights or constants.
  const Tensor* known(ValueId value) const;

  /// The value in brisk's layout, written out.
  std::string plain(ValueId value);
  /// The value with its channels second.
  std::string first(ValueId value);
  /// Whether an elementwise op over these operands should work with the channels second.
  bool prefers_first(const std::vector<ValueId>& operands) const;
  /// The value as operand of an elementwise op of that layout and rank: broadcasts by ones.
  std::string operand(ValueId value, bool channels_first);

  // Nodes.
  /// A node with one output of a fresh name, which is returned.
  std::string node(std::string op, std::vector<std::string> inputs,
                   std::vector<AttributeDef> attributes = {});
  std::vector<std::string> nodes(std::string op, std::vector<std::string> inputs, size_t outputs,
                                 std::vector<AttributeDef> attributes = {});
  std::string constant(Tensor tensor, const std::string& hint = "constant");
  std::string integers(const std::vector<int64_t>& values);
  std::string scalar(DType type, double value);
  std::string transposed(const std::string& name, std::vector<int64_t> permutation);
  /// Extents for Reshape: one named extent becomes the rest.
  std::string shape_list(const Shape& shape);
  void rename_output(const std::string& from, const std::string& to);

  GraphDef take() { return std::move(result_); }
  GraphDef& result() { return result_; }

 private:
  struct Names {
    std::string plain, first;
    std::optional<Tensor> tensor;
    std::string weight;  ///< name of a known tensor
    bool is_broadcast = false;
    ValueId source;
    std::vector<int64_t> axes;
  };
  std::string fresh(const std::string& hint);

  const Graph& graph_;
  int64_t opset_;
  std::string label_;
  std::map<ValueId, Names> names_;
  std::set<std::string> taken_;
  GraphDef result_;
};

AttributeDef attribute(std::string name, int64_t value);
AttributeDef attribute(std::string name, float value);
AttributeDef attribute(std::string name, std::string value);
AttributeDef attribute(std::string name, std::vector<int64_t> value);

/// Writes one node of the graph; several rows may serve one op's name.
struct WriterRow {
  std::string_view op;
  void (*write)(Emitter& emitter, const Node& node, NodeId id);
};
std::span<const WriterRow> elementwise_writers();
std::span<const WriterRow> move_writers();
std::span<const WriterRow> layer_writers();

}  // namespace brisk::onnx
