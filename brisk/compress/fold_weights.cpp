#include "brisk/compress/fold_weights.h"

#include <algorithm>
#include <map>
#include <set>

#include "brisk/ir/builder.h"
#include "brisk/ir/rewrite.h"
#include "brisk/passes/pipeline.h"
#include "brisk/runtime/backend.h"

// After the passes, a node is fixed when weights and constants alone decide it. The fixed values
// that others read become state; a graph of them alone is compiled and run to get their values. Of
// a broadcast that others read, its operand does: the broadcast would only repeat it.
//
// A product is known by the layer of its filter, whatever was joined to it since.

namespace brisk {
namespace {

/// Dropout does nothing in inference, but it would stand between ops that are joined.
Program drop_dropout(Program program, const PassContext&) {
  program.graph = rewrite(program.graph,
                          [](Builder&, const Node& node, NodeId,
                             std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                            if (node.op->name != "dropout") return std::nullopt;
                            return std::vector<Value>{operands[0]};
                          });
  return program;
}

Program inference_form(const Model& model) {
  const std::set<std::string_view> wanted = {
      "inline_calls",    "absorb_padding", "absorb_pool_padding",
      "fold_batch_norm", "simplify",       "fuse_epilogues"};
  std::vector<Pass> passes;
  for (const std::vector<Pass>& pipeline : {forward_pipeline(), lowering_pipeline()})
    for (const Pass& pass : pipeline)
      if (wanted.contains(pass.name)) passes.push_back(pass);
  passes.insert(passes.begin() + 1, {"drop_dropout", Phase::model, drop_dropout, true});
  PassContext context;
  context.target.name = "inference";
  context.target.fused_convolution = true;
  context.target.fused_dot = true;
  context.target.fused_relu6 = true;
  context.target.folds_batch_norm = true;
  return run_pipeline(for_inference(model.program), passes, context);
}

bool is_bound(const Type& type) {
  return type.is_tensor() && std::none_of(type.shape().begin(), type.shape().end(),
                                          [](const Extent& e) { return e.is_named(); });
}

/// What of a graph its state decides.
struct Fixed {
  std::vector<bool> node;     ///< by weights and constants alone
  std::vector<bool> weighty;  ///< ... and by at least one weight
};

Fixed fixed_nodes(const Program& program) {
  const Graph& graph = program.graph;
  Fixed fixed{std::vector<bool>(graph.nodes().size()), std::vector<bool>(graph.nodes().size())};
  for (size_t i = 0; i < program.state.size(); ++i)
    if (program.state[i].role == StateRole::parameter ||
        program.state[i].role == StateRole::statistic)
      fixed.node[static_cast<size_t>(graph.inputs()[i])] =
          fixed.weighty[static_cast<size_t>(graph.inputs()[i])] = true;
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (node.op->name == "input" || node.op->random || node.op->side_effect ||
        !node.regions.empty() || !std::all_of(node.results.begin(), node.results.end(), is_bound))
      continue;
    fixed.node[id] = std::all_of(node.operands.begin(), node.operands.end(), [&](ValueId v) {
      return fixed.node[static_cast<size_t>(v.node)];
    });
    fixed.weighty[id] =
        fixed.node[id] && std::any_of(node.operands.begin(), node.operands.end(), [&](ValueId v) {
          return fixed.weighty[static_cast<size_t>(v.node)];
        });
  }
  return fixed;
}

/// The layer of the weight, of two axes at least, that a fixed value is made of; empty without one.
std::string layer_of(const Program& program, ValueId value) {
  const Graph& graph = program.graph;
  const auto input = std::find(graph.inputs().begin(), graph.inputs().end(), value.node);
  if (input != graph.inputs().end()) {
    const auto i = static_cast<size_t>(input - graph.inputs().begin());
    if (i >= program.state.size() || graph.type(value).rank() < 2) return "";
    const std::string& name = program.state[i].name;
    return name.substr(0, name.rfind('/'));
  }
  for (const ValueId& operand : graph.node(value.node).operands)
    if (std::string layer = layer_of(program, operand); !layer.empty()) return layer;
  return "";
}

bool is_product(const Node& node) {
  return node.op->name == "fused_convolution" || node.op->name == "fused_dot";
}

/// The name that a node is known by from here on.
std::string label_of(const Program& program, const Fixed& fixed, const Node& node) {
  if (is_product(node) && fixed.weighty[static_cast<size_t>(node.operands[1].node)])
    if (std::string layer = layer_of(program, node.operands[1]); !layer.empty()) return layer;
  return node.label;
}

/// Values that become state, in order, with their names.
class Frontier {
 public:
  Frontier(const Program& program, const Fixed& fixed)
      : program_(program), graph_(program.graph), fixed_(fixed) {
    for (size_t i = 0; i < program.state.size(); ++i)
      inputs_[graph_.inputs()[i]] = &program.state[i];
    for (size_t id = 0; id < graph_.nodes().size(); ++id) {
      if (fixed.node[id]) continue;
      const Node& node = graph_.nodes()[id];
      for (size_t i = 0; i < node.operands.size(); ++i) add(node.operands[i], node, i);
    }
    for (const NamedValue& output : graph_.outputs()) add(output.value, {}, 0);
  }
  /// Fixed nodes that are written out all the same.
  bool repeats(NodeId node) const { return repeated_.contains(node); }
  struct Entry {
    ValueId value;
    std::string name;
  };
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void add(ValueId value, const Node& user, size_t operand) {
    const bool is_state = inputs_.contains(value.node);
    if (!is_state && !fixed_.weighty[static_cast<size_t>(value.node)]) return;
    const Node& made_by = graph_.node(value.node);
    if (made_by.op->name == "broadcast") {
      repeated_.insert(value.node);
      return add(made_by.operands[0], user, operand);
    }
    if (std::any_of(entries_.begin(), entries_.end(),
                    [&](const Entry& e) { return e.value == value; }))
      return;
    std::string name = is_state ? inputs_.at(value.node)->name : name_of(user, operand);
    for (int n = 1; !names_.insert(name).second; ++n)
      name =
          fmt::format("{}_{}", is_state ? inputs_.at(value.node)->name : name_of(user, operand), n);
    entries_.push_back({value, std::move(name)});
  }

