#include <cctype>
#include <map>
#include <set>

#include "brisk/nn/layer.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/standard.h"

// State inputs must come before feature inputs in the graph's signature, but layers ask for state
// long after the features exist. So the graph is built with inputs in order of appearance and
// rewritten once, in finish(), with the inputs in signature order.

namespace brisk {
namespace {

/// Keras's rule: Conv2D -> conv2d, MaxPooling2D -> max_pooling2d, ReLU -> re_lu.
std::string snake_case(std::string_view kind) {
  std::string result;
  for (size_t i = 0; i < kind.size(); ++i) {
    const auto upper = [&](size_t at) {
      return at < kind.size() && std::isupper(static_cast<unsigned char>(kind[at]));
    };
    const auto lower = [&](size_t at) {
      return at < kind.size() && std::islower(static_cast<unsigned char>(kind[at]));
    };
    if (i > 0 && upper(i) && (lower(i - 1) || lower(i + 1))) result += '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(kind[i])));
  }
  return result;
}

/// Collects the state that one layer asks for; inside its region each entry is an input.
class RegionContext final : public LayerContext {
 public:
  explicit RegionContext(Builder& region) : region_(region) {}

  Builder& builder() override { return region_; }
  Value state(std::string name, Type type, StateRole role, std::string initializer,
              bool trainable) override {
    const Value value = region_.input(name, type);
    entries.push_back({std::move(name), std::move(type), role,
                       trainable && role == StateRole::parameter, std::move(initializer)});
    values.push_back(value);
    return value;
  }
  void update(Value state, Value new_value) override {
    const auto at = std::find(values.begin(), values.end(), state);
    invariant(at != values.end(), "an update names a value that is no state of its layer");
    updates.emplace_back(static_cast<size_t>(at - values.begin()), new_value);
  }

  std::vector<StateEntry> entries;
  std::vector<Value> values;
  std::vector<std::pair<size_t, Value>> updates;

 private:
  Builder& region_;
};

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

struct ModelBuilder::State {
  explicit State(std::string name) : builder(standard_ops(), name), name(std::move(name)) {}

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

  void check_inputs(const Layer& layer, const std::string& name,
                    std::span<const Value> inputs) const {
    require(!inputs.empty(), "layer '{}' ({}) needs an input", name, layer.kind());
    for (size_t i = 0; i < inputs.size(); ++i) {
      require(inputs[i].defined(), "layer '{}' ({}): input {} is not defined", name, layer.kind(),
              i);
      require(inputs[i].builder == &builder, "layer '{}' ({}): input {} belongs to another model",
              name, layer.kind(), i);
    }
  }

  Builder builder;
  std::string name;
  std::map<std::string, int> counts;
  std::set<std::string> names;
  std::vector<StateEntry> entries;
  std::vector<Value> state_values, features;
  std::map<size_t, Value> updates;  ///< state index -> new value
};

ModelBuilder::ModelBuilder(std::string name) : state_(std::make_unique<State>(std::move(name))) {}
ModelBuilder::~ModelBuilder() = default;

Value ModelBuilder::input(std::string name, std::vector<int64_t> sizes, DType dtype) {
  Shape shape{Extent(std::string("batch"))};
  for (const int64_t size : sizes) shape.push_back(Extent(size));
  state_->features.push_back(state_->builder.input(std::move(name), Type(dtype, shape)));
  return state_->features.back();
}

Value ModelBuilder::apply(const Layer& layer, std::span<const Value> inputs) {
  const std::string name = state_->unique_name(layer);
  state_->check_inputs(layer, name, inputs);
  Builder region(standard_ops(), name);
  std::vector<Value> region_inputs;
  for (size_t i = 0; i < inputs.size(); ++i)
    region_inputs.push_back(region.input(fmt::format("input{}", i), inputs[i].type()));
  RegionContext context(region);
  std::vector<Builder::Output> outputs;
  try {
    outputs.push_back({"output", layer.build(context, region_inputs)});
  } catch (const UserError& error) {
    refuse("layer '{}' ({}): {}", name, layer.kind(), error.what());
  }
  for (const auto& [entry, value] : context.updates)
    outputs.push_back({fmt::format("update:{}", context.entries[entry].name), value});
  const Graph body = region.finish(outputs);
  require_all_used(layer, name, body, inputs.size());

  std::vector<Value> operands(inputs.begin(), inputs.end());
  const size_t first_state = state_->entries.size();
  for (StateEntry& entry : context.entries) {
    entry.name = name + "/" + entry.name;
    operands.push_back(state_->builder.input(entry.name, entry.type));
    state_->state_values.push_back(operands.back());
    state_->entries.push_back(std::move(entry));
  }
  const LabelScope label(state_->builder, name);
  const std::vector<Value> results =
      call(operands, body, {.kind = layer.kind(), .name = name, .config = layer.config()});
  for (size_t u = 0; u < context.updates.size(); ++u)
    state_->updates[first_state + context.updates[u].first] = results[u + 1];
  return results[0];
}

Model ModelBuilder::finish(std::vector<Builder::Output> outputs) {
  Model model;
  model.name = state_->name;
  model.program.num_results = static_cast<int64_t>(outputs.size());
  for (const auto& [entry, value] : state_->updates) {
    outputs.push_back({"update:" + state_->entries[entry].name, value});
    model.program.updates.push_back(static_cast<int64_t>(entry));
  }
  std::vector<std::string> order;
  for (const Value& value : state_->state_values)
    order.push_back(state_->builder.node(value.id.node).attributes.as<InputAttributes>().name);
  for (const Value& value : state_->features)
    order.push_back(state_->builder.node(value.id.node).attributes.as<InputAttributes>().name);
  const Graph unordered = state_->builder.finish(outputs);

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
