#include "brisk/nn/layer_masks.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace brisk {
namespace {

template <size_t kCount>
bool is_one_of(const std::string& name, const std::string_view (&names)[kCount]) {
  return std::ranges::find(names, name) != std::end(names);
}

/// Of a recurrent layer, or of the one inside a Bidirectional.
bool returns_sequences(const Json& config) {
  const auto inner = config.find("layer");
  if (inner != config.end() && inner->is_object() && inner->contains("config"))
    return returns_sequences((*inner)["config"]);
  return config.value("return_sequences", Json()) == true;
}

constexpr std::string_view kMerges[] = {"Add",     "Subtract", "Multiply",
                                        "Average", "Maximum",  "Minimum"};
constexpr std::string_view kHeads[] = {"MultiHeadAttention", "GroupQueryAttention",
                                       "GroupedQueryAttention"};
constexpr std::string_view kDotAttention[] = {"Attention", "AdditiveAttention"};
/// Layers of Keras 3 whose result has no mask.
constexpr std::string_view kEnds[] = {"GlobalAveragePooling1D", "Dot"};

bool is_tensor(const Json& json) {
  return json.is_object() && json.size() == 1 && json.contains("tensor");
}

/// Masks of one model's tensors, found from what each call reads.
class MaskFlow {
 public:
  MaskFlow(FunctionalConfig& model, MaskRules rules) : model_(model), rules_(rules) {
    for (size_t l = 0; l < model.layers.size(); ++l) index_[model.layers[l].name] = l;
  }

  void run() {
    const size_t layers = model_.layers.size();
    for (size_t l = 0; l < layers; ++l)
      for (size_t c = 0; c < model_.layers[l].calls.size(); ++c) reach({l, c});
    keep_what_is_read();
    for (LayerEntry& function : functions_) model_.layers.push_back(std::move(function));
  }

 private:
  /// Drops functions whose mask was passed to no call; what reads one stands behind it.
  void keep_what_is_read() {
    std::vector<LayerEntry> kept;
    for (auto function = functions_.rbegin(); function != functions_.rend(); ++function) {
      if (!passed_.contains(function->name)) continue;
      for (const TensorReference& input : function->calls[0].inputs) passed_.insert(input.layer);
      kept.push_back(std::move(*function));
    }
    functions_.assign(std::make_move_iterator(kept.rbegin()), std::make_move_iterator(kept.rend()));
  }

  using Place = std::pair<size_t, size_t>;      // layer, call
  using Mask = std::optional<TensorReference>;  // of no layer: it cannot be told

  /// Visits what `root` reads before `root`, without recursion, however deep the graph is.
  void reach(const Place& root) {
    std::vector<Place> stack = {root};
    while (!stack.empty()) {
      const Place place = stack.back();
      if (masks_.contains(place)) {
        stack.pop_back();
        continue;
      }
      const size_t before = stack.size();
      if (entered_.insert(place).second)
        for (const TensorReference& read : call(place).inputs)
          if (const auto origin = origin_of(read); origin && !masks_.contains(*origin))
            stack.push_back(*origin);
      if (stack.size() > before) continue;
      stack.pop_back();
      masks_[place] = follow(place);
    }
  }

  LayerCall& call(const Place& place) { return model_.layers[place.first].calls[place.second]; }

  std::optional<Place> origin_of(const TensorReference& read) const {
    const auto found = index_.find(read.layer);
    if (found == index_.end() || model_.layers[found->second].is_input() || read.call < 0 ||
        static_cast<size_t>(read.call) >= model_.layers[found->second].calls.size())
      return std::nullopt;
    return Place(found->second, static_cast<size_t>(read.call));
  }

  Mask mask_of(const TensorReference& read) const {
    const auto origin = origin_of(read);
    if (!origin) return std::nullopt;
    const auto found = masks_.find(*origin);
    return found == masks_.end() ? std::nullopt : found->second;
  }

