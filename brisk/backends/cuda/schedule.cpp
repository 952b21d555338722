#include "brisk/backends/cuda/schedule.h"

#include <algorithm>
#include <map>

#include "brisk/backends/cuda/aligned.h"
#include "brisk/backends/cuda/api/driver.h"
#include "brisk/backends/cuda/control_launches.h"
#include "brisk/base/error.h"
#include "brisk/ir/op.h"
#include "brisk/ir/type_bytes.h"
#include "brisk/runtime/node_cost.h"

namespace brisk::cuda {
namespace {

/// Of every buffer: what 16-byte vectors, cuDNN and cuBLASLt want, and what the driver aligns to.
constexpr int64_t kAlignment = 256;

/// How much larger the arena may be for buffers that share memory with none: steps that happened
/// to be given one after the other's memory would wait for each other.
constexpr int64_t kApartBytes = int64_t{64} << 20;

constexpr uint8_t kPoison = 0xFF;

std::string result_text(const Node& node) {
  std::string text;
  for (const Type& type : node.results) text += (text.empty() ? "" : ", ") + type.to_string();
  return text;
}

}  // namespace

std::string bytes_text(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes >= int64_t{1} << 30) return fmt::format("{:.2f} GiB", value / (1 << 30));
  if (bytes >= 1 << 20) return fmt::format("{:.1f} MiB", value / (1 << 20));
  return fmt::format("{:.1f} KiB", value / 1024);
}

Schedule::Schedule(Graph graph, const ScheduleContext& context,
                   const std::vector<bool>& constant_inputs)
    : graph_(std::move(graph)), plan_(graph_), constants_(&context.constants) {
  for (const Tensor& value : plan_.constants())
    constant_numbers_.push_back(context.constants.add(value));
  std::vector<int64_t> workspace_bytes;
  std::map<std::string, int> refused;  // sentence -> how many nodes
  for (const StoragePlan::Step& planned : plan_.steps()) {
    const Node& node = graph_.node(planned.node);
    std::vector<Type> types;
    std::vector<bool> constant;
    for (const ValueId& operand : node.operands) {
      types.push_back(graph_.type(operand));
      constant.push_back(!constant_inputs.empty() && plan_.is_constant(operand, constant_inputs));
    }
    const KernelRequest request{node,           types,       constant, context.deterministic,
                                context.device, context.tf32};
    Step& step = steps_.emplace_back();
    step.operands.resize(planned.operands.size());
    step.results.resize(planned.results.size());
    try {
      step.choice.launch = prepare_control(request, context);
      if (!step.choice.launch) step.choice = choose_kernel(request, context.prepare);
    } catch (const UserError& error) {
      // Gather, so that one look shows all that is missing.
      ++refused[error.what()];
      workspace_bytes.push_back(0);
      continue;
    }
    workspace_bytes.push_back(step.choice.launch->workspace_bytes());
    step.packed_offset = packed_bytes_;
    packed_bytes_ += aligned(step.choice.launch->packed_bytes());
    step.counter_offset = counter_bytes_;
    counter_bytes_ += aligned(step.choice.launch->counter_bytes());
  }
  if (!refused.empty()) {
    std::string text;
    for (const auto& [sentence, count] : refused)
      text += fmt::format("\n  {}{}", sentence,
                          count > 1 ? fmt::format(" ({} such nodes)", count) : "");
    refuse("graph '{}' can't run on {}:{}", graph_.name(), context.device.name, text);
  }
  plan_.plan_arena(workspace_bytes, in_place(), kAlignment, mostly_short() ? kApartBytes : 0);
}

StoragePlan::InPlace Schedule::in_place() const {
  return [this](size_t step, size_t result, size_t operand) {
    return steps_[step].choice.launch->in_place(result, operand);
  };
}

void Schedule::load(const CodeLibrary& code) {
  for (Step& step : steps_) step.choice.launch->load(code);
}

