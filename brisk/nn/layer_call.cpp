// A layer becomes a "call" node: its ops stand in a closed region whose inputs are the layer's own
// and its state. Layers hold layers (a nested model, a wrapper), so contexts nest: an inner one
// asks the outer one for the entry and takes its value in as one more operand.

#include "brisk/nn/state_table.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/standard.h"

namespace brisk {
namespace {

class RegionContext final : public LayerContext {
 public:
  RegionContext(Builder& region, LayerContext& outer, const Layer& layer, std::string name)
      : region_(region), outer_(outer), layer_(layer), name_(std::move(name)) {}

  Builder& builder() override { return region_; }
  Value state(std::string name, Type type, StateRole role, std::string initializer,
              bool trainable) override {
    if (const auto value = table_.find(name, type)) return *value;
    outer_values_.push_back(outer_.state(name_ + "/" + name, type, role, std::move(initializer),
                                         trainable && layer_.trainable()));
    return table_.add(name, region_.input(name, std::move(type)));
  }
  void update(Value state, Value new_value) override { table_.update(state, new_value); }

  const StateTable& table() const { return table_; }
  const std::vector<Value>& outer_values() const { return outer_values_; }

 private:
  Builder& region_;
  LayerContext& outer_;
  const Layer& layer_;
  std::string name_;
  StateTable table_;
  std::vector<Value> outer_values_;  ///< by index of the table
};

void check_inputs(LayerContext& context, const Layer& layer, const std::string& name,
                  std::span<const Value> inputs) {
  require(!inputs.empty(), "layer '{}' ({}) needs an input", name, layer.kind());
  for (size_t i = 0; i < inputs.size(); ++i) {
    require(inputs[i].defined(), "layer '{}' ({}): input {} is not defined", name, layer.kind(), i);
    require(inputs[i].builder == &context.builder(),
            "layer '{}' ({}): input {} belongs to another model", name, layer.kind(), i);
  }
}

}  // namespace

std::optional<Value> StateTable::find(const std::string& name, const Type& type) const {
  for (const Row& row : rows_) {
    if (row.name != name) continue;
    require(row.current.type() == type,
            "the state '{}' is {}, but is asked for as {}: a layer that is called twice needs "
            "inputs of one size",
            name, row.current.type().to_string(), type.to_string());
    return row.current;
  }
  return std::nullopt;
}

Value StateTable::add(std::string name, Value value) {
  rows_.push_back({std::move(name), value, value});
  return value;
}

void StateTable::update(Value state, Value new_value) {
  for (Row& row : rows_) {
    if (row.current != state) continue;
    row.current = new_value;
    return;
  }
  invariant(false, "an update names a value that is no state of its layer");
}

std::vector<Value> call_layer(LayerContext& context, const Layer& layer, const std::string& name,
                              std::span<const Value> inputs) {
  check_inputs(context, layer, name, inputs);
  Builder region(standard_ops(), name);
  std::vector<Value> region_inputs;
  for (size_t i = 0; i < inputs.size(); ++i)
    region_inputs.push_back(region.input(fmt::format("input{}", i), inputs[i].type()));
  RegionContext inner(region, context, layer, name);
  std::vector<Builder::Output> outputs;
  try {
    const std::vector<Value> results = layer.build(inner, region_inputs);
    for (size_t r = 0; r < results.size(); ++r)
      outputs.push_back({r == 0 ? "output" : fmt::format("output{}", r), results[r]});
  } catch (const UserError& error) {
    refuse("layer '{}' ({}): {}", name, layer.kind(), error.what());
  }
  const size_t num_results = outputs.size();
  std::vector<Value> updated;  // the outer values that the call gives anew
  const std::span<const StateTable::Row> rows = inner.table().rows();
  for (size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].current == rows[i].input) continue;
    outputs.push_back({"update:" + rows[i].name, rows[i].current});
    updated.push_back(inner.outer_values()[i]);
  }
  const Graph body = region.finish(outputs);

  std::vector<Value> operands(inputs.begin(), inputs.end());
  operands.insert(operands.end(), inner.outer_values().begin(), inner.outer_values().end());
  const LabelScope label(context.builder(), name);
  std::vector<Value> results =
      call(operands, body, {.kind = layer.kind(), .name = name, .config = layer.config()});
  for (size_t u = 0; u < updated.size(); ++u) context.update(updated[u], results[num_results + u]);
  results.resize(num_results);
  return results;
}

}  // namespace brisk
