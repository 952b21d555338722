#include "brisk/formats/onnx/walk.h"

#include "brisk/formats/onnx/op_table.h"

namespace brisk::onnx {
namespace {

/// Of a static walk: functions that call functions twice each grow without end.
constexpr int64_t kMaxNodes = 100'000;  // of one program, with loops and functions expanded
constexpr int kMaxDepth = 64;           // of functions and sub-graphs: recursive functions end here

int64_t opset_of(const std::map<std::string, int64_t>& opsets, const std::string& domain) {
  const auto found = opsets.find(domain);
  return found == opsets.end() ? 1 : found->second;
}

std::string describe(const NodeDef& node) {
  const std::string op = node.domain.empty() ? node.op : node.domain + "." + node.op;
  if (!node.name.empty()) return fmt::format("node '{}' ({})", node.name, op);
  return fmt::format("node ({}) of '{}'", op, node.outputs.empty() ? "" : node.outputs[0]);
}

/// The layer a node belongs to: its name without the op ("/layer1/conv/Conv_1" is "/layer1/conv"),
/// which the writer puts behind again. A node named after its op alone belongs to none.
std::string label_of(const NodeDef& node) {
  std::string label = node.name;
  const size_t number = label.find_last_not_of("0123456789");
  if (number != std::string::npos && number + 1 < label.size() && label[number] == '_') {
    const std::string unnumbered = label.substr(0, number);
    if (unnumbered == node.op || unnumbered.ends_with("/" + node.op)) label = unnumbered;
  }
  if (label.ends_with("/" + node.op)) label.resize(label.size() - node.op.size() - 1);
  return label == node.op ? "" : label;
}

void count_graph(const GraphDef& graph, std::unordered_map<std::string, int64_t>& uses);

void count_nodes(const std::vector<NodeDef>& nodes,
                 std::unordered_map<std::string, int64_t>& uses) {
  for (const NodeDef& node : nodes) {
    for (const std::string& input : node.inputs) ++uses[input];
    for (const AttributeDef& attribute : node.attributes) {
      if (attribute.graph) count_graph(*attribute.graph, uses);
      if (node.op == "Gradient" && attribute.name == "y") ++uses[attribute.text];
    }
  }
}

void count_graph(const GraphDef& graph, std::unordered_map<std::string, int64_t>& uses) {
  count_nodes(graph.nodes, uses);
  for (const ValueDef& output : graph.outputs) ++uses[output.name];
}

/// Puts the values of a call's attributes in place of references to them.
std::vector<NodeDef> with_attributes(const std::vector<NodeDef>& nodes,
                                     const std::map<std::string, const AttributeDef*>& given) {
  std::vector<NodeDef> result = nodes;
  for (NodeDef& node : result) {
    std::vector<AttributeDef> attributes;
    for (AttributeDef& attribute : node.attributes) {
      if (attribute.reference.empty()) {
        if (attribute.graph) {
          auto graph = std::make_shared<GraphDef>(*attribute.graph);
          graph->nodes = with_attributes(graph->nodes, given);
          attribute.graph = graph;
        }
        attributes.push_back(std::move(attribute));
        continue;
      }
      const auto found = given.find(attribute.reference);
      if (found == given.end()) continue;  // left out: the op's own default holds
      AttributeDef value = *found->second;
      value.name = attribute.name;
      attributes.push_back(std::move(value));
    }
    node.attributes = std::move(attributes);
  }
  return result;
}

}  // namespace

std::unordered_map<std::string, int64_t> count_uses(const std::vector<NodeDef>& nodes) {
  std::unordered_map<std::string, int64_t> uses;
  count_nodes(nodes, uses);
  return uses;
}

Item Walk::find(const std::string& name, const Scope& scope) const {
  if (name.empty()) return nullptr;
  for (const Scope* at = &scope; at != nullptr; at = at->outer)
    if (const auto found = at->values.find(name); found != at->values.end()) return found->second;
  refuse("it reads '{}', which nothing gives before it: the graph is cyclic or cut short", name);
}

const FunctionDef* Walk::function(const NodeDef& node) const {
  for (const FunctionDef& function : model_.functions)
    if (function.name == node.op && function.domain == node.domain &&
        function.overload == node.overload)
      return &function;
  return nullptr;
}

void Walk::add_initializers(const GraphDef& graph, Scope& scope, bool weights) {
  for (const InitializerDef& entry : graph.initializers) {
    if (scope.values.contains(entry.name)) continue;
    // Where a file is only described, large tensors have no bytes: they are weights whatever they
    // hold.
    const bool unread = !entry.tensor.is_string() && !entry.tensor.tensor.defined();
    const bool is_weight =
        unread || (weights && is_floating(entry.tensor.element) && !entry.tensor.sizes.empty());
    scope.values[entry.name] =
        is_weight ? trace_.weight(entry.name, entry.tensor) : trace_.constant(entry.tensor);
  }
}

std::vector<Item> Walk::run(const std::map<std::string, Item>& inputs) {
  Scope scope;
  scope.opsets = &model_.opsets;
  for (const auto& [name, item] : inputs) scope.values[name] = item;
  add_initializers(model_.graph, scope, true);
  scope.uses = count_uses(model_.graph.nodes);
  for (const ValueDef& output : model_.graph.outputs) ++scope.uses[output.name];
  run_nodes(model_.graph.nodes, scope);
  std::vector<Item> outputs;
  for (const ValueDef& output : model_.graph.outputs) outputs.push_back(find(output.name, scope));
  return outputs;
}

std::vector<Item> Walk::run_graph(const GraphDef& graph, const std::vector<Item>& inputs,
                                  const Scope& outer) {
  count_step();
  require(inputs.size() <= graph.inputs.size(), "its sub-graph takes {} inputs, but {} are given",
          graph.inputs.size(), inputs.size());
  Scope scope;
  scope.outer = &outer;
  scope.opsets = outer.opsets;
  scope.depth = outer.depth + 1;
  require(scope.depth < kMaxDepth, "sub-graphs and functions nest deeper than {}", kMaxDepth);
  for (size_t i = 0; i < inputs.size(); ++i) scope.values[graph.inputs[i].name] = inputs[i];
  add_initializers(graph, scope, false);
  scope.uses = count_uses(graph.nodes);
  for (const ValueDef& output : graph.outputs) ++scope.uses[output.name];
  run_nodes(graph.nodes, scope);
  std::vector<Item> outputs;
  for (const ValueDef& output : graph.outputs) {
    outputs.push_back(find(output.name, scope));
    require(outputs.back() != nullptr, "its sub-graph's output '{}' is left out", output.name);
  }
  return outputs;
}

void Walk::call_function(const FunctionDef& function, const NodeDef& node, Scope& outer,
                         std::vector<Item>& outputs) {
  require(outer.depth + 1 < kMaxDepth, "functions nest deeper than {}: is '{}' recursive?",
          kMaxDepth, function.name);
  require(node.inputs.size() <= function.inputs.size(),
          "the function takes {} inputs, but {} are given", function.inputs.size(),
          node.inputs.size());
  Scope scope;
  scope.opsets = &function.opsets;
  scope.depth = outer.depth + 1;
  for (size_t i = 0; i < function.inputs.size(); ++i)
    scope.values[function.inputs[i]] =
        i < node.inputs.size() ? find(node.inputs[i], outer) : nullptr;
  std::map<std::string, const AttributeDef*> given;
  for (const AttributeDef& attribute : function.defaults) given[attribute.name] = &attribute;
  for (const AttributeDef& attribute : node.attributes) given[attribute.name] = &attribute;
  const std::vector<NodeDef> nodes = with_attributes(function.nodes, given);
  scope.uses = count_uses(nodes);
  for (const std::string& output : function.outputs) ++scope.uses[output];
  run_nodes(nodes, scope);
  for (size_t i = 0; i < function.outputs.size() && i < outputs.size(); ++i)
    outputs[i] = find(function.outputs[i], scope);
}

void Walk::run_nodes(const std::vector<NodeDef>& nodes, Scope& scope) {
  for (const NodeDef& node : nodes) {
    while (true) {
      try {
        run_node(node, scope);
        break;
      } catch (const NeedsStage&) {
        if (trace_.in_region()) throw;
        trace_.cut();
      }
    }
    std::unordered_map<std::string, int64_t> used;
    count_nodes({node}, used);
    for (const auto& [name, count] : used)
      if (const auto left = scope.uses.find(name);
          left != scope.uses.end() && (left->second -= count) <= 0)
        scope.values.erase(name);
    for (const std::string& output : node.outputs)
      if (!scope.uses.contains(output)) scope.values.erase(output);
  }
}

void Walk::count_step() {
  require(trace_.staged() || ++num_steps_ <= kMaxNodes,
          "the model's functions and loops expand to more than {} nodes", kMaxNodes);
}

void Walk::run_node(const NodeDef& node, Scope& scope) {
  count_step();
  try {
    std::vector<Item> outputs(node.outputs.size());
    const FunctionDef* function = this->function(node);
    const OpRow* row =
        function ? nullptr : find_op(node.domain, node.op, opset_of(*scope.opsets, node.domain));
    require(function != nullptr || row != nullptr, "brisk has no such op (opset {})",
            opset_of(*scope.opsets, node.domain));
    if (function != nullptr) {
      call_function(*function, node, scope, outputs);
    } else {
      Call call{.trace = trace_, .node = node, .opset = opset_of(*scope.opsets, node.domain)};
      for (const std::string& input : node.inputs) call.inputs.push_back(find(input, scope));
      call.outputs.resize(node.outputs.size());
      call.find_value = [&](const std::string& name) { return find(name, scope); };
      call.run_graph = [&](const GraphDef& graph, const std::vector<Item>& inputs) {
        return run_graph(graph, inputs, scope);
      };
      if (row->host)
        require(
            trace_.staged() ||
                [&] {
                  for (const Item& item : call.inputs)
                    if (item && !trace_.can_know(item)) return false;
                  return true;
                }(),
            "it is computed on the host between stages, not within a graph: such a model runs in "
            "stages (onnx::Session)");
      const Trace::Label label(trace_, label_of(node));
      row->importer(call);
      outputs = std::move(call.outputs);
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      if (node.outputs[i].empty()) continue;
      if (!outputs[i])
        continue;  // an optional output: whoever reads it is told that nothing gives it
      scope.values[node.outputs[i]] = outputs[i];
    }
  } catch (const UserError& error) {
    const std::string message = error.what();
    if (message.starts_with("node ")) throw;
    refuse("{}: {}", describe(node), message);
  }
}

ImportReport survey(const ModelDef& model) {
  ImportReport report;
  std::map<std::string, ImportReport::Row> understood, missing;
  const std::function<void(const std::vector<NodeDef>&, const std::map<std::string, int64_t>&)>
      look = [&](const std::vector<NodeDef>& nodes, const std::map<std::string, int64_t>& opsets) {
        for (const NodeDef& node : nodes) {
          const bool is_function = std::any_of(
              model.functions.begin(), model.functions.end(), [&](const FunctionDef& f) {
                return f.name == node.op && f.domain == node.domain && f.overload == node.overload;
              });
          const bool known = is_function || find_op(node.domain, node.op,
                                                    opset_of(opsets, node.domain)) != nullptr;
          const std::string op = node.domain.empty() ? node.op : node.domain + "." + node.op;
          ImportReport::Row& row = (known ? understood : missing)[op];
          if (row.count++ == 0) {
            row.op = op;
            row.where = !node.name.empty()     ? node.name
                        : node.outputs.empty() ? ""
                                               : node.outputs[0];
            if (!known)
              row.note = node.domain.empty()
                             ? fmt::format("no importer for opset {}", opset_of(opsets, ""))
                             : fmt::format(
                                   "the domain '{}' has no such op and the file holds no function "
                                   "of that name",
                                   node.domain);
          }
          for (const AttributeDef& attribute : node.attributes)
            if (attribute.graph) look(attribute.graph->nodes, opsets);
        }
      };
  look(model.graph.nodes, model.opsets);
  for (const FunctionDef& function : model.functions) look(function.nodes, function.opsets);
  for (auto& [op, row] : understood) report.understood.push_back(std::move(row));
  for (auto& [op, row] : missing) report.missing.push_back(std::move(row));
  return report;
}

}  // namespace brisk::onnx
