#include "brisk/compress/integer_writer.h"

namespace brisk {

IntegerWriter::IntegerWriter(const Model& folded, QuantizePlan plan, const RoundedFilters& rounded)
    : PlannedRewrite(folded.program, std::move(plan)), model_(folded), rounded_(rounded) {}

Tensor IntegerWriter::filter_of(const ProductPlan& product) const {
  return brisk::filter_of(graph_.node(product.node), product, model_.weights[product.filter]);
}

Tensor IntegerWriter::rounded(const ProductPlan& product) const {
  const auto found = rounded_.find(product.node);
  return found == rounded_.end() ? Tensor() : found->second;
}

QuantizedModel IntegerWriter::write() {
  add_state();
  add_batch_inputs();
  const std::vector<Builder::Output> outputs = write_nodes();
  Model& result = result_.model;
  result.name = model_.name;
  result.class_names = model_.class_names;
  result.program.num_results = static_cast<int64_t>(outputs.size());
  result.program.graph = builder_.finish(outputs);
  verify(result.program);
  return std::move(result_);
}

void IntegerWriter::stays_float(const Node& node, const std::string& reason) {
  result_.layers.push_back({.label = node.label, .op = node.op->name, .reason = reason});
}

void IntegerWriter::add_layer(const ProductPlan& product, QuantizedLayer layer) {
  const Node& node = graph_.node(product.node);
  layer.label = node.label;
  layer.op = node.op->name;
  layer.quantized = true;
  layer.weight_sqnr = sqnr_.at(product.node);
  result_.layers.push_back(std::move(layer));
}

Value IntegerWriter::add_entry(StateEntry entry, Tensor weights) {
  Model& result = result_.model;
  const Value value = builder_.input(entry.name, entry.type);
  result.program.state.push_back(std::move(entry));
  result.weights.push_back(std::move(weights));
  return value;
}

Value IntegerWriter::add_weights(const std::string& name, const Tensor& weights) {
  Shape shape;
  for (const int64_t size : weights.sizes()) shape.push_back(Extent(size));
  return add_entry({name, Type(weights.dtype(), shape), StateRole::parameter, false}, weights);
}

/// Entries that somebody still reads as floats, then each product's integers.
void IntegerWriter::add_state() {
  std::set<NodeId> read;
  for (size_t id = 0; id < graph_.nodes().size(); ++id) {
    const Node& node = graph_.nodes()[id];
    const auto product = plan_.products.find(static_cast<NodeId>(id));
    for (size_t i = 0; i < node.operands.size(); ++i) {
      const bool stored = product != plan_.products.end() &&
                          (i == 1 || (i == 2 && product->second.bias.has_value()));
      if (!stored) read.insert(node.operands[i].node);
    }
  }
  for (const NamedValue& output : graph_.outputs()) read.insert(output.value.node);
  for (size_t i = 0; i < model_.program.state.size(); ++i)
    if (read.contains(graph_.inputs()[i])) {
      set_input(i, add_entry(model_.program.state[i], model_.weights[i]));
      names_.insert(model_.program.state[i].name);
    }
  for (const auto& [id, product] : plan_.products) add_product(product);
}

void IntegerWriter::add_product(const ProductPlan& product) {
  const QuantizedWeights weights = weights_of(product);
  std::string name = model_.program.state[product.filter].name;
  // A filter that several products share is kept for each: their inputs have other scales. One that
  // is also read as floats (an embedding that makes the scores, too) is kept as both.
  for (int n = 1; !names_.insert(name).second; ++n)
    name = fmt::format("{}_{}", model_.program.state[product.filter].name, n);
  std::vector<Value>& stored = weights_[product.node];
  stored.push_back(add_weights(name, weights.filter));
  if (weights.bias.defined()) stored.push_back(add_weights(name + "/bias", weights.bias));
  stored.push_back(add_weights(name + "/multiplier", weights.multiplier));
  sqnr_[product.node] = weights.sqnr;
}

}  // namespace brisk
