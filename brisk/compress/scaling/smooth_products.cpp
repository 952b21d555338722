#include "brisk/compress/scaling/smooth_products.h"

#include <algorithm>
#include <cmath>

#include "brisk/compress/scaling/filter_weights.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

bool is_matrix_product(const Node& node) {
  return node.op->name == "fused_dot" || node.op->name == "dot_general";
}

/// A value and who multiplies it.
struct Smoothed {
  ObservedChannels channels;
  std::vector<const ProductPlan*> products;
  std::vector<double> factors;  ///< what its channels are divided by
};

std::vector<Smoothed> smoothed(const Graph& graph, const std::map<NodeId, ProductPlan>& products) {
  std::vector<Smoothed> values;
  for (const auto& [id, product] : products) {
    const Node& node = graph.node(id);
    if (!is_matrix_product(node)) continue;
    const ValueId input = node.operands[0];
    const auto known = std::find_if(values.begin(), values.end(),
                                    [&](const Smoothed& s) { return s.channels.value == input; });
    if (known == values.end())
      values.push_back({{input, product.contracted_axes}, {&product}, {}});
    else if (known->channels.axes == product.contracted_axes)
      known->products.push_back(&product);
  }
  return values;
}

/// The weights that make a value channel by channel, to be divided in its place.
class Makers {
 public:
  Makers(const Program& folded) : graph_(folded.graph), readers_(graph_.nodes().size()) {
    for (size_t i = 0; i < folded.state.size(); ++i) entries_[graph_.inputs()[i]] = i;
    for (const Node& node : graph_.nodes())
      for (const ValueId& operand : node.operands) ++readers_[static_cast<size_t>(operand.node)];
    for (const NamedValue& output : graph_.outputs())
      ++readers_[static_cast<size_t>(output.value.node)];
    plan_ = plan_quantization(folded, {});
  }

  /// The state entry that is `node`'s operand and nobody else's.
  std::optional<size_t> own_entry(const Node& node, size_t operand) const {
    const NodeId id = node.operands[operand].node;
    const auto entry = entries_.find(id);
    if (entry == entries_.end() || readers_[static_cast<size_t>(id)] != 1) return std::nullopt;
    return entry->second;
  }

  /// Whether nobody but its products reads the value, and its own weights could be divided: then
  /// they are.
  bool divide(const Smoothed& smoothed, std::vector<Tensor>& weights) const {
    const ValueId value = smoothed.channels.value;
    if (readers_[static_cast<size_t>(value.node)] != std::ssize(smoothed.products)) return false;
    const Node& node = graph_.node(value.node);
    if (node.op->name == "layer_norm") return divide_normalization(node, smoothed, weights);
    if (node.op->name == "fused_dot") return divide_product(node, value.node, smoothed, weights);
    return false;
  }

 private:
  static void divide_channels(Tensor& weights, const std::vector<double>& factors) {
    weights = weights.clone();
    for (int64_t c = 0; c < weights.num_elements(); ++c)
      weights.set(c, weights.get(c) / factors[static_cast<size_t>(c)]);
  }

  bool divide_normalization(const Node& node, const Smoothed& smoothed,
                            std::vector<Tensor>& weights) const {
    const int64_t rank = node.results[0].shape().rank();
    if (node.attributes.as<LayerNormAttributes>().axes != std::vector<int64_t>{rank - 1} ||
        smoothed.channels.axes != 1)
      return false;
    const std::optional<size_t> gamma = own_entry(node, 1), beta = own_entry(node, 2);
    if (!gamma || !beta) return false;
    divide_channels(weights[*gamma], smoothed.factors);
    divide_channels(weights[*beta], smoothed.factors);
    return true;
  }

  bool divide_product(const Node& node, NodeId id, const Smoothed& smoothed,
                      std::vector<Tensor>& weights) const {
    const auto product = plan_.products.find(id);
    if (product == plan_.products.end() || !own_entry(node, 1) || smoothed.channels.axes != 1 ||
        node.attributes.as<FusedDotAttributes>().activation == Activation::relu6)
      return false;
    if (product->second.bias && !own_entry(node, 2)) return false;
    Tensor& filter = weights[product->second.filter];
    filter = filter.clone();
    for_each_weight(node, product->second, filter, [&](float& w, int64_t, int64_t output) {
      w = static_cast<float>(w / smoothed.factors[static_cast<size_t>(output)]);
    });
    if (product->second.bias) divide_channels(weights[*product->second.bias], smoothed.factors);
    return true;
  }

  const Graph& graph_;
  std::vector<int64_t> readers_;  ///< by node
  std::map<NodeId, size_t> entries_;
  QuantizePlan plan_;
};

std::vector<double> factors_of(const Model& folded, const Smoothed& value, const Tensor& magnitudes,
                               double strength) {
  std::vector<double> weights(static_cast<size_t>(magnitudes.num_elements()), 0);
  for (const ProductPlan* product : value.products) {
    Tensor filter = folded.weights[product->filter].clone();
    for_each_weight(folded.program.graph.node(product->node), *product, filter,
                    [&](float w, int64_t input, int64_t) {
                      double& greatest = weights[static_cast<size_t>(input)];
                      greatest = std::max(greatest, std::fabs(static_cast<double>(w)));
                    });
  }
  for (size_t c = 0; c < weights.size(); ++c) {
    const double x = magnitudes.get(static_cast<int64_t>(c));
    weights[c] =
        x == 0 || weights[c] == 0
            ? 1.0
            : static_cast<float>(std::pow(x, strength) / std::pow(weights[c], 1 - strength));
  }
  return weights;
}

