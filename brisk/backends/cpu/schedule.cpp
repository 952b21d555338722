#include "brisk/backends/cpu/schedule.h"

#include <chrono>
#include <cstring>

#include "brisk/backends/cpu/control_launches.h"
#include "brisk/backends/cpu/loop_launch.h"
#include "brisk/base/error.h"
#include "brisk/ir/op.h"
#include "brisk/ir/type_bytes.h"

namespace brisk::cpu {
namespace {

std::string result_text(const Node& node) {
  std::string text;
  for (const Type& type : node.results) text += (text.empty() ? "" : ", ") + type.to_string();
  return text;
}

int64_t traffic(const Graph& graph, const Node& node) {
  int64_t bytes = 0;
  for (const ValueId& operand : node.operands) bytes += type_bytes(graph.type(operand));
  for (const Type& type : node.results) bytes += type_bytes(type);
  return bytes;
}

}  // namespace

Schedule::Schedule(Graph graph, const ScheduleOptions& options)
    : graph_(std::move(graph)), plan_(graph_) {
  std::vector<int64_t> scratch_bytes;
  for (const StoragePlan::Step& planned : plan_.steps()) {
    Step& step = steps_.emplace_back();
    step.choice = choose(graph_.node(planned.node), options);
    step.operand_pointers.resize(planned.operands.size());
    step.result_pointers.resize(planned.results.size());
    scratch_bytes.push_back(step.choice.launch->scratch_bytes());
  }
  plan_.plan_arena(scratch_bytes, in_place());
}

StoragePlan::InPlace Schedule::in_place() const {
  return [this](size_t step, size_t result, size_t operand) {
    return steps_[step].choice.launch->in_place(result, operand);
  };
}

KernelChoice Schedule::choose(const Node& node, const ScheduleOptions& options) {
  std::vector<Type> types;
  std::vector<bool> constant;
  for (const ValueId& operand : node.operands) {
    types.push_back(graph_.type(operand));
    constant.push_back(plan_.is_constant(operand, options.constant_inputs));
  }
  const KernelRequest request{node, types, constant, options.threads};
  if (auto control = prepare_control(request, options)) return {std::move(control), {}};
  if (node.op->name == "fused_loop") return prepare_loop(request, *options.loops);
  return choose_kernel(request);
}

bool Schedule::output_may_overwrite(size_t output, size_t input) const {
  return plan_.output_may_overwrite(output, input, in_place());
}

std::byte* Schedule::pointer(size_t storage, std::span<std::byte* const> inputs,
                             std::span<std::byte* const> outputs, std::byte* arena) const {
  const StoragePlan::Storage& place = plan_.storage(storage);
  switch (place.place) {
    case StoragePlan::Place::input:
      return inputs[place.index];
    case StoragePlan::Place::output:
      return outputs[place.index];
    case StoragePlan::Place::arena:
      return arena + plan_.buffer_offset(place.index);
    case StoragePlan::Place::constant:
      return const_cast<std::byte*>(plan_.constants()[place.index].bytes());
  }
  return nullptr;
}

template <typename Around>
void Schedule::run_steps(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
                         std::byte* arena, Around&& around) {
  for (size_t s = 0; s < steps_.size(); ++s) {
    const StoragePlan::Step& planned = plan_.steps()[s];
    Step& step = steps_[s];
    for (size_t i = 0; i < planned.operands.size(); ++i)
      step.operand_pointers[i] = pointer(planned.operands[i], inputs, outputs, arena);
    for (size_t r = 0; r < planned.results.size(); ++r)
      step.result_pointers[r] = pointer(planned.results[r], inputs, outputs, arena);
    std::byte* scratch = planned.scratch_buffer == SIZE_MAX
                             ? nullptr
                             : arena + plan_.buffer_offset(planned.scratch_buffer);
    around(s,
           [&] { step.choice.launch->run(step.operand_pointers, step.result_pointers, scratch); });
  }
  for (const StoragePlan::Copy& copy : plan_.copies()) {
    const std::byte* from = pointer(copy.from_storage, inputs, outputs, arena);
    if (from != outputs[copy.output] && copy.bytes > 0)
      std::memcpy(outputs[copy.output], from, static_cast<size_t>(copy.bytes));
  }
}

void Schedule::run(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
                   std::byte* arena) {
  run_steps(inputs, outputs, arena, [](size_t, auto&& launch) { launch(); });
}

void Schedule::run_timed(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
                         std::byte* arena, std::vector<double>& seconds) {
  seconds.resize(steps_.size());
  run_steps(inputs, outputs, arena, [&](size_t s, auto&& launch) {
    const auto start = std::chrono::steady_clock::now();
    launch();
    seconds[s] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  });
}

void Schedule::reset() {
  for (Step& step : steps_) step.choice.launch->reset();
}

std::vector<KernelReport> Schedule::reports() const {
  std::vector<KernelReport> result;
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    const Node& node = graph_.node(plan_.steps()[s].node);
    KernelReport report;
    report.op = node.op->name;
    report.label = node.label;
    report.result = result_text(node);
    report.kernel = step.choice.launch->name();
    for (const auto& refusal : step.choice.refusals)
      report.refusals.push_back({refusal.kernel, refusal.reason});
    report.is_fallback = step.choice.launch->is_fallback();
    report.bytes = traffic(graph_, node);
    report.flops = step.choice.launch->flops();
    result.push_back(std::move(report));
  }
  return result;
}

}  // namespace brisk::cpu
