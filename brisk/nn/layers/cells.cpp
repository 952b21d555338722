// A cell of Keras has the configuration of its recurrent layer without what concerns the sequence,
// so the layer is built of both. Stacked cells, run step by step, compute what recurrent layers one
// behind the other do.

#include "brisk/nn/layers/cells.h"

#include <algorithm>
#include <map>
#include <optional>

#include "brisk/base/json.h"
#include "brisk/nn/layer_table.h"
#include "brisk/nn/snake_case.h"

namespace brisk {
namespace {

constexpr std::pair<std::string_view, std::string_view> kCells[] = {
    {"SimpleRNNCell", "SimpleRNN"},
    {"LSTMCell", "LSTM"},
    {"GRUCell", "GRU"},
};

struct CellObject {
  std::string class_name;
  Json config;
};

CellObject parse_cell(const Json& object) {
  require(object.is_object() && object.contains("class_name") && object["class_name"].is_string() &&
              object.contains("config") && object["config"].is_object(),
          "a cell needs a class_name and a config, but is {}", object.dump().substr(0, 200));
  return {object["class_name"].get<std::string>(), object["config"]};
}

/// The recurrent layer's parts stand under "cell/"; a stacked cell has a place of its own.
class PlacedCell final : public LayerContext {
 public:
  PlacedCell(LayerContext& whole, std::string place) : whole_(whole), place_(std::move(place)) {}
  Builder& builder() override { return whole_.builder(); }
  Value state(std::string name, Type type, StateRole role, std::string initializer,
              bool trainable) override {
    const std::string_view own = name.starts_with(kOwn) ? std::string_view(name).substr(kOwn.size())
                                                        : std::string_view(name);
    return whole_.state(fmt::format("{}/{}", place_, own), std::move(type), role,
                        std::move(initializer), trainable);
  }
  void update(Value state, Value new_value) override { whole_.update(state, new_value); }

 private:
  static constexpr std::string_view kOwn = "cell/";
  LayerContext& whole_;
  std::string place_;
};

struct Sequence {
  bool return_sequences = false, return_state = false, go_backwards = false,
       zero_output_for_mask = false;
  std::vector<std::string> inputs;
};

std::vector<Value> run_cell(LayerContext& context, const CellObject& cell, const Sequence& how,
                            std::span<const Value> values) {
  const std::string_view layer = recurrent_class_of(cell.class_name);
  require(!layer.empty(),
          "brisk has no cell '{}': SimpleRNNCell, LSTMCell, GRUCell and StackedRNNCells are known",
          cell.class_name);
  Json config = cell.config;
  config["return_sequences"] = how.return_sequences;
  config["return_state"] = how.return_state;
  config["go_backwards"] = how.go_backwards;
  config["zero_output_for_mask"] = how.zero_output_for_mask;
  if (!how.inputs.empty()) config["call"] = {{"inputs", how.inputs}};
  return layer_from_config(layer, config.dump())->build(context, values);
}

std::vector<Value> run_stack(LayerContext& context, const Json& cells, const Sequence& how,
                             std::span<const Value> values) {
  require(cells.is_array() && !cells.empty(), "StackedRNNCells needs a list of cells");
  require(
      !how.return_state && std::ranges::count(how.inputs, "initial_state") == 0,
      "the states of stacked cells can be neither given nor returned: use a recurrent layer for "
      "each cell");
  const auto mask = std::ranges::find(how.inputs, "mask");
  std::optional<Value> mask_value;
  if (mask != how.inputs.end()) mask_value = values[static_cast<size_t>(mask - how.inputs.begin())];
  std::map<std::string, int> counts;
  std::vector<Value> results = {values[0]};
  for (size_t i = 0; i < cells.size(); ++i) {
    const CellObject cell = parse_cell(cells[i]);
    const std::string base = snake_case(cell.class_name);
    const int count = counts[base]++;
    PlacedCell place(context, count == 0 ? fmt::format("cell/cells/{}", base)
                                         : fmt::format("cell/cells/{}_{}", base, count));
    const bool last = i + 1 == cells.size();
    // The first one turns the sequence round; what follows takes it as it comes.
    Sequence own = how;
    own.return_sequences = how.return_sequences || !last;
    own.go_backwards = how.go_backwards && i == 0;
    own.zero_output_for_mask = how.zero_output_for_mask && last;
    own.inputs = {"inputs"};
    std::vector<Value> taken = {results[0]};
    if (mask_value) {
      require(!how.go_backwards, "stacked cells take no mask where they go backwards");
      taken.push_back(*mask_value);
      own.inputs.emplace_back("mask");
    }
    results = run_cell(place, cell, own, taken);
  }
  return results;
}

}  // namespace

std::string_view recurrent_class_of(std::string_view cell_class) {
  for (const auto& [cell, layer] : kCells)
    if (cell == cell_class) return layer;
  return {};
}

std::vector<Value> RNN::build(LayerContext& context, std::span<const Value> values) const {
  require(!cell.empty(), "'cell' is missing");
  const Json json = parse_json(cell.json, "cell").value();
  const Sequence how{return_sequences, return_state, go_backwards, zero_output_for_mask, inputs};
  const CellObject given = parse_cell(json);
  if (given.class_name == "StackedRNNCells")
    return run_stack(context, given.config.value("cells", Json()), how, values);
  return run_cell(context, given, how, values);
}

}  // namespace brisk
