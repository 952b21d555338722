#include "brisk/passes/accumulate_gradients.h"

#include "brisk/ir/builder.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

// The scan carries the sums and the updated state entries; the batch inputs, reshaped to
// [k, part, ...], are its sequences; the other state entries its constants.

namespace brisk {
namespace {

Type whole_type(const Type& part, int64_t k) {
  TensorType type = part.tensor();
  require(type.shape.rank() > 0, "a batch input without a batch axis cannot be split into parts");
  type.shape[0] = Extent(type.shape.size(0) * k);
  return type;
}

Type split_type(const Type& part, int64_t k) {
  std::vector<Extent> extents = part.shape().extents();
  extents.insert(extents.begin(), Extent(k));
  return Type(part.dtype(), Shape(extents));
}

/// body: (sums..., updated state..., batch parts..., whole state...) -> (sums..., updated state...).
Graph scan_body(const Graph& part, size_t num_state, size_t num_averaged, std::span<const int64_t> updates) {
  Builder builder(part.ops(), "micro_step");
  std::vector<Value> sums, carried, inputs(part.inputs().size());
  for (size_t i = 0; i < num_averaged; ++i)
    sums.push_back(builder.input("sum:" + part.outputs()[i].name, part.output_type(i)));
  for (const int64_t entry : updates)
    carried.push_back(builder.input("carried:" + part.input_name(static_cast<size_t>(entry)),
                                    part.input_type(static_cast<size_t>(entry))));
  for (size_t i = num_state; i < inputs.size(); ++i) inputs[i] = builder.input(part.input_name(i), part.input_type(i));
  for (size_t i = 0; i < num_state; ++i) inputs[i] = builder.input(part.input_name(i), part.input_type(i));
  for (size_t u = 0; u < updates.size(); ++u) inputs[static_cast<size_t>(updates[u])] = carried[u];
  const std::vector<Value> values = builder.inline_graph(part, inputs);
  std::vector<Builder::Output> outputs;
  for (size_t i = 0; i < values.size(); ++i)
    outputs.push_back({part.outputs()[i].name, i < num_averaged ? sums[i] + values[i] : values[i]});
  return builder.finish(outputs);
}

}  // namespace

Graph accumulate_gradients(const Graph& part, int64_t k, size_t num_state, size_t num_averaged,
                           std::span<const int64_t> updates) {
  require(k >= 1, "gradients are accumulated over {} parts, but it must be at least one", k);
  if (k == 1) return part;
  Builder builder(part.ops(), part.name());
  std::vector<Value> state, carries, sequences;
  for (size_t i = 0; i < num_state; ++i) state.push_back(builder.input(part.input_name(i), part.input_type(i)));
  for (size_t i = num_state; i < part.inputs().size(); ++i) {
    const Value whole = builder.input(part.input_name(i), whole_type(part.input_type(i), k));
    sequences.push_back(reshape(whole, split_type(part.input_type(i), k).shape()));
  }
  for (size_t i = 0; i < num_averaged; ++i) carries.push_back(zeros(builder, part.output_type(i)));
  for (const int64_t entry : updates) carries.push_back(state[static_cast<size_t>(entry)]);
  const Graph body = scan_body(part, num_state, num_averaged, updates);
  const std::vector<Value> sums = scan(carries, sequences, state, body, k);
  std::vector<Builder::Output> outputs;
  for (size_t i = 0; i < part.outputs().size(); ++i)
    outputs.push_back({part.outputs()[i].name, i < num_averaged ? sums[i] * (1.0 / static_cast<double>(k)) : sums[i]});
  return builder.finish(outputs);
}

}  // namespace brisk