  /// A further input of a call, as an argument's value.
  Json pass(LayerCall& call, const TensorReference& tensor) {
    require(!tensor.layer.empty(),
            "a layer reads masked sequences that are joined one behind the other, which brisk does "
            "not follow: pass the mask to the layer's call");
    passed_.insert(tensor.layer);
    call.inputs.push_back(tensor);
    return {{"tensor", call.inputs.size() - 1}};
  }

  /// The mask of what the argument `position` (or the keyword `name`) of a call gives.
  Mask argument_mask(const LayerCall& call, size_t position, const char* name) const {
    const Json* value = nullptr;
    if (position < call.args.size())
      value = &call.args[position];
    else if (const auto found = call.kwargs.find(name); found != call.kwargs.end())
      value = &*found;
    if (value == nullptr || !is_tensor(*value)) return std::nullopt;
    return mask_of(call.inputs.at((*value)["tensor"].get<size_t>()));
  }

  /// What names of a layer's functions begin with; a file may have such functions of its own.
  std::string unused(std::string name) const {
    const auto is_taken = [&](const char* suffix) { return index_.contains(name + suffix); };
    while (is_taken("_not_equal") || is_taken("_any") || is_taken("_mask_1")) name += "_new";
    return name;
  }

  /// Passes masks into the call; the mask of its result.
  Mask follow(const Place& place) {
    const LayerEntry& layer = model_.layers[place.first];
    LayerCall& own = call(place);
    if (layer.is_operation() || own.inputs.empty()) return std::nullopt;
    const std::string name =
        unused(place.second == 0 ? layer.name : fmt::format("{}_{}", layer.name, place.second));
    std::vector<LayerEntry> made = mask_functions(layer, name, own.inputs[0]);
    if (!made.empty()) {
      const Mask mask = TensorReference{made.back().name};
      for (LayerEntry& function : made) functions_.push_back(std::move(function));
      return mask;
    }
    std::vector<TensorReference> masks;
    for (const TensorReference& read : own.inputs)
      if (const Mask mask = mask_of(read)) masks.push_back(*mask);
    if (masks.empty()) return std::nullopt;
    if (is_one_of(layer.class_name, kHeads)) return follow_heads(own);
    if (is_one_of(layer.class_name, kDotAttention)) return follow_attention(own);
    if (is_one_of(layer.class_name, kMerges)) {
      const bool lacks_one = masks.size() != own.inputs.size();
      return rules_ == MaskRules::keras_3 && lacks_one ? std::nullopt : joined(name, masks);
    }
    if (layer.class_name == "Concatenate") {
      const Json axis = layer.config.value("axis", Json(-1));
      return axis == -1 || axis == 2 ? joined(name, masks) : Mask(TensorReference{});
    }
    const Mask mask = mask_of(own.inputs[0]);
    if (rules_ == MaskRules::keras_3) {
      const bool ends = is_recurrent_class(layer.class_name) ? !returns_sequences(layer.config)
                                                             : is_one_of(layer.class_name, kEnds);
      return ends ? std::nullopt : mask;
    }
    if (reads_mask(layer) && mask && !own.kwargs.contains("mask"))
      own.kwargs["mask"] = pass(own, *mask);
    return passes_mask(layer) ? mask : std::nullopt;  // all other layers of Keras 2 drop it
  }

  Mask follow_heads(LayerCall& own) {
    const size_t given = own.inputs.size();
    const Mask query = argument_mask(own, 0, "query");
    const std::pair<const char*, Mask> masks[] = {{"query_mask", query},
                                                  {"value_mask", argument_mask(own, 1, "value")},
                                                  {"key_mask", argument_mask(own, 2, "key")}};
    for (const auto& [name, mask] : masks)
      if (mask && !own.kwargs.contains(name)) own.kwargs[name] = pass(own, *mask);
    // While a model of Keras 3 runs, its heads take the masks off the tensors that they read.
    if (rules_ == MaskRules::keras_3)
      for (size_t i = 0; i < given; ++i)
        if (const auto origin = origin_of(own.inputs[i])) masks_[*origin] = std::nullopt;
    return query;
  }

