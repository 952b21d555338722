#include "brisk/ir/builder.h"
#include "brisk/ir/mapped_values.h"
#include "brisk/ir/program.h"

// Binding rebuilds the graph: input types and shape attributes are replaced and every other shape
// is inferred again, so that a binding that does not fit is refused by the op that notices.

namespace brisk {
namespace {

Attributes bind_attributes(const Node& node, const Binding& binding) {
  std::vector<NamedAttribute> fields = node.attributes.list();
  bool changed = false;
  for (NamedAttribute& field : fields) {
    auto* shape = std::get_if<Shape>(&field.value);
    if (shape == nullptr || shape->is_static()) continue;
    *shape = shape->bind(binding);
    changed = true;
  }
  return changed ? node.op->parse_attributes(fields) : node.attributes;
}

}  // namespace

Graph bind_dimensions(const Graph& graph, const Binding& binding) {
  Builder builder(graph.ops(), graph.name());
  MappedValues mapped(graph.nodes().size());
  for (size_t i = 0; i < graph.inputs().size(); ++i)
    mapped[static_cast<size_t>(graph.inputs()[i])] = {
        builder.input(graph.input_name(i), graph.input_type(i).bind(binding))};
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    if (!mapped[id].empty()) continue;
    const Node& node = graph.nodes()[id];
    const std::vector<Value> operands = mapped_operands(node, mapped);
    std::vector<Graph> regions;
    for (const Graph& region : node.regions) regions.push_back(bind_dimensions(region, binding));
    const LabelScope label(builder, node.label);
    mapped[id] =
        builder.emit(*node.op, operands, bind_attributes(node, binding), std::move(regions));
  }
  return builder.finish(mapped_outputs(graph, mapped));
}

Program bind_dimensions(const Program& program, const Binding& binding) {
  Program bound = program;
  bound.graph = bind_dimensions(program.graph, binding);
  for (StateEntry& entry : bound.state) entry.type = entry.type.bind(binding);
  return bound;
}

}  // namespace brisk
