#include "brisk/formats/onnx/export/emitter.h"

namespace brisk::onnx {
namespace {

const WriterRow* find_writer(std::string_view op) {
  for (const auto rows : {elementwise_writers(), move_writers(), layer_writers(),
                          quantization_writers(), control_writers()})
    for (const WriterRow& row : rows)
      if (row.op == op) return &row;
  return nullptr;
}

/// Refuses an element type that is younger than the opset.
void check_type(DType type, int64_t opset) {
  const int64_t since = bits(type) > 8 || type == DType::boolean ? 1
                        : bits(type) < 8                         ? 21
                        : is_floating(type)                      ? 19
                                                                 : 1;
  require(opset >= since, "ONNX has {} since opset {}, not in {} (--version)", name(type), since,
          opset);
}

}  // namespace

TypeDef type_def(const Type& type) {
  TypeDef result;
  result.kind = TypeDef::Kind::tensor;
  result.element = element_type_of(type.dtype());
  result.shape = type.shape();
  return result;
}

void write_nodes(Emitter& emitter) {
  const Graph& graph = emitter.graph();
  for (size_t i = 0; i < graph.nodes().size(); ++i) {
    const Node& node = graph.nodes()[i];
    const auto id = static_cast<NodeId>(i);
    for (const Type& type : node.results) check_type(type.dtype(), emitter.opset());
    if (node.op->name == "input" || emitter.is_absorbed(id)) continue;
    const WriterRow* row = find_writer(node.op->name);
    require(row != nullptr, "the op '{}'{} has no counterpart in ONNX that brisk writes",
            node.op->name, node.label.empty() ? "" : fmt::format(" of layer '{}'", node.label));
    emitter.set_label(node.label);
    row->write(emitter, node, id);
  }
  emitter.set_label("");
}

}  // namespace brisk::onnx
