#include <cstdint>

#include "brisk/formats/onnx/export/emitter.h"
#include "brisk/ops/control/control.h"

// Ops with regions. A region is closed in brisk; in ONNX a sub-graph sees the names around it, so
// what a region takes unchanged is read from outside.

namespace brisk::onnx {
namespace {

AttributeDef graph_attribute(std::string name, GraphDef graph) {
  AttributeDef result;
  result.name = std::move(name);
  result.kind = AttributeDef::Kind::graph;
  result.graph = std::make_shared<const GraphDef>(std::move(graph));
  return result;
}

/// A sub-graph's own input for input `i` of the region.
void add_input(Emitter& body, size_t i, const std::string& hint) {
  const std::string name = body.fresh(hint);
  body.set_captured({body.graph().inputs()[i], 0}, name);
  body.result().inputs.push_back({name, type_def(body.graph().input_type(i))});
}

/// Gives `value` as the next output of a sub-graph, which must not be a name from outside.
void add_output(Emitter& body, const std::string& value, const Type& type) {
  const std::string name = body.fresh("result");
  body.rename_output(value, name);
  body.result().outputs.push_back({name, type_def(type)});
}

void add_outputs(Emitter& body) {
  for (size_t i = 0; i < body.graph().outputs().size(); ++i)
    add_output(body, body.plain(body.graph().outputs()[i].value), body.graph().output_type(i));
}

void give_all(Emitter& e, NodeId id, const std::vector<std::string>& names) {
  for (size_t i = 0; i < names.size(); ++i) e.set_plain({id, static_cast<int32_t>(i)}, names[i]);
}

void branch_writer(Emitter& e, const Node& node, NodeId id) {
  std::vector<std::string> operands;
  for (const ValueId& operand : node.operands) operands.push_back(e.plain(operand));
  std::vector<AttributeDef> attributes;
  for (size_t r = 0; r < 2; ++r) {
    Emitter side(node.regions[r], e);
    for (size_t i = 0; i < node.regions[r].inputs().size(); ++i)
      side.set_captured({node.regions[r].inputs()[i], 0}, operands[i + 1]);
    write_nodes(side);
    add_outputs(side);
    const char* name = r == 0 ? "then_branch" : "else_branch";
    side.result().name = name;
    attributes.push_back(graph_attribute(name, side.take()));
  }
  give_all(e, id, e.nodes("If", {operands[0]}, node.results.size(), attributes));
}

void scan_writer(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<ScanAttributes>();
  const auto num_carries = static_cast<size_t>(a.num_carries),
             num_sequences = static_cast<size_t>(a.num_sequences);
  std::vector<std::string> operands;
  for (const ValueId& operand : node.operands) operands.push_back(e.plain(operand));
  const Graph& region = node.regions[0];
  Emitter body(region, e);
  std::vector<std::string> inputs(operands.begin(),
                                  operands.begin() + static_cast<ptrdiff_t>(num_carries));
  for (size_t i = 0; i < region.inputs().size(); ++i) {
    if (i >= num_carries + num_sequences) {
      body.set_captured({region.inputs()[i], 0}, operands[i]);
      continue;
    }
    add_input(body, i, i < num_carries ? "carry" : "item");
    if (i >= num_carries) inputs.push_back(operands[i]);
  }
  const bool bare = num_sequences == 0;  // ONNX's Scan counts its trips by a sequence
  if (bare) {
    inputs.push_back(e.constant(Tensor::zeros(DType::boolean, {a.trips})));
    body.result().inputs.push_back({body.fresh("item"), type_def(Type(DType::boolean, Shape()))});
  }
  write_nodes(body);
  add_outputs(body);
  body.result().name = "scan";
  const size_t num_items = region.outputs().size() - num_carries;
  std::vector<AttributeDef> attributes = {
      graph_attribute("body", body.take()),
      attribute("num_scan_inputs", static_cast<int64_t>(bare ? 1 : num_sequences))};
  if (a.reverse) {
    attributes.push_back(
        attribute("scan_input_directions", std::vector<int64_t>(bare ? 1 : num_sequences, 1)));
    attributes.push_back(attribute("scan_output_directions", std::vector<int64_t>(num_items, 1)));
  }
  give_all(e, id, e.nodes("Scan", inputs, node.results.size(), attributes));
}

/// The condition's nodes written where `e` stands, over a state that has these names.
std::string condition_over(Emitter& e, const Graph& condition,
                           const std::vector<std::string>& state) {
  Emitter inner(condition, e);
  for (size_t i = 0; i < state.size(); ++i)
    inner.set_captured({condition.inputs()[i], 0}, state[i]);
  write_nodes(inner);
  const std::string holds = inner.plain(condition.outputs()[0].value);
  for (InitializerDef& entry : inner.result().initializers)
    e.result().initializers.push_back(std::move(entry));
  for (NodeDef& written : inner.result().nodes) e.result().nodes.push_back(std::move(written));
  return holds;
}

/// What a loop hands on unchanged is read from outside; state that the condition returns as it is
/// is ONNX's own condition.
struct LoopPlan {
  std::vector<bool> unchanged;
  size_t condition = SIZE_MAX;  ///< the state that is the condition
};
LoopPlan loop_plan(const Node& node) {
  const Graph &condition = node.regions[0], &body = node.regions[1];
  LoopPlan plan;
  for (size_t i = 0; i < body.inputs().size(); ++i)
    plan.unchanged.push_back(body.outputs()[i].value == ValueId{body.inputs()[i], 0});
  for (size_t i = 0; i < condition.inputs().size(); ++i)
    if (condition.outputs()[0].value == ValueId{condition.inputs()[i], 0}) plan.condition = i;
  return plan;
}

void loop_writer(Emitter& e, const Node& node, NodeId id) {
  const int64_t max_trips = node.attributes.as<LoopAttributes>().max_trips;
  const LoopPlan plan = loop_plan(node);
  std::vector<std::string> state;
  for (const ValueId& operand : node.operands) state.push_back(e.plain(operand));
  const Graph &condition = node.regions[0], &region = node.regions[1];
  const auto is_own = [&](size_t i) { return i != plan.condition && !plan.unchanged[i]; };
  std::vector<std::string> inputs = {
      max_trips > 0 ? e.scalar(DType::i64, static_cast<double>(max_trips)) : "",
      condition_over(e, condition, state)};
  Emitter body(region, e);
  body.result().inputs = {{body.fresh("trip"), type_def(Type(DType::i64, Shape()))},
                          {body.fresh("goes_on"), type_def(Type(DType::boolean, Shape()))}};
  for (size_t i = 0; i < state.size(); ++i) {
    if (i == plan.condition) {
      body.set_captured({region.inputs()[i], 0}, body.result().inputs[1].name);
    } else if (plan.unchanged[i]) {
      body.set_captured({region.inputs()[i], 0}, state[i]);
    } else {
      inputs.push_back(state[i]);
      add_input(body, i, "state");
    }
  }
  write_nodes(body);
  std::vector<std::string> next;
  for (const NamedValue& output : region.outputs()) next.push_back(body.plain(output.value));
  add_output(body, condition_over(body, condition, next), Type(DType::boolean, Shape()));
  size_t num_own = 0;
  for (size_t i = 0; i < next.size(); ++i) {
    if (!is_own(i)) continue;
    add_output(body, next[i], region.output_type(i));
    ++num_own;
  }
  body.result().name = "loop";
  const std::vector<std::string> results =
      e.nodes("Loop", inputs, num_own, {graph_attribute("body", body.take())});
  size_t own = 0;
  for (size_t i = 0; i < state.size(); ++i) {
    const ValueId result{id, static_cast<int32_t>(i)};
    if (is_own(i))
      e.set_plain(result, results[own++]);
    else if (plan.unchanged[i])
      e.set_plain(result, state[i]);
    else
      require(!e.is_read(result), "ONNX's loops do not give their condition back");
  }
}

constexpr WriterRow kWriteControlRows[] = {
    {"branch", branch_writer}, {"scan", scan_writer}, {"loop", loop_writer}};

}  // namespace

std::span<const WriterRow> control_writers() {
  return kWriteControlRows;
}

}  // namespace brisk::onnx
