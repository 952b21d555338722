#pragma once

/// Turns the nodes of a brisk graph into ONNX nodes, keeping for each value the names under which
/// ONNX has it.
///
/// Layout: brisk's images have their channels last, ONNX's second. A value is had under two names,
/// `plain` (brisk's layout) and `first` (channels second); the missing one is made by a Transpose
/// when somebody needs it. Convolutions, pools and normalisations give `first`, elementwise ops
/// take the layout of their operands: so a network's transposes are those at its edges.
///
/// Weights lie in the file as their first reader wants them (a filter in ONNX's order), under their
/// own name; a transpose of a transpose is one, or none. So what is read back and written again
/// stays as it is.
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

/// Since then ONNX has integers of 4 bits and scales by block.
inline constexpr int kOpsetOfBlocks = 21;

class Emitter {
 public:
  Emitter(const Graph& graph, int64_t opset) : graph_(graph), opset_(opset) { count_uses(); }
  /// Of a region: a sub-graph that sees the names of the graph around it.
  Emitter(const Graph& region, Emitter& outer)
      : graph_(region), opset_(outer.opset_), outer_(&outer), label_(outer.label_) {
    count_uses();
  }

  int64_t opset() const { return opset_; }
  const Graph& graph() const { return graph_; }
  const Type& type(ValueId value) const { return graph_.type(value); }
  ElementType element(ValueId value) const { return element_type_of(type(value).dtype()); }
  /// Label for the nodes written from now on.
  void set_label(std::string label) { label_ = std::move(label); }
  const std::string& label() const { return label_; }

  // Values.
  void set_input(ValueId value, std::string name);
  /// A value of this region that the graph around it has under a name.
  void set_captured(ValueId value, std::string name) { names_[value].plain = std::move(name); }
  void set_known(ValueId value, const std::string& name, Tensor tensor);
  void set_plain(ValueId value, std::string name) { names_[value].plain = std::move(name); }
  void set_first(ValueId value, std::string name) { names_[value].first = std::move(name); }
  void set_broadcast(ValueId value, ValueId source, std::vector<int64_t> axes);
  /// The elements, where they are weights or constants.
  const Tensor* known(ValueId value) const;

  /// The node that alone reads the value, -1 where there are several or the graph returns it.
  NodeId only_reader(ValueId value) const;
  bool is_read(ValueId value) const { return uses_.contains(value); }
  /// The node is written by another's writer.
  void absorb(NodeId node) { absorbed_.insert(node); }
  bool is_absorbed(NodeId node) const { return absorbed_.contains(node); }

  /// The value in brisk's layout, written out.
  std::string plain(ValueId value);
  /// The value with its axes moved: result axis i is axis permutation[i]. A weight that nobody has
  /// read yet is stored so.
  std::string turned(ValueId value, const std::vector<int64_t>& permutation);
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
  /// A tensor that is no weight.
  std::string constant(Tensor tensor);
  std::string integers(const std::vector<int64_t>& values);
  std::string scalar(DType type, double value);
  std::string transposed(const std::string& name, std::vector<int64_t> permutation);
  /// A Reshape: one named extent becomes the rest, further ones are asked of an input.
  std::string reshaped(const std::string& name, const Shape& shape);
  /// All extents, named ones asked of an input.
  std::string extents_list(const Shape& shape);
  void rename_output(const std::string& from, const std::string& to);
  /// A name that nothing has yet, in this graph or around it.
  std::string fresh(const std::string& hint);

  /// The graph, without nodes and initializers that nobody reads.
  GraphDef take();
  GraphDef& result() { return result_; }

 private:
  struct Names {
    std::string plain, first;
    std::optional<Tensor> tensor;
    std::string weight;  ///< name of a known tensor
    /// How a known tensor lies in the file: stored axis i is its axis stored_axes[i].
    std::string stored;
    std::vector<int64_t> stored_axes;
    bool is_broadcast = false;
    ValueId source;
    std::vector<int64_t> axes;
  };
  /// A name as the transpose of another.
  struct Turned {
    std::string source;
    std::vector<int64_t> permutation;
  };
  void count_uses();
  const Turned* find_turned(const std::string& name) const;
  std::string extent_value(const std::string& dimension);

  const Graph& graph_;
  int64_t opset_;
  Emitter* outer_ = nullptr;
  std::string label_;
  std::map<ValueId, Names> names_;
  std::map<ValueId, int64_t> uses_;
  std::map<ValueId, NodeId> readers_;
  std::set<NodeId> absorbed_;
  std::map<std::string, Turned> turned_;
  std::map<std::pair<std::string, std::vector<int64_t>>, std::string> transposes_;
  std::set<std::string> taken_;
  GraphDef result_;
};

/// Writes all nodes of the emitter's graph; refuses an op that no row writes.
void write_nodes(Emitter& emitter);
/// The type of a value as a file declares it.
TypeDef type_def(const Type& type);

AttributeDef attribute(std::string name, int64_t value);
AttributeDef attribute(std::string name, float value);
AttributeDef attribute(std::string name, std::string value);
AttributeDef attribute(std::string name, std::vector<int64_t> value);

/// Writes one node of the graph; several rows may serve one op's name.
struct WriterRow {
  std::string_view op;
  void (*write)(Emitter& emitter, const Node& node, NodeId id);
};
std::span<const WriterRow> control_writers();
std::span<const WriterRow> elementwise_writers();
std::span<const WriterRow> move_writers();
std::span<const WriterRow> layer_writers();
std::span<const WriterRow> quantization_writers();

}  // namespace brisk::onnx
