#include "brisk/autodiff/gradient.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "brisk/base/error.h"
#include "brisk/ops/elementwise/elementwise.h"

// Reverse mode in two sweeps over the builder's nodes, which are in topological order.
//
// Forwards: a value is *active* when it is floating and depends on an entry of `wrt` through ops
// that let gradients pass. Only active values can carry a cotangent that anybody asks for.
//
// Backwards from the seeded values: every node that has a cotangent on a result and an active
// operand gives its rule's cotangents to its active operands, where they are added up. All uses of
// a node come after it, so its cotangent is complete when the walk arrives; the order of the sums
// is the order of the walk, hence deterministic.
//
// An op without a rule of its own is differentiated through its decomposition: that is emitted
// into the builder and walked in the same way, with the op's operands as `wrt` and with all older
// nodes out of bounds (an operand may depend on another one; that path is the outer walk's).

namespace brisk {
namespace {

bool carries_gradient(const Type& type) {
  return type.is_tensor() && is_floating(type.dtype());
}

class PullBack {
 public:
  /// Walks nodes with ids from `first` on.
  PullBack(Builder& builder, NodeId first) : builder_(builder), first_(first) {}

  std::vector<Value> run(std::span<const Value> values, std::span<const Value> cotangents,
                         std::span<const Value> wrt) {
    NodeId last = first_ - 1;
    for (size_t i = 0; i < values.size(); ++i)
      if (cotangents[i].defined()) last = std::max(last, values[i].id.node);
    mark_active(wrt, last);
    for (size_t i = 0; i < values.size(); ++i)
      if (cotangents[i].defined() && active_.contains(values[i].id))
        accumulate(values[i].id, cotangents[i]);
    for (NodeId id = last; id >= first_; --id) visit(id);
    std::vector<Value> results;
    for (const Value& value : wrt) {
      const auto found = cotangents_.find(value.id);
      results.push_back(found == cotangents_.end() ? Value{} : found->second);
    }
    return results;
  }

 private:
  void mark_active(std::span<const Value> wrt, NodeId last) {
    for (const Value& value : wrt)
      if (carries_gradient(value.type())) active_.insert(value.id);
    for (NodeId id = first_; id <= last; ++id) {
      const Node& node = builder_.node(id);
      const bool reached = node.op->differentiable &&
                           std::ranges::any_of(node.operands, [&](const ValueId& operand) {
                             return active_.contains(operand);
                           });
      if (!reached) continue;
      for (size_t i = 0; i < node.results.size(); ++i)
        if (carries_gradient(node.results[i])) active_.insert({id, static_cast<int32_t>(i)});
    }
  }

  void accumulate(ValueId id, const Value& cotangent) {
    const auto [place, fresh] = cotangents_.try_emplace(id, cotangent);
    if (!fresh) place->second = add(place->second, cotangent);
  }

  void visit(NodeId id) {
    // A copy: rules append to the builder's nodes, and what they see must stay.
    const Node node = builder_.node(id);
    if (!node.op->differentiable) return;
    std::vector<Value> operands, results, cotangents;
    const auto needed = std::make_unique<bool[]>(node.operands.size());
    bool any_needed = false;
    bool any_cotangent = false;
    for (size_t i = 0; i < node.operands.size(); ++i) {
      operands.push_back({&builder_, node.operands[i]});
      needed[i] = active_.contains(node.operands[i]);
      any_needed |= needed[i];
    }
    for (size_t i = 0; i < node.results.size(); ++i) {
      results.push_back({&builder_, {id, static_cast<int32_t>(i)}});
      const auto found = cotangents_.find(results.back().id);
      cotangents.push_back(found == cotangents_.end() ? Value{} : found->second);
      any_cotangent |= cotangents.back().defined();
    }
    if (!any_needed || !any_cotangent) return;

    const LabelScope label(builder_, node.label);
    const Vjp context{builder_,
                      operands,
                      results,
                      cotangents,
                      node.attributes,
                      node.regions,
                      {needed.get(), node.operands.size()},
                      &vjp_graph};
    const std::vector<Value> gradients = operand_gradients(node, context);
    invariant(gradients.size() == operands.size(),
              "[{}] has {} operands, but its gradient rule returns {} values", node.op->name,
              operands.size(), gradients.size());
    for (size_t i = 0; i < operands.size(); ++i) {
      if (!needed[i] || !gradients[i].defined()) continue;
      invariant(gradients[i].type() == operands[i].type(),
                "[{}] operand {} is {}, but its gradient is {}", node.op->name, i,
                operands[i].type().to_string(), gradients[i].type().to_string());
      accumulate(operands[i].id, gradients[i]);
    }
  }

  std::vector<Value> operand_gradients(const Node& node, const Vjp& context) {
    if (node.op->vjp_rule) return node.op->vjp_rule(context);
    require(static_cast<bool>(node.op->decompose_rule),
            "[{}] has no gradient rule, but the gradient of one of its operands is needed; use "
            "stop_gradient where none should flow",
            node.op->name);
    const NodeId first = builder_.num_nodes();
    const std::vector<Value> parts = node.op->decompose_rule(
        {builder_, context.operands, node.attributes, node.regions, node.results});
    invariant(parts.size() == node.results.size(), "[{}] has {} results, but decomposes into {}",
              node.op->name, node.results.size(), parts.size());
    std::vector<Value> wrt;
    for (size_t i = 0; i < context.operands.size(); ++i)
      if (context.needed[i]) wrt.push_back(context.operands[i]);
    const std::vector<Value> found = PullBack(builder_, first).run(parts, context.cotangents, wrt);
    // A value that is an operand twice has got its whole cotangent in one sum: it is given once.
    std::vector<Value> gradients(context.operands.size());
    std::set<ValueId> given;
    for (size_t i = 0, next = 0; i < context.operands.size(); ++i)
      if (context.needed[i]) {
        const Value& value = found[next++];
        if (given.insert(context.operands[i].id).second) gradients[i] = value;
      }
    return gradients;
  }

