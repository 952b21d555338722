#pragma once

/// A program: a graph with state. What passes map to what.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "brisk/ir/graph.h"

namespace brisk {

enum class StateRole : uint8_t {
  parameter,    ///< trained by the optimizer
  statistic,    ///< updated by the forward pass in training mode (moving mean, moving variance)
  slot,         ///< of the optimizer
  accumulator,  ///< summed metrics
  mask,         ///< of pruning
  random_key,   ///< u32[2]; advances every step
  counter,      ///< i64 or f32 scalars that the step itself advances (iteration, loss scale)
  scalar,       ///< set by the host between steps (learning rate)
};
std::span<const std::string_view> enum_names(StateRole);

struct StateEntry {
  std::string name;  ///< "conv2d/kernel"
  Type type;
  StateRole role = StateRole::parameter;
  bool trainable = true;
  /// How a fresh value is made: an initializer's configuration, for example "he_normal" or
  /// {"class_name": "Constant", "config": {"value": 0.5}} (brisk/nn/initializers.h reads it).
  std::string initializer = "zeros";
  friend bool operator==(const StateEntry&, const StateEntry&) = default;
};

/// Graph inputs: one per state entry, in order, then the batch inputs. Graph outputs: `num_results`
/// results, then one new value per entry of `updates`. A compiled program updates its state in
/// place; entries without an update are only read.
struct Program {
  Graph graph;
  std::vector<StateEntry> state;
  int64_t num_results = 0;
  /// updates[j] is the index of the state entry that output num_results + j replaces; ascending.
  std::vector<int64_t> updates;

  size_t num_batch_inputs() const { return graph.inputs().size() - state.size(); }
  /// Index into `state`; refused with the nearest name when there is none.
  size_t state_index(std::string_view name) const;
};

/// Per state entry: neither updated by the program nor set by the host between runs.
std::vector<bool> constant_state(const Program& program);

/// Checks that graph, state and updates fit together (counts, types, order); an invariant.
void verify(const Program& program);
/// Checks a graph: topological order, operand ids, types as the ops infer them, regions closed and
/// well-typed. Throws InternalError naming the node.
void verify(const Graph& graph);

Program bind_dimensions(const Program& program, const Binding& binding);

}  // namespace brisk