DeviceAddress Schedule::address(size_t storage, std::span<const DeviceAddress> inputs,
                                std::span<const DeviceAddress> outputs, DeviceAddress arena) const {
  const StoragePlan::Storage& place = plan_.storage(storage);
  switch (place.place) {
    case StoragePlan::Place::input:
      return inputs[place.index];
    case StoragePlan::Place::output:
      return outputs[place.index];
    case StoragePlan::Place::arena:
      return arena + static_cast<DeviceAddress>(plan_.buffer_offset(place.index));
    case StoragePlan::Place::constant:
      return constants_->address(constant_numbers_[place.index]);
  }
  return 0;
}

void Schedule::enqueue(std::span<const DeviceAddress> inputs,
                       std::span<const DeviceAddress> outputs, const ScheduleMemory& memory,
                       StreamHandle stream) {
  enqueue(inputs, outputs, memory, stream, [](size_t) {});
}

void Schedule::enqueue(std::span<const DeviceAddress> inputs,
                       std::span<const DeviceAddress> outputs, const ScheduleMemory& memory,
                       StreamHandle stream, const std::function<void(size_t)>& before) {
  for (size_t s = 0; s < steps_.size(); ++s) {
    const LaunchArguments settled = arguments(s, inputs, outputs, memory, stream);
    before(s);
    if (is_poisoned(s, memory.poison)) poison(s, settled);
    steps_[s].choice.launch->enqueue(settled);
  }
  before(steps_.size());
  for (const StoragePlan::Copy& copy : plan_.copies())
    copy_on_device(outputs[copy.output], address(copy.from_storage, inputs, outputs, memory.arena),
                   copy.bytes, stream);
}

bool Schedule::is_poisoned(size_t s, Poison poison) const {
  return poison == Poison::all ||
         (poison == Poison::bulk_stores && steps_[s].choice.launch->stores_in_bulk());
}

void Schedule::poison(size_t s, const LaunchArguments& settled) const {
  const StoragePlan::Step& planned = plan_.steps()[s];
  const Node& node = graph_.node(planned.node);
  for (size_t r = 0; r < settled.results.size(); ++r)
    if (std::ranges::find(settled.operands, settled.results[r]) == settled.operands.end())
      fill_on_device(settled.results[r], kPoison, type_bytes(node.results[r]), settled.stream);
  if (planned.scratch_buffer != SIZE_MAX)
    fill_on_device(settled.workspace, kPoison, plan_.buffer_bytes(planned.scratch_buffer),
                   settled.stream);
}

void Schedule::pack(std::span<const DeviceAddress> inputs, const ScheduleMemory& memory,
                    StreamHandle stream) {
  const std::vector<DeviceAddress> no_outputs(graph_.outputs().size());
  for (size_t s = 0; s < steps_.size(); ++s)
    if (steps_[s].choice.launch->packed_bytes() > 0)
      steps_[s].choice.launch->pack(arguments(s, inputs, no_outputs, memory, stream));
}

LaunchArguments Schedule::arguments(size_t s, std::span<const DeviceAddress> inputs,
                                    std::span<const DeviceAddress> outputs,
                                    const ScheduleMemory& memory, StreamHandle stream) {
  const StoragePlan::Step& planned = plan_.steps()[s];
  Step& step = steps_[s];
  for (size_t i = 0; i < planned.operands.size(); ++i)
    step.operands[i] = address(planned.operands[i], inputs, outputs, memory.arena);
  for (size_t r = 0; r < planned.results.size(); ++r)
    step.results[r] = address(planned.results[r], inputs, outputs, memory.arena);
  DeviceAddress workspace = 0;
  if (planned.scratch_buffer != SIZE_MAX)
    workspace =
        memory.arena + static_cast<DeviceAddress>(plan_.buffer_offset(planned.scratch_buffer));
  return {step.operands,
          step.results,
          workspace,
          stream,
          memory.counters + static_cast<DeviceAddress>(step.counter_offset),
          memory.packed + static_cast<DeviceAddress>(step.packed_offset),
          memory.poison};
}

NodeCost Schedule::step_cost(size_t s) const {
  NodeCost cost = cost_of(graph_, graph_.node(plan_.steps()[s].node));
  if (const double flops = steps_[s].choice.launch->flops(); flops > 0) cost.flops = flops;
  return cost;
}

