#include "brisk/nn/layers/wrapper.h"

#include <algorithm>

#include "brisk/base/json.h"
#include "brisk/nn/layer_table.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

Json parse_inner(const ConfigObject& object, std::string_view what) {
  require(!object.empty(), "'{}' is missing", what);
  Json json = parse_json(object.json, what).value();
  require(json.is_object() && json.contains("config") && json["config"].is_object(),
          "'{}' is no layer", what);
  return json;
}

Value merge(Value forward, Value backward, const std::string& mode) {
  if (mode == "concat")
    return concatenate(std::vector<Value>{forward, backward}, forward.rank() - 1);
  if (mode == "sum") return forward + backward;
  if (mode == "mul") return forward * backward;
  if (mode == "ave") return (forward + backward) / 2;
  refuse("merge_mode must be concat, sum, mul, ave or None, but is '{}'", mode);
}

}  // namespace

std::vector<Value> Bidirectional::build(LayerContext& context,
                                        std::span<const Value> values) const {
  Json ahead = parse_inner(layer, "layer"),
       back = backward_layer.empty() ? ahead : parse_inner(backward_layer, "backward_layer");
  const auto flag = [](const Json& object, const char* key) {
    return object["config"].contains(key) && object["config"][key] == true;
  };
  if (backward_layer.empty()) back["config"]["go_backwards"] = !flag(ahead, "go_backwards");

  // The sequence and the mask go both ways; the first half of the initial state is the forward
  // one's.
  std::vector<size_t> states;
  for (size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i] == "initial_state") states.push_back(i);
  require(inputs.empty() || inputs.size() == values.size(), "{} inputs are given, but {} are named",
          values.size(), inputs.size());
  const auto run = [&](Json object, size_t direction, const std::string& part) {
    std::vector<Value> taken;
    Json names = Json::array();
    for (size_t i = 0; i < values.size(); ++i) {
      const std::string role = inputs.empty() ? "inputs" : inputs[i];
      const auto state = std::ranges::find(states, i);
      if (state != states.end() &&
          static_cast<size_t>(state - states.begin()) / (states.size() / 2) != direction)
        continue;
      taken.push_back(values[i]);
      names.push_back(role);
    }
    object["config"]["call"] = {{"inputs", names}};
    LayerPart inner(context, part);
    return layer_from_object(object.dump())->build(inner, taken);
  };
  require(states.size() % 2 == 0,
          "the initial state has {} parts, which two directions cannot share", states.size());
  std::vector<Value> forward = run(ahead, 0, "forward_layer"),
                     backward = run(back, 1, "backward_layer");
  if (flag(ahead, "return_sequences")) backward[0] = reverse(backward[0], {1});

  std::vector<Value> results;
  if (merge_mode.empty())
    results = {forward[0], backward[0]};
  else
    results = {merge(forward[0], backward[0], merge_mode)};
  results.insert(results.end(), forward.begin() + 1, forward.end());
  results.insert(results.end(), backward.begin() + 1, backward.end());
  return results;
}

Value TimeDistributed::build(LayerContext& context, std::span<const Value> inputs) const {
  // One step after the other: [batch * steps, ...] is no shape while the batch is a named
  // dimension.
  const Value x = inputs[0];
  require(x.rank() >= 3, "the input must be [batch, steps, ...], but is {}", x.type().to_string());
  const std::unique_ptr<Layer> inner = layer_from_object(layer.json);
  LayerPart part(context, "layer");
  require(!x.shape()[1].is_named(),
          "the number of steps must be known, but is the dimension '{}': give it a size on import",
          x.shape()[1].name());
  std::vector<Value> steps;
  for (int64_t step = 0; step < x.shape().size(1); ++step) {
    const std::vector<Value> results =
        inner->build(part, std::vector<Value>{squeeze(slice_axis(x, 1, step, step + 1), 1)});
    require(results.size() == 1, "the inner layer has {} results, but must have one",
            results.size());
    steps.push_back(expand_dims(results[0], 1));
  }
  return concatenate(steps, 1);
}

}  // namespace brisk
