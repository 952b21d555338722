#include "brisk/ops/control/control.h"

#include <limits>
#include <optional>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/move/move.h"

// If, Loop and Scan. A condition or trip count that is known (or, in a staged walk, becomes known
// by a cut) is followed here: the branch or the trips are walked. In a static walk an unknown
// condition becomes a `branch` or a `loop`, a Scan becomes a `scan`.

namespace brisk::onnx {
namespace {

std::vector<ElementType> elements_of(const std::vector<Item>& items) {
  std::vector<ElementType> result;
  for (const Item& item : items) result.push_back(item->element);
  return result;
}

void give(Call& c, const std::vector<Item>& results) {
  for (size_t i = 0; i < results.size(); ++i) c.out(i, results[i]);
}

bool truth(const HostTensor& tensor) {
  const std::vector<double> values = reals(tensor);
  require(values.size() == 1, "its condition has {} elements", values.size());
  return values[0] != 0;
}

/// A region that takes all values captured by any of `all`, in that order.
Graph with_captures(const Trace::Region& region, const std::vector<Item>& all,
                    const std::vector<Type>& types) {
  Builder builder(region.graph.ops(), region.graph.name());
  std::vector<Value> inputs;
  for (size_t i = 0; i < all.size(); ++i)
    inputs.push_back(builder.input(fmt::format("in{}", i), types[i]));
  std::vector<Value> own;
  for (const Item& item : region.captured)
    own.push_back(
        inputs[static_cast<size_t>(std::find(all.begin(), all.end(), item) - all.begin())]);
  std::vector<Builder::Output> outputs;
  for (const Value& value : builder.inline_graph(region.graph, own))
    outputs.push_back({fmt::format("result{}", outputs.size()), value});
  return builder.finish(outputs);
}

void if_as_branch(Call& c) {
  std::vector<Trace::Region> regions;
  for (const char* name : {"then_branch", "else_branch"})
    regions.push_back(c.trace.region(
        name, {}, {}, [&](const std::vector<Item>&) { return c.run_graph(c.graph(name), {}); }));
  std::vector<Item> captured;
  for (const Trace::Region& region : regions)
    for (const Item& item : region.captured)
      if (std::find(captured.begin(), captured.end(), item) == captured.end())
        captured.push_back(item);
  std::vector<Value> operands;
  std::vector<Type> types;
  for (const Item& item : captured) {
    operands.push_back(c.trace.value(item));
    types.push_back(operands.back().type());
  }
  const std::vector<Value> results =
      branch(reshape(c.in(0), {}), operands, with_captures(regions[0], captured, types),
             with_captures(regions[1], captured, types));
  for (size_t i = 0; i < results.size(); ++i) c.out(i, results[i], regions[0].results[i]);
}

void if_op(Call& c) {
  if (c.trace.staged() && !c.trace.in_region()) {
    const bool taken = truth(c.known(0));
    return give(c, c.run_graph(c.graph(taken ? "then_branch" : "else_branch"), {}));
  }
  if (c.trace.can_know(c.item(0)))
    return give(c, c.run_graph(c.graph(truth(c.known(0)) ? "then_branch" : "else_branch"), {}));
  if_as_branch(c);
}

/// Items along a new first axis.
Item stacked(Call& c, const std::vector<Item>& items, ElementType element) {
  std::vector<Value> rows;
  for (const Item& item : items) rows.push_back(expand_dims(c.trace.value(item), 0));
  return c.trace.item(rows.size() == 1 ? rows[0] : concatenate(rows, 0), element);
}

/// What a scan output of no trips is: no rows of whatever the body declares.
Item no_rows(Call& c, const ValueDef& output) {
  std::vector<int64_t> sizes = {0};
  if (output.type.shape)
    for (const Extent& extent : *output.type.shape)
      sizes.push_back(extent.is_named() || extent.size() < 0 ? 0 : extent.size());
  const DType type = carrier(output.type.element).value_or(DType::f32);
  return c.trace.constant(HostTensor(
      output.type.element == ElementType::undefined ? element_type_of(type) : output.type.element,
      Tensor(type, sizes)));
}

/// A loop's body as a region over trip, condition and state, where its shapes stay the same.
struct LoopBody {
  Trace::Region region;
  bool ends_by_data = false;  ///< the next condition cannot be known
  bool reads_trip = false;
};
std::optional<LoopBody> loop_body(Call& c, const GraphDef& body, const std::vector<Item>& state) {
  std::vector<Type> types = {Type(DType::i64, Shape()), Type(DType::boolean, Shape())};
  std::vector<ElementType> elements = {ElementType::i64, ElementType::boolean};
  for (const Item& item : state) {
    types.push_back(c.trace.type(item));
    elements.push_back(item->element);
  }
  LoopBody result;
  try {
    result.region = c.trace.region("loop", types, elements, [&](const std::vector<Item>& inputs) {
      std::vector<Item> results = c.run_graph(
          body, {inputs.begin(), inputs.begin() + static_cast<ptrdiff_t>(std::min(
                                                      inputs.size(), body.inputs.size()))});
      result.ends_by_data = results[0] != inputs[1] && !c.trace.can_know(results[0]);
      results[0] = c.trace.item(reshape(c.trace.value(results[0]), {}), ElementType::boolean);
      return results;
    });
  } catch (const UserError&) {
    return std::nullopt;  // a shape depends on the trip: the walk of the trips says so, or copes
  }
  const Graph& graph = result.region.graph;
  for (size_t i = 1; i < types.size(); ++i)
    if (!(graph.output_type(i - 1) == types[i])) return std::nullopt;
  result.reads_trip = !graph.users()[static_cast<size_t>(graph.inputs()[0])].empty();
  for (const NamedValue& output : graph.outputs())
    result.reads_trip |= output.value.node == graph.inputs()[0];
  return result;
}

/// What the loop hands on: the condition, the trip where it is read, the state, and unchanged the
/// limit of trips where it is no number yet and what the body reads from outside.
struct LoopState {
  bool has_trip = false, has_limit = false;
  size_t num_states = 0;
  size_t first_state() const { return has_trip ? 2 : 1; }
  size_t limit() const { return first_state() + num_states; }
  size_t first_captured() const { return limit() + (has_limit ? 1 : 0); }
};

std::vector<Value> inputs_like(Builder& builder, const std::vector<Value>& values) {
  std::vector<Value> inputs;
  for (const Value& value : values)
    inputs.push_back(builder.input(fmt::format("state{}", inputs.size()), value.type()));
  return inputs;
}

Graph loop_condition(const std::vector<Value>& state, const LoopState& layout) {
  Builder builder(state[0].builder->ops(), "condition");
  const std::vector<Value> x = inputs_like(builder, state);
  const Value holds = layout.has_limit ? logical_and(x[0], less(x[1], x[layout.limit()])) : x[0];
  return builder.finish({{"result0", holds}});
}

Graph loop_step(const std::vector<Value>& state, const LoopState& layout, const Graph& region,
                bool ignores_condition) {
  Builder builder(state[0].builder->ops(), "loop");
  const std::vector<Value> x = inputs_like(builder, state);
  std::vector<Value> given = {layout.has_trip ? x[1] : builder.scalar(DType::i64, 0), x[0]};
  for (size_t i = 0; i < layout.num_states; ++i) given.push_back(x[layout.first_state() + i]);
  given.insert(given.end(), x.begin() + static_cast<ptrdiff_t>(layout.first_captured()), x.end());
  const std::vector<Value> results = builder.inline_graph(region, given);
  std::vector<Value> next = x;
  next[0] = ignores_condition ? x[0] : results[0];
  if (layout.has_trip) next[1] = x[1] + 1.0;
  for (size_t i = 0; i < layout.num_states; ++i) next[layout.first_state() + i] = results[i + 1];
  std::vector<Builder::Output> outputs;
  for (const Value& value : next)
    outputs.push_back({fmt::format("result{}", outputs.size()), value});
  return builder.finish(outputs);
}

/// A static walk's loop whose end only a run can tell; false where it has to be unrolled.
bool loop_as_loop(Call& c, const GraphDef& body, const std::vector<Item>& state) {
  if (c.trace.staged() || body.outputs.size() != 1 + state.size()) return false;
  const bool known_trips = !c.has(0) || c.trace.can_know(c.item(0)),
             known_start = !c.has(1) || c.trace.can_know(c.item(1));
  if (known_trips && c.has(0) && c.known_integer(0) <= 0) return false;
  const std::optional<LoopBody> found = loop_body(c, body, state);
  if (!found) return false;
  if (known_trips && known_start && (!found->ends_by_data || !c.has(1))) return false;
  LoopState layout{.has_trip = found->reads_trip || !known_trips,
                   .has_limit = !known_trips,
                   .num_states = state.size()};
  std::vector<Value> values = {c.has(1) ? reshape(c.in(1), {})
                                        : c.builder().scalar(DType::boolean, 1)};
  if (layout.has_trip) values.push_back(c.builder().scalar(DType::i64, 0));
  for (const Item& item : state) values.push_back(c.trace.value(item));
  if (layout.has_limit) values.push_back(reshape(c.in(0), {}));
  for (const Item& item : found->region.captured) values.push_back(c.trace.value(item));
  const int64_t max_trips = known_trips && c.has(0) ? c.known_integer(0) : 0;
  const std::vector<Value> results =
      loop(values, loop_condition(values, layout),
           loop_step(values, layout, found->region.graph, !c.has(1)), max_trips);
  for (size_t i = 0; i < state.size(); ++i)
    c.out(i, results[layout.first_state() + i], state[i]->element);
  return true;
}

void loop_op(Call& c) {
  const GraphDef& body = c.graph("body");
  const size_t carried = c.num_inputs() >= 2 ? c.num_inputs() - 2 : 0;
  require(body.outputs.size() >= 1 + carried, "its body gives {} values for {} carried ones",
          body.outputs.size(), carried);
  std::vector<Item> state;
  for (size_t i = 0; i < carried; ++i) state.push_back(c.item(i + 2));
  if (loop_as_loop(c, body, state)) return;
  const int64_t max_trips = c.has(0) ? c.known_integer(0) : std::numeric_limits<int64_t>::max();
  Item condition = c.has(1) ? c.item(1) : nullptr;
  const size_t num_scans = body.outputs.size() - 1 - carried;
  std::vector<std::vector<Item>> scans(num_scans);
  constexpr int64_t kMaxUnrolled = 1'000'000;
  // A walk repeats a node after a cut. The condition is therefore asked for before each trip, and
  // trips that are done stay done: cuts within the body are taken by the body's own walk.
  bool goes_on = condition == nullptr || truth(c.trace.known(condition));
  for (int64_t trip = 0; goes_on && trip < max_trips; ++trip) {
    require(trip < kMaxUnrolled, "it does not end within {} trips", kMaxUnrolled);
    std::vector<Item> inputs = {
        c.trace.constant(HostTensor(Tensor::of<int64_t>({}, std::vector<int64_t>{trip}))),
        condition ? condition : c.trace.constant(HostTensor(Tensor::scalar(DType::boolean, 1)))};
    inputs.insert(inputs.end(), state.begin(), state.end());
    inputs.resize(std::min(inputs.size(), body.inputs.size()));
    const std::vector<Item> results = c.run_graph(body, inputs);
    for (size_t i = 0; i < carried; ++i) state[i] = results[i + 1];
    for (size_t i = 0; i < num_scans; ++i) scans[i].push_back(results[i + 1 + carried]);
    if (trip + 1 >= max_trips) break;
    if (!c.has(1)) continue;  // a counted loop, whatever its body says
    condition = results[0];
    if (!c.trace.can_know(condition)) {
      if (!c.trace.staged() || c.trace.in_region()) (void)c.trace.known(condition);  // says why not
      c.trace.cut();
    }
    goes_on = truth(c.trace.known(condition));
  }
  for (size_t i = 0; i < carried; ++i) c.out(i, state[i]);
  for (size_t i = 0; i < num_scans; ++i)
    c.out(carried + i, scans[i].empty() ? no_rows(c, body.outputs[1 + carried + i])
                                        : stacked(c, scans[i], scans[i][0]->element));
}

struct ScanPlan {
  size_t num_states = 0, num_scanned = 0, num_results = 0;
  std::vector<int64_t> input_axes, output_axes, input_directions, output_directions;
};

ScanPlan scan_plan(const Call& c, const GraphDef& body, size_t num_inputs) {
  ScanPlan plan;
  plan.num_scanned = static_cast<size_t>(
      std::clamp<int64_t>(c.integer("num_scan_inputs"), 0, static_cast<int64_t>(num_inputs)));
  require(plan.num_scanned >= 1, "it scans over nothing");
  plan.num_states = num_inputs - plan.num_scanned;
  require(body.outputs.size() >= plan.num_states, "its body gives {} values for {} states",
          body.outputs.size(), plan.num_states);
  plan.num_results = body.outputs.size() - plan.num_states;
  const std::vector<int64_t> zeros_in(plan.num_scanned, 0), zeros_out(plan.num_results, 0);
  plan.input_axes = c.integers("scan_input_axes", zeros_in);
  plan.input_directions =
      c.integers(c.opset < 9 ? "directions" : "scan_input_directions", zeros_in);
  plan.output_axes = c.integers("scan_output_axes", zeros_out);
  plan.output_directions = c.integers("scan_output_directions", zeros_out);
  require(plan.input_axes.size() == plan.num_scanned &&
              plan.input_directions.size() == plan.num_scanned &&
              plan.output_axes.size() == plan.num_results &&
              plan.output_directions.size() == plan.num_results,
          "its lists of axes and directions do not fit its inputs and outputs");
  return plan;
}

/// Axis `axis` first, and back.
Value axis_to_front(Value x, int64_t axis) {
  std::vector<int64_t> permutation = {axis};
  for (int64_t i = 0; i < x.rank(); ++i)
    if (i != axis) permutation.push_back(i);
  return axis == 0 ? x : transpose(x, permutation);
}
Value front_to_axis(Value x, int64_t axis) {
  std::vector<int64_t> permutation;
  for (int64_t i = 1; i < x.rank(); ++i) permutation.push_back(i);
  permutation.insert(permutation.begin() + axis, 0);
  return axis == 0 ? x : transpose(x, permutation);
}

/// One scan over its states and sequences; returns states and stacked results.
std::vector<Item> run_scan(Call& c, const GraphDef& body, const ScanPlan& plan,
                           const std::vector<Item>& states, const std::vector<Item>& scanned) {
  std::vector<Value> carries, sequences;
  std::vector<Type> types;
  std::vector<ElementType> elements = elements_of(states);
  for (const Item& item : states) {
    carries.push_back(c.trace.value(item));
    types.push_back(carries.back().type());
  }
  for (size_t i = 0; i < scanned.size(); ++i) {
    Value x = c.trace.value(scanned[i]);
    x = axis_to_front(x, checked_axis(plan.input_axes[i], x.rank()));
    if (plan.input_directions[i] != 0) x = reverse(x, {0});
    sequences.push_back(x);
    types.emplace_back(x.dtype(),
                       Shape(std::vector<Extent>(x.shape().begin() + 1, x.shape().end())));
    elements.push_back(scanned[i]->element);
  }
  const int64_t trips = size_of(sequences[0], 0);
  const Trace::Region region =
      c.trace.region("scan", types, elements,
                     [&](const std::vector<Item>& inputs) { return c.run_graph(body, inputs); });
  std::vector<Value> constants;
  for (const Item& item : region.captured) constants.push_back(c.trace.value(item));
  const std::vector<Value> results = scan(carries, sequences, constants, region.graph, trips);
  std::vector<Item> items;
  for (size_t i = 0; i < results.size(); ++i) {
    Value y = results[i];
    if (i >= plan.num_states) {
      const size_t output = i - plan.num_states;
      if (plan.output_directions[output] != 0) y = reverse(y, {0});
      y = front_to_axis(y, checked_axis(plan.output_axes[output], y.rank()));
    }
    items.push_back(c.trace.item(y, region.results[i]));
  }
  return items;
}

void scan_op(Call& c) {
  const GraphDef& body = c.graph("body");
  const ScanPlan plan = scan_plan(c, body, c.num_inputs());
  std::vector<Item> states, scanned;
  for (size_t i = 0; i < c.num_inputs(); ++i)
    (i < plan.num_states ? states : scanned).push_back(c.item(i));
  give(c, run_scan(c, body, plan, states, scanned));
}

/// Opset 8: a first input of sequence lengths, and a batch axis around everything.
void scan_with_batch(Call& c) {
  const GraphDef& body = c.graph("body");
  require(!c.has(0), "sequence lengths of Scan-8 are not supported; Scan-9 has none");
  const ScanPlan plan = scan_plan(c, body, c.num_inputs() - 1);
  const int64_t batch = size_of(c.in(1), 0);
  std::vector<std::vector<Item>> results;
  for (int64_t sample = 0; sample < batch; ++sample) {
    std::vector<Item> states, scanned;
    for (size_t i = 1; i < c.num_inputs(); ++i) {
      const Item item =
          c.trace.item(squeeze(slice_axis(c.in(i), 0, sample, sample + 1), 0), c.element(i));
      (i - 1 < plan.num_states ? states : scanned).push_back(item);
    }
    const std::vector<Item> found = run_scan(c, body, plan, states, scanned);
    results.resize(found.size());
    for (size_t i = 0; i < found.size(); ++i) results[i].push_back(found[i]);
  }
  for (size_t i = 0; i < results.size(); ++i)
    c.out(i, stacked(c, results[i], results[i][0]->element));
}

constexpr OpRow kControlRows[] = {
    {"If", if_op},
    {"Loop", loop_op},
    {"Scan", scan_with_batch, 8},
    {"Scan", scan_op, 9},
};

}  // namespace

std::span<const OpRow> control_ops() {
  return kControlRows;
}

}  // namespace brisk::onnx
