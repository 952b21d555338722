#include "brisk/compress/smaller_layer.h"

#include <array>

#include "brisk/base/json.h"
#include "brisk/ir/rewrite.h"
#include "brisk/nn/layer_table.h"
#include "brisk/nn/operations/operation_layer.h"
#include "brisk/ops/convolve/convolve.h"

namespace brisk {
namespace {

/// Fields of Keras's configurations that count what the last axis of a layer's result has.
constexpr std::array<std::string_view, 3> kCounts = {"filters", "units", "output_dim"};
/// ... that are the shape of its result without the batch.
constexpr std::array<std::string_view, 2> kShapes = {"target_shape", "output_shape"};

void set_counts(Json& config, const Graph& before, const Graph& after) {
  const Shape &old = before.output_type(0).shape(), &now = after.output_type(0).shape();
  if (now.rank() == 0 || now[now.rank() - 1].is_named()) return;
  for (const std::string_view field : kCounts)
    if (const auto found = config.find(field); found != config.end() && found->is_number_integer())
      *found = now.size(now.rank() - 1);
  for (const std::string_view field : kShapes) {
    const auto found = config.find(field);
    if (found == config.end() || !found->is_array() || found->empty()) continue;
    // Of several axes those that changed; a -1 stays what is left over.
    for (size_t i = 0; i < found->size(); ++i) {
      const int64_t axis = now.rank() - static_cast<int64_t>(found->size() - i);
      if (axis > 0 && old[axis] != now[axis] && (*found)[i] != -1 && !now[axis].is_named())
        (*found)[i] = now.size(axis);
    }
  }
  for (const Node& node : after.nodes())
    if (const auto groups = config.find("groups");
        node.op->name == "convolution" && groups != config.end() && groups->is_number_integer())
      *groups = node.attributes.as<ConvolutionAttributes>().groups;
}

void set_inner_layers(Json& config, const Graph& after) {
  const auto layers = config.find("layers");
  if (layers == config.end() || !layers->is_array()) return;
  for (const Node& node : after.nodes()) {
    if (node.op->name != "call") continue;
    const auto& inner = node.attributes.as<CallAttributes>();
    for (Json& layer : *layers) {
      if (!layer.is_object() || layer.value("name", "") != inner.name) continue;
      layer["config"] = parse_json(inner.config, inner.name).value();
      layer["config"].erase("call");
    }
  }
}

/// With its inputs first: the order in which a layer asks for state is no matter.
Graph in_one_order(const Graph& graph) {
  return rewrite(graph, [](Builder&, const Node&, NodeId, std::span<const Value>) {
    return std::optional<std::vector<Value>>();
  });
}

/// The layer of a call, or the function of keras.ops.
std::unique_ptr<Layer> layer_of(const CallAttributes& call, const std::string& config) {
  if (!is_operation_kind(call.kind)) return layer_from_config(call.kind, config);
  const Json json = parse_json(config, call.name).value();
  const size_t dot = call.kind.rfind('.');
  return operation_layer({.name = call.name,
                          .class_name = call.kind.substr(dot + 1),
                          .module = call.kind.substr(0, dot),
                          .config = json.at("config")},
                         {.args = json.at("args"), .kwargs = json.at("kwargs")});
}

/// The region that a layer of this configuration builds on the inputs of `like`; empty where it
/// builds none.
std::optional<Graph> built(const CallAttributes& layer, const std::string& config,
                           const Graph& like) {
  try {
    ModelBuilder builder("layer");
    std::vector<Value> inputs;
    for (size_t i = 0; i < like.inputs().size(); ++i) {
      if (like.input_name(i) != fmt::format("input{}", i)) break;
      inputs.push_back(builder.input(like.input_name(i), like.input_type(i)));
    }
    const std::vector<Value> results =
        call_layer(builder.context(), *layer_of(layer, config), layer.name, inputs);
    return results[0].builder->node(results[0].id.node).regions[0];
  } catch (const UserError&) {
    return std::nullopt;
  }
}

}  // namespace

std::optional<std::string> smaller_config(const CallAttributes& layer, const Graph& before,
                                          const Graph& after) {
  Result<Json> json = parse_json(layer.config, layer.name);
  if (!json || !json->is_object()) return std::nullopt;
  set_counts(*json, before, after);
  set_inner_layers(*json, after);
  const std::string config = json->dump();
  const std::optional<Graph> region = built(layer, config, after);
  return region && in_one_order(*region) == in_one_order(after) ? std::optional(config)
                                                                : std::nullopt;
}

}  // namespace brisk