/// The graph with what `multiplied` products read times an entry of state of its own.
void write_multiplications(Model& model, const std::vector<const Smoothed*>& multiplied) {
  const Graph& graph = model.program.graph;
  Builder builder(graph.ops(), graph.name());
  std::map<ValueId, Value> values;
  for (size_t i = 0; i < model.program.state.size(); ++i)
    values[{graph.inputs()[i], 0}] = builder.input(graph.input_name(i), graph.input_type(i));
  std::map<ValueId, Value> reciprocals;
  std::vector<StateEntry> state = model.program.state;
  std::set<std::string> names;
  for (const StateEntry& entry : state) names.insert(entry.name);
  for (const Smoothed* smoothed : multiplied) {
    const ValueId value = smoothed->channels.value;
    const Shape& whole = graph.type(value).shape();
    std::vector<int64_t> sizes;
    Shape shape;
    for (int64_t axis = whole.rank() - smoothed->channels.axes; axis < whole.rank(); ++axis)
      sizes.push_back(whole.size(axis)), shape.push_back(whole[axis]);
    Tensor reciprocal(DType::f32, sizes);
    for (int64_t c = 0; c < reciprocal.num_elements(); ++c)
      reciprocal.set(c, 1 / smoothed->factors[static_cast<size_t>(c)]);
    const std::string label = graph.node(smoothed->products[0]->node).label;
    std::string name = label + "/smoothing";
    for (int n = 1; !names.insert(name).second; ++n)
      name = fmt::format("{}/smoothing_{}", label, n);
    state.push_back({name, Type(DType::f32, shape), StateRole::parameter, false});
    reciprocals[value] = builder.input(name, state.back().type);
    model.weights.push_back(reciprocal);
  }
  for (size_t i = model.program.state.size(); i < graph.inputs().size(); ++i)
    values[{graph.inputs()[i], 0}] = builder.input(graph.input_name(i), graph.input_type(i));
  std::map<NodeId, ValueId> read;  // by product
  for (const Smoothed* smoothed : multiplied)
    for (const ProductPlan* product : smoothed->products)
      read[product->node] = smoothed->channels.value;
  std::map<ValueId, Value> products;
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (node.op->name == "input") continue;
    const LabelScope label(builder, node.label);
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands) operands.push_back(values.at(operand));
    if (const auto found = read.find(static_cast<NodeId>(id)); found != read.end()) {
      Value& smooth = products[found->second];
      if (!smooth.builder)
        smooth = operands[0] * broadcast_to(reciprocals.at(found->second), operands[0].shape());
      operands[0] = smooth;
    }
    const std::vector<Value> results =
        builder.emit(*node.op, operands, node.attributes, node.regions);
    for (size_t r = 0; r < results.size(); ++r)
      values[{static_cast<NodeId>(id), static_cast<int32_t>(r)}] = results[r];
  }
  std::vector<Builder::Output> outputs;
  for (const NamedValue& output : graph.outputs())
    outputs.push_back({output.name, values.at(output.value)});
  model.program.graph = builder.finish(outputs);
  model.program.state = std::move(state);
  verify(model.program);
}

}  // namespace

std::vector<ObservedChannels> smoothed_values(const Graph& graph,
                                              const std::map<NodeId, ProductPlan>& products) {
  std::vector<ObservedChannels> values;
  for (const Smoothed& s : smoothed(graph, products)) values.push_back(s.channels);
  return values;
}

Model smooth_products(const Model& folded, const std::map<NodeId, ProductPlan>& products,
                      const ChannelMagnitudes& magnitudes, double strength) {
  require(strength >= 0 && strength <= 1, "the strength of smoothing is {}, but must be in [0, 1]",
          strength);
  std::vector<Smoothed> values = smoothed(folded.program.graph, products);
  Model result = folded;
  const Makers makers(folded.program);
  std::vector<const Smoothed*> multiplied;
  for (Smoothed& value : values) {
    // Weights that somebody else reads, too (a table that tokens are looked up in), stay.
    if (!std::all_of(value.products.begin(), value.products.end(), [&](const ProductPlan* product) {
          return makers.own_entry(folded.program.graph.node(product->node), 1).has_value();
        }))
      continue;
    value.factors = factors_of(folded, value, magnitudes.at(value.channels.value), strength);
    for (const ProductPlan* product : value.products) {
      Tensor& filter = result.weights[product->filter];
      filter = filter.clone();
      for_each_weight(folded.program.graph.node(product->node), *product, filter,
                      [&](float& w, int64_t input, int64_t) {
                        w = static_cast<float>(w * value.factors[static_cast<size_t>(input)]);
                      });
    }
    if (!makers.divide(value, result.weights)) multiplied.push_back(&value);
  }
  if (!multiplied.empty()) write_multiplications(result, multiplied);
  return result;
}

}  // namespace brisk
