// Keras names weight groups not by the layers' names but by their classes: within a model the
// layers are called `snake_case(class)`, then `_1`, `_2` for repeats, in the order of
// `model.layers`. That order is computed from the graph, so a reader has to compute it too:
//
//   1. Depth first from each output; an operation gets the next index when it is first entered; a
//      node is listed after everything it reads.
//   2. In reverse of that list: a node's depth is the largest known of itself and its operation;
//   what
//      it reads is at least one deeper.
//   3. Operations by depth, deepest first, then by index. Inputs that reach no output have depth 0
//      and come first there.
//
// Inside a layer the path is that of Python's attributes ("cell", "query_dense"), which is how the
// state entries of brisk's layers are named.

#include "brisk/formats/keras/weight_places.h"

#include <algorithm>
#include <map>

#include "brisk/nn/snake_case.h"

namespace brisk {
namespace {

using CallNode = std::pair<size_t, int64_t>;  // layer, call; an input's only node is call 0

struct LayerIndex {
  std::map<std::string_view, size_t> of;
  explicit LayerIndex(const FunctionalConfig& config) {
    for (size_t l = 0; l < config.layers.size(); ++l) of[config.layers[l].name] = l;
  }
  size_t at(const std::string& name) const {
    const auto found = of.find(name);
    require(found != of.end(), "the model has no layer '{}'", name);
    return found->second;
  }
};

std::vector<CallNode> nodes_before(const FunctionalConfig& config, const LayerIndex& index,
                                   const CallNode& node) {
  std::vector<CallNode> before;
  const LayerEntry& entry = config.layers[node.first];
  if (entry.is_input()) return before;
  for (const TensorReference& input : entry.calls[static_cast<size_t>(node.second)].inputs) {
    const size_t layer = index.at(input.layer);
    before.emplace_back(layer, config.layers[layer].is_input() ? 0 : input.call);
  }
  return before;
}

/// The name that Python's class has, where it is not the public one.
std::string python_class(const std::string& class_name) {
  if (class_name == "Model") return "Functional";
  if (class_name == "GroupQueryAttention") return "GroupedQueryAttention";
  return class_name;
}

void add_groups(const FunctionalConfig& config, const std::string& state, const std::string& group,
                std::vector<LayerGroup>& groups) {
  std::map<std::string, int> counts;
  for (const size_t l : keras_layer_order(config)) {
    const LayerEntry& entry = config.layers[l];
    if (entry.is_operation()) continue;
    const std::string base = snake_case(python_class(entry.class_name));
    const int count = counts[base]++;
    const LayerGroup own{
        fmt::format("{}layers/{}{}", group, base, count == 0 ? "" : fmt::format("_{}", count)),
        entry.name, state + entry.name + "/"};
    groups.push_back(own);
    const auto descend = [&](const Json& object, const std::string& part) {
      if (!object.is_object() || !object.contains("class_name") ||
          !object["class_name"].is_string() || !object.contains("config"))
        return;
      const std::string class_name = object["class_name"].get<std::string>();
      if (is_model_class(class_name))
        add_groups(parse_functional_config(object["config"], class_name), own.state + part,
                   own.group + "/" + part, groups);
    };
    if (is_model_class(entry.class_name))
      add_groups(parse_functional_config(entry.config, entry.class_name), own.state,
                 own.group + "/", groups);
    else if (entry.config.contains("layer"))
      descend(entry.config["layer"], "layer/");
  }
}

}  // namespace

std::vector<size_t> keras_layer_order(const FunctionalConfig& config) {
  const LayerIndex index(config);
  std::map<size_t, int64_t> traversal;  // of an operation
  std::vector<CallNode> listed;
  std::map<CallNode, int> state;  // 1: entered, 2: listed
  const auto visit = [&](const CallNode& root) {
    // (node, inputs still to enter): no recursion, whatever the depth of the graph.
    std::vector<std::pair<CallNode, std::vector<CallNode>>> stack;
    const auto enter = [&](const CallNode& node) {
      if (state[node] != 0) return;
      state[node] = 1;
      traversal.emplace(node.first, std::ssize(traversal));
      std::vector<CallNode> before = nodes_before(config, index, node);
      std::reverse(before.begin(), before.end());
      stack.emplace_back(node, std::move(before));
    };
    enter(root);
    while (!stack.empty()) {
      if (stack.back().second.empty()) {
        state[stack.back().first] = 2;
        listed.push_back(stack.back().first);
        stack.pop_back();
        continue;
      }
      const CallNode next = stack.back().second.back();
      stack.back().second.pop_back();
      enter(next);
    }
  };
  for (const TensorReference& output : config.outputs) {
    const size_t layer = index.at(output.layer);
    visit({layer, config.layers[layer].is_input() ? 0 : output.call});
  }
  std::map<CallNode, int64_t> node_depth;
  std::map<size_t, int64_t> depth;
  for (auto node = listed.rbegin(); node != listed.rend(); ++node) {
    const int64_t own = std::max(node_depth[*node], depth[node->first]);
    node_depth[*node] = depth[node->first] = own;
    for (const CallNode& before : nodes_before(config, index, *node))
      node_depth[before] = std::max(node_depth[before], own + 1);
  }
  for (const TensorReference& input : config.inputs) {
    const size_t layer = index.at(input.layer);
    depth.emplace(layer, 0);
    traversal.emplace(layer, -1);
  }
  std::vector<size_t> order;
  for (const auto& [layer, unused] : depth) order.push_back(layer);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return depth[a] != depth[b] ? depth[a] > depth[b] : traversal[a] < traversal[b];
  });
  return order;
}

std::vector<LayerGroup> layer_groups(const FunctionalConfig& config) {
  std::vector<LayerGroup> groups;
  add_groups(config, "", "", groups);
  return groups;
}

std::vector<WeightPlace> weight_places(const FunctionalConfig& config,
                                       const std::vector<StateEntry>& state) {
  std::map<std::string, std::string> prefixes;
  for (const LayerGroup& group : layer_groups(config)) prefixes[group.state] = group.group;
  std::map<std::string, int64_t> counts;
  std::vector<WeightPlace> places;
  for (const StateEntry& entry : state) {
    if (entry.role == StateRole::random_key) {
      places.push_back({});
      continue;
    }
    // The longest prefix that ends at a slash.
    size_t slash = entry.name.rfind('/');
    auto found = prefixes.end();
    while (slash != std::string::npos &&
           (found = prefixes.find(entry.name.substr(0, slash + 1))) == prefixes.end())
      slash = slash == 0 ? std::string::npos : entry.name.rfind('/', slash - 1);
    invariant(found != prefixes.end(), "the state '{}' belongs to no layer", entry.name);
    const std::string rest = entry.name.substr(slash + 1);
    const size_t last = rest.rfind('/');
    const std::string group =
        last == std::string::npos ? found->second : found->second + "/" + rest.substr(0, last);
    places.push_back({group, counts[group]++});
  }
  return places;
}

}  // namespace brisk