  std::string name_of(const Node& user, size_t operand) const {
    if (user.op == nullptr) return "folded/output";
    const std::string label = label_of(program_, fixed_, user);
    const std::string layer = label.empty() ? "folded" : label;
    if (is_product(user) && operand == 1) return layer + "/kernel";
    if (is_product(user) && operand == 2) return layer + "/bias";
    return fmt::format("{}/operand_{}", layer, operand);
  }

  const Program& program_;
  const Graph& graph_;
  const Fixed& fixed_;
  std::map<NodeId, const StateEntry*> inputs_;
  std::vector<Entry> entries_;
  std::set<std::string> names_;
  std::set<NodeId> repeated_;
};

/// `node` again in `builder`, of the values that stand for its operands; adds its results.
void emit_copy(Builder& builder, const Node& node, NodeId id, std::map<ValueId, Value>& values) {
  std::vector<Value> operands;
  for (const ValueId& operand : node.operands) operands.push_back(values.at(operand));
  const std::vector<Value> results =
      builder.emit(*node.op, operands, node.attributes, node.regions);
  for (size_t r = 0; r < results.size(); ++r) values[{id, static_cast<int32_t>(r)}] = results[r];
}

/// (state...) -> the frontier's values.
Graph weights_graph(const Program& program, const Fixed& fixed,
                    const std::vector<Frontier::Entry>& entries) {
  const Graph& graph = program.graph;
  Builder builder(graph.ops(), "weights");
  std::map<ValueId, Value> values;
  for (size_t i = 0; i < program.state.size(); ++i)
    values[{graph.inputs()[i], 0}] = builder.input(graph.input_name(i), graph.input_type(i));
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (!fixed.node[id] || node.op->name == "input") continue;
    const LabelScope label(builder, node.label);
    emit_copy(builder, node, static_cast<NodeId>(id), values);
  }
  std::vector<Builder::Output> results;
  for (const Frontier::Entry& entry : entries)
    results.push_back({entry.name, values.at(entry.value)});
  return builder.finish(results);  // without the nodes that no result needs
}

}  // namespace

FoldedProgram fold_program(const Model& model) {
  const Program program = inference_form(model);
  const Graph& graph = program.graph;
  const Fixed fixed = fixed_nodes(program);
  const Frontier frontier(program, fixed);

  FoldedProgram result{{}, weights_graph(program, fixed, frontier.entries())};
  Builder builder(graph.ops(), graph.name());
  std::map<ValueId, Value> values;
  for (const Frontier::Entry& entry : frontier.entries()) {
    values[entry.value] = builder.input(entry.name, graph.type(entry.value));
    const auto own = std::find(graph.inputs().begin(), graph.inputs().end(), entry.value.node);
    StateEntry state{entry.name, graph.type(entry.value)};
    if (own != graph.inputs().end())
      state = program.state[static_cast<size_t>(own - graph.inputs().begin())];
    state.trainable = false;
    result.program.state.push_back(std::move(state));
  }
  for (size_t i = program.state.size(); i < graph.inputs().size(); ++i)
    values[{graph.inputs()[i], 0}] = builder.input(graph.input_name(i), graph.input_type(i));
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    const bool folded = fixed.weighty[id] && !frontier.repeats(static_cast<NodeId>(id));
    if (node.op->name == "input" || folded) continue;
    const LabelScope label(builder, label_of(program, fixed, node));
    emit_copy(builder, node, static_cast<NodeId>(id), values);
  }
  std::vector<Builder::Output> outputs;
  for (const NamedValue& output : graph.outputs())
    outputs.push_back({output.name, values.at(output.value)});
  result.program.num_results = static_cast<int64_t>(outputs.size());
  result.program.graph = builder.finish(outputs);
  verify(result.program);
  return result;
}

Model fold_weights(const Model& model) {
  require(model.weights.size() == model.program.state.size(), "model '{}' has no weights yet",
          model.name);
  FoldedProgram folded = fold_program(model);
  Program weights;
  weights.num_results = static_cast<int64_t>(folded.weights.outputs().size());
  weights.graph = std::move(folded.weights);
  weights.state = model.program.state;
  const auto executable = compile(weights, **find_backend("cpu")).executable;
  executable->bind_state(model.weights);
  Model result;
  result.name = model.name;
  result.class_names = model.class_names;
  result.program = std::move(folded.program);
  for (const Tensor& value : executable->run({})) result.weights.push_back(value.clone());
  return result;
}

}  // namespace brisk
