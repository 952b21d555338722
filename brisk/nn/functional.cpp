#include "brisk/nn/functional.h"

#include <deque>
#include <map>
#include <set>

#include "brisk/nn/layer_table.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {
namespace {

using Origin = std::pair<size_t, int64_t>;  // layer, call

Origin origin_of(const FunctionalConfig& config, const TensorReference& reference) {
  const size_t layer = config.layer_index(reference.layer);
  const LayerEntry& entry = config.layers[layer];
  const int64_t calls = entry.is_input() ? 1 : std::ssize(entry.calls);
  require(reference.call >= 0 && reference.call < calls && reference.tensor >= 0,
          "the model '{}' names call {} of '{}', which has {}", config.name, reference.call,
          reference.layer, calls);
  return {layer, entry.is_input() ? 0 : reference.call};
}

/// The calls in an order in which each comes after those it reads (Kahn 1962); by position in the
/// list where several could be next.
std::vector<Origin> order_of_calls(const FunctionalConfig& config) {
  std::map<std::string_view, size_t> layers;
  for (size_t l = 0; l < config.layers.size(); ++l) layers[config.layers[l].name] = l;
  std::map<Origin, std::vector<Origin>> readers;
  std::map<Origin, size_t> waiting;
  std::set<Origin> ready;
  for (size_t l = 0; l < config.layers.size(); ++l)
    for (size_t c = 0; c < config.layers[l].calls.size(); ++c) {
      const Origin call{l, static_cast<int64_t>(c)};
      std::set<Origin> read;
      for (const TensorReference& input : config.layers[l].calls[c].inputs) {
        const Origin origin = origin_of(config, input);
        if (!config.layers[origin.first].is_input()) read.insert(origin);
      }
      for (const Origin& origin : read) readers[origin].push_back(call);
      waiting[call] = read.size();
      if (read.empty()) ready.insert(call);
    }
  std::vector<Origin> order;
  while (!ready.empty()) {
    const Origin next = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(next);
    for (const Origin& reader : readers[next])
      if (--waiting[reader] == 0) ready.insert(reader);
  }
  for (const auto& [call, count] : waiting)
    require(count == 0, "layer '{}' of the model '{}' reads its own result: the graph has a cycle",
            config.layers[call.first].name, config.name);
  return order;
}

Type input_type(const LayerEntry& entry, const Binding& sizes) {
  const Json* shape = nullptr;
  for (const char* key : {"batch_shape", "batch_input_shape", "shape"})
    if (shape == nullptr && entry.config.contains(key) && entry.config[key].is_array())
      shape = &entry.config[key];
  require(shape != nullptr && !shape->empty(),
          "the input '{}' has no shape: save a model that was called or built once", entry.name);
  require(!entry.config.contains("sparse") || entry.config["sparse"] != true,
          "the input '{}' is sparse; give dense inputs", entry.name);
  Shape extents{Extent(std::string("batch"))};
  for (size_t axis = 1; axis < shape->size(); ++axis) {
    const Json& size = (*shape)[axis];
    require(size.is_null() || (size.is_number_integer() && size >= 0 && size <= (int64_t{1} << 40)),
            "axis {} of the input '{}' is of size {}", axis, entry.name, size.dump());
    if (!size.is_null()) {
      extents.push_back(Extent(size.get<int64_t>()));
      continue;
    }
    const std::string name = fmt::format("{}_{}", entry.name, axis);
    const auto bound = sizes.find(name);
    extents.push_back(bound == sizes.end() ? Extent(name) : Extent(bound->second));
  }
  const auto dtype = entry.config.find("dtype");
  const std::string words =
      dtype != entry.config.end() && dtype->is_string() ? dtype->get<std::string>() : "float32";
  return Type(dtype_from_keras(words), extents);
}

}  // namespace

FunctionalLayer::FunctionalLayer(FunctionalConfig config, std::vector<std::string>* notes)
    : config_(std::move(config)) {
  for (const auto& [l, c] : order_of_calls(config_)) {
    const LayerEntry& entry = config_.layers[l];
    Step step{l, static_cast<size_t>(c), nullptr, {}};
    step.made =
        layer_from_call(entry, entry.calls[step.call], step.inputs, c == 0 ? notes : nullptr);
    steps_.push_back(std::move(step));
  }
}

std::string FunctionalLayer::config() const {
  FunctionalConfig written = config_;
  for (const Step& step : steps_) {
    LayerEntry& entry = written.layers[step.layer];
    if (entry.is_operation()) continue;
    entry.config = parse_json(step.made->config(), entry.name).value();
    entry.config.erase("call");
    if (entry.class_name == "Sequential" || entry.class_name == "Model")
      entry.class_name = "Functional";
  }
  return to_json(written).dump();
}

std::vector<Value> FunctionalLayer::build(LayerContext& context,
                                          std::span<const Value> inputs) const {
  require(inputs.size() == config_.inputs.size(), "the model '{}' takes {} inputs, but is given {}",
          config_.name, config_.inputs.size(), inputs.size());
  std::map<Origin, std::vector<Value>> results;
  for (size_t i = 0; i < inputs.size(); ++i)
    results[{config_.layer_index(config_.inputs[i].layer), 0}] = {inputs[i]};
  const auto value_of = [&](const TensorReference& reference) {
    const auto found = results.find(origin_of(config_, reference));
    require(found != results.end(), "'{}' is read, but is no input of the model '{}'",
            reference.layer, config_.name);
    require(reference.tensor < std::ssize(found->second), "result {} of '{}' is read, which has {}",
            reference.tensor, reference.layer, found->second.size());
    return found->second[static_cast<size_t>(reference.tensor)];
  };
  for (const Step& step : steps_) {
    std::vector<Value> operands;
    for (const TensorReference& input : step.inputs) operands.push_back(value_of(input));
    results[{step.layer, static_cast<int64_t>(step.call)}] =
        call_layer(context, *step.made, config_.layers[step.layer].name, operands);
  }
  std::vector<Value> outputs;
  for (const TensorReference& output : config_.outputs) outputs.push_back(value_of(output));
  return outputs;
}

Model build_functional(const FunctionalConfig& config, const Binding& sizes,
                       std::vector<std::string>* notes) {
  const FunctionalLayer layer(config, notes);
  ModelBuilder builder(config.name);
  std::vector<Value> inputs;
  for (const TensorReference& input : config.inputs) {
    const LayerEntry& entry = config.layers[config.layer_index(input.layer)];
    inputs.push_back(builder.input(entry.name, input_type(entry, sizes)));
  }
  std::vector<Builder::Output> outputs;
  std::map<std::string, int> counts;
  const std::vector<Value> values = layer.build(builder.context(), inputs);
  for (size_t i = 0; i < values.size(); ++i) {
    std::string name =
        config.output_names.empty() ? config.outputs[i].layer : config.output_names[i];
    if (const int count = counts[name]++; count > 0) name = fmt::format("{}_{}", name, count);
    outputs.push_back({name, values[i]});
  }
  return builder.finish(outputs);
}

}  // namespace brisk
