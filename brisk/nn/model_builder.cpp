#include <map>
#include <set>

#include "brisk/nn/snake_case.h"
#include "brisk/nn/state_table.h"
#include "brisk/ops/standard.h"

// State inputs must come before feature inputs in the graph's signature, but layers ask for state
// long after the features exist. So the graph is built with inputs in order of appearance and
// rewritten once, in finish(), with the inputs in signature order.

namespace brisk {
namespace {

/// Refused where the layer read fewer than the `count` inputs that it was given.
void require_all_used(const Layer& layer, const std::string& name, const Graph& body,
                      size_t count) {
  std::set<NodeId> used;
  for (const Node& node : body.nodes())
    for (const ValueId& operand : node.operands) used.insert(operand.node);
  for (const NamedValue& output : body.outputs()) used.insert(output.value.node);
  size_t read = 0;
  for (size_t i = 0; i < count; ++i) read += used.contains(body.inputs()[i]) ? 1 : 0;
  require(read == count, "layer '{}' ({}) takes {} input, but {} are given", name, layer.kind(),
          read, count);
}

}  // namespace

/// The model's own context: a layer's state becomes state entries and graph inputs.
struct ModelBuilder::State final : LayerContext {
  explicit State(std::string name) : graph(standard_ops(), name), name(std::move(name)) {}

  std::string unique_name(const Layer& layer) {
    std::string name = layer.given_name();
    if (!name.empty()) {
      require(names.insert(name).second, "two layers are named '{}'", name);
      return name;
    }
    const std::string base = snake_case(layer.kind());
    do {
      const int number = counts[base]++;
      name = number == 0 ? base : fmt::format("{}_{}", base, number);
    } while (!names.insert(name).second);
    return name;
  }

  Builder& builder() override { return graph; }
  Value state(std::string entry, Type type, StateRole role, std::string initializer,
              bool trainable) override {
    if (const auto value = table.find(entry, type)) return *value;
    entries.push_back(
        {entry, type, role, trainable && role == StateRole::parameter, std::move(initializer)});
    return table.add(entry, graph.input(entry, std::move(type)));
  }
  void update(Value state, Value new_value) override { table.update(state, new_value); }

  Builder graph;
  std::string name;
  std::map<std::string, int> counts;
  std::set<std::string> names;
  std::vector<StateEntry> entries;
  StateTable table;  ///< a row for each of `entries`
  std::vector<Value> features;
};

ModelBuilder::ModelBuilder(std::string name) : state_(std::make_unique<State>(std::move(name))) {}
ModelBuilder::~ModelBuilder() = default;

LayerContext& ModelBuilder::context() {
  return *state_;
}

Value ModelBuilder::input(std::string name, std::vector<int64_t> sizes, DType dtype) {
  Shape shape{Extent(std::string("batch"))};
  for (const int64_t size : sizes) shape.push_back(Extent(size));
  return input(std::move(name), Type(dtype, shape));
}

Value ModelBuilder::input(std::string name, Type type) {
  state_->features.push_back(state_->graph.input(std::move(name), std::move(type)));
  return state_->features.back();
}

std::vector<Value> ModelBuilder::apply(const Layer& layer, std::span<const Value> inputs) {
  const std::string name = state_->unique_name(layer);
  std::vector<Value> results = call_layer(*state_, layer, name, inputs);
  require_all_used(layer, name, state_->graph.node(results[0].id.node).regions[0], inputs.size());
  return results;
}

Model ModelBuilder::finish(std::vector<Builder::Output> outputs) {
  Model model;
  model.name = state_->name;
  model.program.num_results = static_cast<int64_t>(outputs.size());
  const std::vector<StateTable::Row>& rows = state_->table.rows();
  for (size_t entry = 0; entry < rows.size(); ++entry) {
    if (rows[entry].current == rows[entry].input) continue;
    outputs.push_back({"update:" + rows[entry].name, rows[entry].current});
    model.program.updates.push_back(static_cast<int64_t>(entry));
  }
  std::vector<std::string> order;
  for (const StateTable::Row& row : rows) order.push_back(row.name);
  for (const Value& value : state_->features)
    order.push_back(state_->graph.node(value.id.node).attributes.as<InputAttributes>().name);
  const Graph unordered = state_->graph.finish(outputs);

  Builder ordered(standard_ops(), state_->name);
  std::map<std::string, Value> inputs;
  std::map<std::string, Type> types;
  for (size_t i = 0; i < unordered.inputs().size(); ++i)
    types[unordered.input_name(i)] = unordered.input_type(i);
  for (const std::string& name : order) inputs[name] = ordered.input(name, types.at(name));
  std::vector<Value> arguments;
  for (size_t i = 0; i < unordered.inputs().size(); ++i)
    arguments.push_back(inputs.at(unordered.input_name(i)));
  const std::vector<Value> results = ordered.inline_graph(unordered, arguments);
  std::vector<Builder::Output> named;
  for (size_t i = 0; i < results.size(); ++i)
    named.push_back({unordered.outputs()[i].name, results[i]});
  model.program.graph = ordered.finish(named);
  model.program.state = std::move(state_->entries);
  state_ = std::make_unique<State>(model.name);
  return model;
}

}  // namespace brisk
