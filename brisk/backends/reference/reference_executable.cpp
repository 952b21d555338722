#include "brisk/backends/reference/reference_executable.h"

#include <algorithm>

#include "brisk/backends/reference/observed_walk.h"
#include "brisk/base/error.h"
#include "brisk/ir/liveness.h"
#include "brisk/ir/op.h"
#include "brisk/runtime/node_cost.h"

namespace brisk::reference {
namespace {

std::string describe(const Tensor& tensor) {
  return tensor.defined() ? tensor.describe() : "an undefined tensor";
}

void check_state_type(const StateEntry& entry, const Tensor& value) {
  require(has_type(value, entry.type), "state '{}' is {}, but {} is given", entry.name,
          entry.type.to_string(), describe(value));
}

bool shares_bytes(const Tensor& tensor, std::span<const Tensor> others) {
  return std::any_of(others.begin(), others.end(),
                     [&](const Tensor& other) { return other.storage() == tensor.storage(); });
}

bool is_launched(const Node& node) {
  return node.op->name != "input" && node.op->name != "constant";
}

}  // namespace

ReferenceExecutable::ReferenceExecutable(Program program)
    : program_(std::move(program)), bound_(program_.state.empty()) {}

void ReferenceExecutable::bind_state(std::span<const Tensor> state) {
  require(state.size() == program_.state.size(),
          "the program has {} state entries, but {} tensors are given", program_.state.size(),
          state.size());
  for (size_t i = 0; i < state.size(); ++i) check_state_type(program_.state[i], state[i]);
  state_.clear();
  for (const Tensor& value : state) state_.push_back(value.clone());
  bound_ = true;
}

std::vector<Tensor> ReferenceExecutable::state() const {
  std::vector<Tensor> copies;
  for (size_t i = 0; i < program_.state.size(); ++i) copies.push_back(state(i));
  return copies;
}

Tensor ReferenceExecutable::state(size_t index) const {
  check_state_index(index);
  return state_[index].clone();
}

void ReferenceExecutable::set_state(size_t index, const Tensor& value) {
  check_state_index(index);
  check_state_type(program_.state[index], value);
  state_[index] = value.clone();
}

std::span<const Tensor> ReferenceExecutable::run(std::span<const Tensor> inputs) {
  accept(evaluate_observed(program_.graph, gather_inputs(inputs), {}), inputs);
  return results_;
}

Profile ReferenceExecutable::profile(std::span<const Tensor> inputs, int runs) {
  require(runs > 0, "profiling takes at least one run, but {} are asked for", runs);
  std::vector<double> milliseconds(program_.graph.nodes().size(), 0.0);
  const NodeObserver add_time = [&](NodeId id, double time) {
    milliseconds[static_cast<size_t>(id)] += time / runs;
  };
  for (int i = 0; i < runs; ++i)
    accept(evaluate_observed(program_.graph, gather_inputs(inputs), add_time), inputs);
  std::vector<KernelReport> reports = explain();
  size_t next = 0;
  for (size_t id = 0; id < milliseconds.size(); ++id)
    if (is_launched(program_.graph.nodes()[id])) reports[next++].milliseconds = milliseconds[id];
  return {std::move(reports), "steady clock"};
}

std::vector<KernelReport> ReferenceExecutable::explain() const {
  std::vector<KernelReport> reports;
  for (const Node& node : program_.graph.nodes()) {
    if (!is_launched(node)) continue;
    const NodeCost cost = cost_of(program_.graph, node);
    reports.push_back({.op = node.op->name,
                       .label = node.label,
                       .result = node.results.empty() ? "" : node.results[0].to_string(),
                       .kernel = "reference",
                       .is_fallback = true,
                       .bytes = cost.bytes,
                       .flops = cost.flops});
  }
  return reports;
}

int64_t ReferenceExecutable::peak_bytes() const {
  return brisk::peak_bytes(program_.graph);
}

std::vector<Tensor> ReferenceExecutable::gather_inputs(std::span<const Tensor> inputs) const {
  require(bound_, "the program has {} state entries: bind_state comes before the first run",
          program_.state.size());
  require(inputs.size() == program_.num_batch_inputs(),
          "the program takes {} batch inputs, but {} are given", program_.num_batch_inputs(),
          inputs.size());
  std::vector<Tensor> all = state_;
  for (const Tensor& input : inputs) {
    const Type& type = program_.graph.input_type(all.size());
    require(has_type(input, type), "input '{}' is {}, but {} is given",
            program_.graph.input_name(all.size()), type.to_string(), describe(input));
    all.push_back(input);
  }
  return all;
}

void ReferenceExecutable::accept(std::vector<Tensor> outputs, std::span<const Tensor> inputs) {
  const auto num_results = static_cast<size_t>(program_.num_results);
  // What is kept must not follow when the caller fills its batch buffers again.
  for (Tensor& output : outputs)
    if (shares_bytes(output, inputs)) output = output.clone();
  for (size_t i = 0; i < program_.updates.size(); ++i)
    state_[static_cast<size_t>(program_.updates[i])] = outputs[num_results + i];
  outputs.resize(num_results);
  results_ = std::move(outputs);
}

void ReferenceExecutable::check_state_index(size_t index) const {
  require(index < program_.state.size(),
          "the program has {} state entries, but entry {} is asked for", program_.state.size(),
          index);
  require(bound_, "state '{}' is not bound yet: call bind_state first", program_.state[index].name);
}

}  // namespace brisk::reference
