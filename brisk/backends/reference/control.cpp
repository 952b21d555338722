// Ops with regions, interpreted: a region is evaluated like any graph.

#include "brisk/ops/control/control.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/backends/reference/strided.h"
#include "brisk/base/error.h"
#include "brisk/base/shape.h"

namespace brisk::reference {
namespace {

bool is_true(const Tensor& predicate) {
  return predicate.item() != 0;
}

std::vector<Tensor> evaluate_branch(const KernelCall& call) {
  return evaluate(call.node.regions[is_true(call.in(0)) ? 0 : 1], call.operands.subspan(1));
}

std::vector<Tensor> evaluate_loop(const KernelCall& call) {
  const int64_t max_trips = call.as<LoopAttributes>().max_trips;
  const Graph &condition = call.node.regions[0], &body = call.node.regions[1];
  std::vector<Tensor> state(call.operands.begin(), call.operands.end());
  for (int64_t trip = 0; max_trips <= 0 || trip < max_trips; ++trip) {
    if (!is_true(evaluate(condition, state)[0])) break;
    state = evaluate(body, state);
  }
  return state;
}

/// Element `index` of the leading axis of `sequence`, sharing its bytes' layout but copied.
Tensor take_item(const Tensor& sequence, int64_t index) {
  Tensor item(sequence.dtype(), {sequence.sizes().begin() + 1, sequence.sizes().end()});
  const std::vector<int64_t> strides = row_major_strides(item.sizes());
  copy_strided(item.sizes(), sequence, {index * item.num_elements(), strides}, item, {0, strides});
  return item;
}

void put_item(Tensor& sequence, int64_t index, const Tensor& item) {
  const std::vector<int64_t> strides = row_major_strides(item.sizes());
  copy_strided(item.sizes(), item, {0, strides}, sequence, {index * item.num_elements(), strides});
}

std::vector<Tensor> evaluate_scan(const KernelCall& call) {
  const auto& a = call.as<ScanAttributes>();
  const auto num_carries = static_cast<size_t>(a.num_carries);
  const auto num_leading = num_carries + static_cast<size_t>(a.num_sequences);
  std::vector<Tensor> results(call.operands.begin(),
                              call.operands.begin() + static_cast<int64_t>(num_carries));
  for (size_t i = num_carries; i < call.node.results.size(); ++i)
    results.emplace_back(call.result(i).dtype, call.result(i).shape.sizes());
  for (int64_t trip = 0; trip < a.trips; ++trip) {
    const int64_t index = a.reverse ? a.trips - 1 - trip : trip;
    std::vector<Tensor> inputs(results.begin(),
                               results.begin() + static_cast<int64_t>(num_carries));
    for (size_t i = num_carries; i < num_leading; ++i)
      inputs.push_back(take_item(call.in(i), index));
    for (size_t i = num_leading; i < call.operands.size(); ++i) inputs.push_back(call.in(i));
    std::vector<Tensor> outputs = evaluate(call.node.regions[0], inputs);
    for (size_t i = 0; i < results.size(); ++i) {
      if (i < num_carries)
        results[i] = std::move(outputs[i]);
      else
        put_item(results[i], index, outputs[i]);
    }
  }
  return results;
}

/// "call" and "fused_loop": the one region on the operands.
std::vector<Tensor> evaluate_region(const KernelCall& call) {
  return evaluate(call.node.regions[0], call.operands);
}

}  // namespace

Kernel find_control_kernel(std::string_view op) {
  if (op == "branch") return evaluate_branch;
  if (op == "loop") return evaluate_loop;
  if (op == "scan") return evaluate_scan;
  if (op == "call" || op == "fused_loop") return evaluate_region;
  return nullptr;
}

}  // namespace brisk::reference