  Builder& builder_;
  NodeId first_;
  std::set<ValueId> active_;
  std::map<ValueId, Value> cotangents_;
};

/// The graph's inputs again, in another builder.
std::vector<Value> copy_inputs(Builder& builder, const Graph& graph) {
  std::vector<Value> inputs;
  for (size_t i = 0; i < graph.inputs().size(); ++i)
    inputs.push_back(builder.input(graph.input_name(i), graph.input_type(i)));
  return inputs;
}

std::vector<Value> pick_inputs(const Graph& graph, std::span<const Value> inputs,
                               std::span<const size_t> indices) {
  std::vector<Value> picked;
  for (const size_t i : indices) {
    require(i < inputs.size(), "graph '{}' has {} inputs; there is no input {} to differentiate by",
            graph.name(), inputs.size(), i);
    picked.push_back(inputs[i]);
  }
  return picked;
}

}  // namespace

std::vector<Value> vector_jacobian_product(std::span<const Value> values,
                                           std::span<const Value> cotangents,
                                           std::span<const Value> wrt) {
  require(values.size() == cotangents.size(), "{} values are given with {} cotangents",
          values.size(), cotangents.size());
  if (wrt.empty()) return {};
  for (size_t i = 0; i < wrt.size(); ++i) {
    require(wrt[i].defined(), "value {} to differentiate by is not defined", i);
    require(carries_gradient(wrt[i].type()),
            "value {} to differentiate by is {}; only floating tensors have gradients", i,
            wrt[i].type().to_string());
  }
  Builder& builder = *wrt[0].builder;
  for (const Value& value : wrt)
    require(value.builder == &builder, "the values to differentiate by are of two builders");
  for (size_t i = 0; i < values.size(); ++i) {
    require(values[i].builder == &builder,
            "value {} to differentiate is of another builder than what it is differentiated by", i);
    if (!cotangents[i].defined()) continue;
    require(cotangents[i].type() == values[i].type(), "value {} is {}, but its cotangent is {}", i,
            values[i].type().to_string(), cotangents[i].type().to_string());
  }
  std::vector<Value> results = PullBack(builder, 0).run(values, cotangents, wrt);
  for (size_t i = 0; i < wrt.size(); ++i)
    if (!results[i].defined()) results[i] = zeros(builder, wrt[i].type());
  return results;
}

std::vector<Value> gradient(Value loss, std::span<const Value> wrt) {
  require(loss.defined(), "the loss to differentiate is not defined");
  require(carries_gradient(loss.type()) && loss.rank() == 0,
          "the loss to differentiate must be a floating scalar, but is {}",
          loss.type().to_string());
  const Value one = loss.builder->scalar(loss.dtype(), 1);
  return vector_jacobian_product({&loss, 1}, {&one, 1}, wrt);
}

Graph gradient(const Graph& graph, size_t loss_output, std::span<const size_t> wrt_inputs) {
  require(loss_output < graph.outputs().size(), "graph '{}' has {} outputs; there is no output {}",
          graph.name(), graph.outputs().size(), loss_output);
  Builder builder(graph.ops(), graph.name());
  const std::vector<Value> inputs = copy_inputs(builder, graph);
  const std::vector<Value> outputs = builder.inline_graph(graph, inputs);
  const std::vector<Value> gradients =
      gradient(outputs[loss_output], pick_inputs(graph, inputs, wrt_inputs));
  std::vector<Builder::Output> named;
  for (size_t i = 0; i < outputs.size(); ++i)
    named.push_back({graph.outputs()[i].name, outputs[i]});
  for (size_t i = 0; i < gradients.size(); ++i)
    named.push_back({"gradient:" + graph.input_name(wrt_inputs[i]), gradients[i]});
  return builder.finish(named);
}

Graph vjp_graph(const Graph& graph, std::span<const size_t> wrt_inputs) {
  Builder builder(graph.ops(), graph.name());
  const std::vector<Value> inputs = copy_inputs(builder, graph);
  std::vector<Value> cotangents;
  for (size_t i = 0; i < graph.outputs().size(); ++i)
    cotangents.push_back(
        carries_gradient(graph.output_type(i))
            ? builder.input("cotangent:" + graph.outputs()[i].name, graph.output_type(i))
            : Value{});
  const std::vector<Value> outputs = builder.inline_graph(graph, inputs);
  const std::vector<Value> gradients =
      vector_jacobian_product(outputs, cotangents, pick_inputs(graph, inputs, wrt_inputs));
  std::vector<Builder::Output> named;
  for (size_t i = 0; i < gradients.size(); ++i)
    named.push_back({"gradient:" + graph.input_name(wrt_inputs[i]), gradients[i]});
  return builder.finish(named);
}

}  // namespace brisk