  /// [query, value(, key)] is one list.
  Mask follow_attention(LayerCall& own) {
    const Mask query = mask_of(own.inputs[0]),
               value = own.inputs.size() > 1 ? mask_of(own.inputs[1]) : std::nullopt;
    if ((query || value) && !own.kwargs.contains("mask"))
      own.kwargs["mask"] =
          Json::array({query ? pass(own, *query) : Json(), value ? pass(own, *value) : Json()});
    return query;
  }

  /// Where every one of `masks` is true; for Keras 3, where one is.
  Mask joined(const std::string& name, const std::vector<TensorReference>& masks) {
    const bool any = rules_ == MaskRules::keras_3;
    for (const TensorReference& mask : masks)
      if (mask.layer.empty()) return mask;
    TensorReference all = masks[0];
    for (size_t i = 1; i < masks.size(); ++i) {
      LayerEntry both{.name = fmt::format("{}_mask_{}", name, i),
                      .class_name = any ? "LogicalOr" : "LogicalAnd",
                      .module = "keras.src.ops.numpy"};
      both.calls = {
          {.inputs = {all, masks[i]}, .args = Json::array({{{"tensor", 0}}, {{"tensor", 1}}})}};
      all = {both.name};
      functions_.push_back(std::move(both));
    }
    return all;
  }

  FunctionalConfig& model_;
  MaskRules rules_;
  std::map<std::string_view, size_t> index_;
  std::set<Place> entered_;
  std::map<Place, Mask> masks_;
  std::vector<LayerEntry> functions_;
  std::set<std::string> passed_;  ///< layers whose masks calls take
};

}  // namespace

bool reads_mask(const LayerEntry& layer) {
  return is_recurrent_class(layer.class_name) || layer.class_name == "GlobalAveragePooling1D";
}

bool passes_mask(const LayerEntry& layer) {
  static constexpr std::string_view kPassers[] = {"TimeDistributed",
                                                  "Dense",
                                                  "Activation",
                                                  "Dropout",
                                                  "SpatialDropout1D",
                                                  "LayerNormalization",
                                                  "BatchNormalization",
                                                  "Identity",
                                                  "GaussianNoise",
                                                  "GaussianDropout",
                                                  "AlphaDropout",
                                                  "ReLU",
                                                  "LeakyReLU",
                                                  "ELU",
                                                  "PReLU",
                                                  "ActivityRegularization",
                                                  "RMSNormalization",
                                                  "UnitNormalization",
                                                  "GroupNormalization"};
  return is_recurrent_class(layer.class_name) ? returns_sequences(layer.config)
                                              : is_one_of(layer.class_name, kPassers);
}

std::vector<LayerEntry> mask_functions(const LayerEntry& layer, const std::string& name,
                                       const TensorReference& read) {
  const auto function = [&](const char* class_name, const char* suffix,
                            const TensorReference& input) {
    LayerEntry entry{
        .name = name + suffix, .class_name = class_name, .module = "keras.src.ops.numpy"};
    entry.calls = {{.inputs = {input}, .args = Json::array({{{"tensor", 0}}})}};
    return entry;
  };
  LayerEntry given = function("NotEqual", "_not_equal", read);
  if (layer.class_name == "Embedding" && layer.config.value("mask_zero", Json()) == true) {
    given.calls[0].args.push_back(0);
    return {given};
  }
  if (layer.class_name == "Masking") {
    given.calls[0].args.push_back(layer.config.value("mask_value", Json(0.0)));
    LayerEntry any = function("Any", "_any", {given.name});
    any.config = {{"axis", -1}};
    return {given, any};
  }
  return {};
}

void follow_masks(FunctionalConfig& model, MaskRules rules) {
  MaskFlow(model, rules).run();
}

}  // namespace brisk
