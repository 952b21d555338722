#include "brisk/passes/change_precision.h"

#include "brisk/ir/builder.h"
#include "brisk/ir/mapped_values.h"
#include "brisk/ops/elementwise/elementwise.h"

// The graph is built again from its inputs: types follow from the ops' own rules, so only what
// states a type by itself is changed, which are inputs, constants and attributes that name a type
// (cast, one_hot, iota).

namespace brisk {
namespace {

class PrecisionChange {
 public:
  PrecisionChange(DType from, DType to) : from_(from), to_(to) {}

  Type operator()(const Type& type) const {
    if (!type.is_tensor() || type.dtype() != from_) return type;
    TensorType changed = type.tensor();
    changed.dtype = to_;
    return changed;
  }

  /// The first `num_changed` inputs get the new type; the others are cast behind the input.
  Graph operator()(const Graph& graph, size_t num_changed) const {
    Builder builder(graph.ops(), graph.name());
    MappedValues mapped(graph.nodes().size());
    for (size_t i = 0; i < graph.inputs().size(); ++i) {
      const Type& type = graph.input_type(i);
      Value input = builder.input(graph.input_name(i), i < num_changed ? (*this)(type) : type);
      if (!(input.type() == (*this)(type))) input = cast(input, to_);
      mapped[static_cast<size_t>(graph.inputs()[i])] = {input};
    }
    for (size_t id = 0; id < graph.nodes().size(); ++id) {
      if (!mapped[id].empty()) continue;
      const Node& node = graph.nodes()[id];
      const std::vector<Value> operands = mapped_operands(node, mapped);
      std::vector<Graph> regions;
      for (const Graph& region : node.regions)
        regions.push_back((*this)(region, region.inputs().size()));
      const LabelScope label(builder, node.label);
      mapped[id] = builder.emit(*node.op, operands, attributes(node), std::move(regions));
    }
    return builder.finish(mapped_outputs(graph, mapped));
  }

 private:
  Attributes attributes(const Node& node) const {
    std::vector<NamedAttribute> fields = node.attributes.list();
    bool changed = false;
    for (NamedAttribute& field : fields) {
      if (auto* type = std::get_if<DType>(&field.value); type != nullptr && *type == from_) {
        *type = to_;
        changed = true;
      } else if (auto* tensor = std::get_if<Tensor>(&field.value);
                 tensor != nullptr && tensor->defined() && tensor->dtype() == from_) {
        *tensor = tensor->cast(to_);
        changed = true;
      }
    }
    return changed ? node.op->parse_attributes(fields) : node.attributes;
  }

  DType from_, to_;
};

}  // namespace

Program change_precision(Program program, DType from, DType to) {
  require(is_floating(from) && is_floating(to),
          "precision changes between floating types, not from {} to {}", name(from), name(to));
  const PrecisionChange change(from, to);
  program.graph = change(program.graph, program.state.size());
  for (StateEntry& entry : program.state) entry.type = change(entry.type);
  return program;
}

}  // namespace brisk