bool Schedule::mostly_short() const {
  // What an H100 moves and multiplies in a microsecond, and what a step takes at least.
  constexpr double kBytes = 2.7e6, kFlops = 450e6, kLeast = 2.5, kShort = 12;
  double short_time = 0, long_time = 0;
  for (size_t s = 0; s < steps_.size(); ++s) {
    const NodeCost cost = step_cost(s);
    const double time =
        std::max({static_cast<double>(cost.bytes) / kBytes, cost.flops / kFlops, kLeast});
    (time < kShort ? short_time : long_time) += time;
  }
  return short_time > long_time;
}

bool Schedule::output_may_overwrite(size_t output, size_t input) const {
  return plan_.output_may_overwrite(output, input, in_place());
}

std::vector<StepAccess> Schedule::accesses(std::span<const DeviceAddress> inputs,
                                           std::span<const DeviceAddress> outputs,
                                           const ScheduleMemory& memory) {
  std::vector<StepAccess> result(steps_.size() + 1);
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Node& node = graph_.node(plan_.steps()[s].node);
    const LaunchArguments settled = arguments(s, inputs, outputs, memory, nullptr);
    for (size_t i = 0; i < settled.operands.size(); ++i)
      result[s].reads.push_back({settled.operands[i], type_bytes(graph_.type(node.operands[i]))});
    for (size_t r = 0; r < settled.results.size(); ++r)
      result[s].writes.push_back({settled.results[r], type_bytes(node.results[r])});
    result[s].writes.push_back({settled.workspace, steps_[s].choice.launch->workspace_bytes()});
  }
  for (const StoragePlan::Copy& copy : plan_.copies()) {
    result.back().reads.push_back(
        {address(copy.from_storage, inputs, outputs, memory.arena), copy.bytes});
    result.back().writes.push_back({outputs[copy.output], copy.bytes});
  }
  return result;
}

bool Schedule::needs_host() const {
  return std::any_of(steps_.begin(), steps_.end(),
                     [](const Step& step) { return step.choice.launch->needs_host(); });
}

std::vector<KernelReport> Schedule::reports() const {
  std::vector<KernelReport> result;
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Node& node = graph_.node(plan_.steps()[s].node);
    const KernelChoice& choice = steps_[s].choice;
    const NodeCost cost = step_cost(s);
    KernelReport report;
    report.op = node.op->name;
    report.label = node.label;
    report.result = result_text(node);
    report.kernel = choice.launch->name();
    for (const auto& refusal : choice.refusals)
      report.refusals.push_back({refusal.kernel, refusal.reason});
    report.bytes = cost.bytes;
    report.flops = cost.flops;
    result.push_back(std::move(report));
  }
  return result;
}

std::vector<std::string> Schedule::largest_values(size_t count) const {
  struct Value {
    int64_t bytes;
    std::string text;
  };
  std::vector<Value> values;
  for (size_t s = 0; s < steps_.size(); ++s) {
    const StoragePlan::Step& planned = plan_.steps()[s];
    const Node& node = graph_.node(planned.node);
    const std::string of =
        node.label.empty() ? node.op->name : fmt::format("{} ({})", node.label, node.op->name);
    for (size_t r = 0; r < planned.results.size(); ++r) {
      const StoragePlan::Storage& place = plan_.storage(planned.results[r]);
      if (place.place != StoragePlan::Place::arena) continue;
      const int64_t bytes = plan_.buffer_bytes(place.index);
      values.push_back(
          {bytes, fmt::format("{}: {} of {}", bytes_text(bytes), node.results[r].to_string(), of)});
    }
    if (planned.scratch_buffer != SIZE_MAX) {
      const int64_t bytes = plan_.buffer_bytes(planned.scratch_buffer);
      values.push_back({bytes, fmt::format("{}: workspace of {}", bytes_text(bytes), of)});
    }
  }
  std::stable_sort(values.begin(), values.end(),
                   [](const Value& a, const Value& b) { return a.bytes > b.bytes; });
  std::vector<std::string> texts;
  for (size_t i = 0; i < std::min(count, values.size()); ++i) texts.push_back(values[i].text);
  return texts;
}

}  // namespace brisk::cuda
