#include "brisk/base/error.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/control/control_ops.h"
#include "brisk/ops/control/region_gradient.h"
#include "brisk/ops/control/region_signature.h"

// A loop is differentiated as a scan over its bound:
//
//   repeat max_trips times: state = condition(state) ? body(state) : state
//
// Regions are pure, so a condition that has become false stays so, and no flag is needed.

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  require(context.as<LoopAttributes>().max_trips >= 0, "[loop] max_trips {} must not be negative",
          context.as<LoopAttributes>().max_trips);
  const Type predicate(DType::boolean, {});
  require_inputs("loop", "condition", context.regions[0], context.operands);
  require_outputs("loop", "condition", context.regions[0], {&predicate, 1});
  require_inputs("loop", "body", context.regions[1], context.operands);
  require_outputs("loop", "body", context.regions[1], context.operands);
  return {context.operands.begin(), context.operands.end()};
}

std::vector<Value> inputs_like(Builder& builder, const Graph& region) {
  std::vector<Value> inputs;
  for (size_t i = 0; i < region.inputs().size(); ++i)
    inputs.push_back(builder.input(region.input_name(i), region.input_type(i)));
  return inputs;
}

/// Outputs named after the inputs of `region`.
Graph finish_state(Builder& builder, const Graph& region, std::span<const Value> state) {
  std::vector<Builder::Output> outputs;
  for (size_t i = 0; i < state.size(); ++i) outputs.push_back({region.input_name(i), state[i]});
  return builder.finish(outputs);
}

/// The loop as a graph from state to state that holds one scan.
Graph as_scan(const Graph& condition, const Graph& body, int64_t trips) {
  Builder identity(body.ops(), "identity");
  const Graph skip = finish_state(identity, body, inputs_like(identity, body));
  Builder step(body.ops(), "step");
  const std::vector<Value> state = inputs_like(step, body);
  const Value active = step.inline_graph(condition, state)[0];
  const Graph step_graph = finish_state(step, body, branch(active, state, body, skip));
  Builder outer(body.ops(), "loop");
  const std::vector<Value> initial = inputs_like(outer, body);
  return finish_state(outer, body, scan(initial, {}, {}, step_graph, trips));
}

std::vector<Value> vjp(const Vjp& d) {
  const int64_t max_trips = d.as<LoopAttributes>().max_trips;
  require(max_trips > 0,
          "[loop] its gradient is needed, but it has no bound: give max_trips, since every trip's "
          "state is kept for the way back");
  std::vector<size_t> wrt;
  for (size_t i = 0; i < d.operands.size(); ++i)
    if (d.needs(i)) wrt.push_back(i);
  std::vector<Value> inputs(d.operands.begin(), d.operands.end());
  for (const Value& cotangent : result_cotangents(d)) inputs.push_back(cotangent);
  const Graph scanned = as_scan(d.regions[0], d.regions[1], max_trips);
  const auto found = d.builder.inline_graph(d.vjp_graph(scanned, wrt), inputs);
  std::vector<Value> gradients(d.operands.size());
  for (size_t i = 0; i < wrt.size(); ++i) gradients[wrt[i]] = found[i];
  return gradients;
}

}  // namespace

Op loop_op() {
  return Op{.name = "loop", .kind = OpKind::control, .num_regions = 2}
      .doc(
          "While the first region (the condition) gives true for the state, the second gives the "
          "next state; with max_trips > 0 at most so many times.")
      .operands(1, -1)
      .attributes<LoopAttributes>()
      .infer(infer)
      .vjp(vjp);
}

std::vector<Value> loop(std::span<const Value> state, Graph condition, Graph body,
                        int64_t max_trips) {
  require(!state.empty(), "[loop] has no state");
  return state[0].builder->emit("loop", state, LoopAttributes{max_trips},
                                {std::move(condition), std::move(body)});
}

}  // namespace brisk
