#include "brisk/backends/cpu/schedule.h"

#include <chrono>
#include <cstring>

#include "brisk/backends/cpu/control_launches.h"
#include "brisk/backends/cpu/loop_launch.h"
#include "brisk/base/error.h"
#include "brisk/ir/op.h"
#include "brisk/ops/source/source.h"
#include "brisk/runtime/lower/plan_memory.h"

// Every value gets a storage: memory of an input, of an output (written directly by the step that
// makes it), of a constant, or a buffer of the arena. A reshape shares its operand's storage. A
// step whose launch allows it takes over the buffer of an operand that dies there.

namespace brisk::cpu {
namespace {

int64_t type_bytes(const Type& type) {
  return byte_size(type.dtype(), type.shape().num_elements());
}

bool is_alias(const Node& node) { return node.op->name == "reshape"; }

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

Schedule::Schedule(Graph graph, const ScheduleOptions& options) : graph_(std::move(graph)) {
  assign_storage();
  prepare_steps(options);
  plan_arena();
}

void Schedule::assign_storage() {
  value_storage_.resize(graph_.nodes().size());
  const auto add = [&](Place place, size_t index) {
    storages_.push_back({place, index});
    return storages_.size() - 1;
  };
  // The first output that wants a computed value gets it written in place; what aliases it is fine
  // too, since a reshape keeps the bytes.
  std::vector<std::vector<size_t>> wanted(graph_.nodes().size());
  std::vector<bool> direct(graph_.outputs().size(), false);
  const auto root = [&](ValueId value) {
    while (is_alias(graph_.node(value.node))) value = graph_.node(value.node).operands[0];
    return value;
  };
  std::vector<std::vector<int>> output_of(graph_.nodes().size());
  for (size_t id = 0; id < graph_.nodes().size(); ++id)
    output_of[id].assign(graph_.nodes()[id].results.size(), -1);
  for (size_t j = 0; j < graph_.outputs().size(); ++j) {
    const ValueId value = root(graph_.outputs()[j].value);
    const std::string& op = graph_.node(value.node).op->name;
    int& taken = output_of[static_cast<size_t>(value.node)][static_cast<size_t>(value.result)];
    if (op == "input" || op == "constant" || taken >= 0) continue;
    taken = static_cast<int>(j);
    direct[j] = true;
  }
  size_t next_input = 0;
  for (size_t id = 0; id < graph_.nodes().size(); ++id) {
    const Node& node = graph_.nodes()[id];
    if (node.op->name == "input") {
      value_storage_[id] = {add(Place::input, next_input++)};
    } else if (node.op->name == "constant") {
      constants_.push_back(node.attributes.as<ConstantAttributes>().value);
      value_storage_[id] = {add(Place::constant, constants_.size() - 1)};
    } else if (is_alias(node)) {
      value_storage_[id] = {storage_of(node.operands[0])};
    } else {
      for (size_t r = 0; r < node.results.size(); ++r) {
        if (output_of[id][r] >= 0) {
          value_storage_[id].push_back(add(Place::output, static_cast<size_t>(output_of[id][r])));
        } else {
          buffer_bytes_.push_back(type_bytes(node.results[r]));
          value_storage_[id].push_back(add(Place::arena, buffer_bytes_.size() - 1));
        }
      }
    }
  }
  // Inputs are numbered in signature order, which need not be node order.
  for (size_t i = 0; i < graph_.inputs().size(); ++i)
    storages_[value_storage_[static_cast<size_t>(graph_.inputs()[i])][0]].index = i;
  for (size_t j = 0; j < graph_.outputs().size(); ++j)
    if (!direct[j])
      copies_.push_back({storage_of(graph_.outputs()[j].value), j, type_bytes(graph_.output_type(j))});
}

size_t Schedule::storage_of(ValueId value) const {
  return value_storage_[static_cast<size_t>(value.node)][static_cast<size_t>(value.result)];
}

KernelChoice Schedule::choose(const Node& node, const ScheduleOptions& options) {
  std::vector<Type> types;
  std::vector<bool> constant;
  for (const ValueId& operand : node.operands) {
    types.push_back(graph_.type(operand));
    const Storage& storage = storages_[storage_of(operand)];
    constant.push_back(storage.place == Place::constant ||
                       (storage.place == Place::input && storage.index < options.constant_inputs.size() &&
                        options.constant_inputs[storage.index]));
  }
  const KernelRequest request{node, types, constant, options.threads, options.deterministic};
  if (auto control = prepare_control(request, options)) return {std::move(control), {}};
  if (node.op->name == "fused_loop") return prepare_loop(request, *options.loops);
  return choose_kernel(request);
}

void Schedule::prepare_steps(const ScheduleOptions& options) {
  for (size_t id = 0; id < graph_.nodes().size(); ++id) {
    const Node& node = graph_.nodes()[id];
    if (node.op->name == "input" || node.op->name == "constant" || is_alias(node)) continue;
    Step step;
    step.node = static_cast<NodeId>(id);
    step.choice = choose(node, options);
    for (const ValueId& operand : node.operands) step.operand_storage.push_back(storage_of(operand));
    step.result_storage = value_storage_[id];
    step.operand_pointers.resize(step.operand_storage.size());
    step.result_pointers.resize(step.result_storage.size());
    if (const int64_t scratch = step.choice.launch->scratch_bytes(); scratch > 0) {
      buffer_bytes_.push_back(scratch);
      step.scratch_buffer = buffer_bytes_.size() - 1;
    }
    steps_.push_back(std::move(step));
  }
}

void Schedule::plan_arena() {
  std::vector<BufferLifetime> lifetimes(buffer_bytes_.size());
  for (size_t b = 0; b < lifetimes.size(); ++b) lifetimes[b] = {buffer_bytes_[b], INT32_MAX, -1};
  const auto touch = [&](size_t buffer, int step) {
    lifetimes[buffer].first = std::min(lifetimes[buffer].first, step);
    lifetimes[buffer].last = std::max(lifetimes[buffer].last, step);
  };
  const auto touch_storage = [&](size_t storage, int step) {
    if (storages_[storage].place == Place::arena) touch(storages_[storage].index, step);
  };
  const int end = static_cast<int>(steps_.size());
  for (int s = 0; s < end; ++s) {
    const Step& step = steps_[static_cast<size_t>(s)];
    for (const size_t storage : step.operand_storage) touch_storage(storage, s);
    for (const size_t storage : step.result_storage) touch_storage(storage, s);
    if (step.scratch_buffer != SIZE_MAX) touch(step.scratch_buffer, s);
  }
  for (const Copy& copy : copies_) touch_storage(copy.from_storage, end);

  // A result takes over the buffer of an operand that dies at this step.
  std::vector<size_t> taken(buffer_bytes_.size());
  for (size_t b = 0; b < taken.size(); ++b) taken[b] = b;
  for (int s = 0; s < end; ++s) {
    const Step& step = steps_[static_cast<size_t>(s)];
    std::vector<size_t> used;
    for (size_t r = 0; r < step.result_storage.size(); ++r) {
      const Storage& result = storages_[step.result_storage[r]];
      if (result.place != Place::arena) continue;
      for (size_t i = 0; i < step.operand_storage.size(); ++i) {
        const Storage& operand = storages_[step.operand_storage[i]];
        if (operand.place != Place::arena) continue;
        const size_t from = taken[operand.index];
        const bool once = std::count(step.operand_storage.begin(), step.operand_storage.end(),
                                     step.operand_storage[i]) == 1;
        if (lifetimes[operand.index].last != s || lifetimes[from].last != s || !once ||
            buffer_bytes_[operand.index] != buffer_bytes_[result.index] ||
            std::find(used.begin(), used.end(), from) != used.end() ||
            !step.choice.launch->in_place(r, i))
          continue;
        taken[result.index] = from;
        lifetimes[from].last = std::max(lifetimes[from].last, lifetimes[result.index].last);
        used.push_back(from);
        break;
      }
    }
  }
  std::vector<BufferLifetime> roots;
  std::vector<size_t> root_number(taken.size(), SIZE_MAX);
  for (size_t b = 0; b < taken.size(); ++b) {
    if (taken[b] != b || lifetimes[b].last < 0) continue;
    root_number[b] = roots.size();
    roots.push_back(lifetimes[b]);
  }
  const MemoryPlan plan = plan_memory(roots);
  arena_bytes_ = plan.total_bytes;
  buffer_offsets_.assign(buffer_bytes_.size(), 0);
  for (size_t b = 0; b < taken.size(); ++b)
    if (root_number[taken[b]] != SIZE_MAX) buffer_offsets_[b] = plan.offsets[root_number[taken[b]]];
}

bool Schedule::output_may_overwrite(size_t output, size_t input) const {
  const size_t written = storage_of(graph_.outputs()[output].value);
  const size_t read = value_storage_[static_cast<size_t>(graph_.inputs()[input])][0];
  for (const Copy& copy : copies_)
    if (copy.output == output || copy.from_storage == read) return copy.output == output && copy.from_storage == read;
  bool is_written = false;
  for (const Step& step : steps_) {
    const auto result = std::find(step.result_storage.begin(), step.result_storage.end(), written);
    const bool writes = result != step.result_storage.end();
    for (size_t i = 0; i < step.operand_storage.size(); ++i) {
      if (step.operand_storage[i] != read) continue;
      if (is_written) return false;  // the old value is read after the new one is there
      if (writes && !step.choice.launch->in_place(static_cast<size_t>(result - step.result_storage.begin()), i))
        return false;
    }
    is_written |= writes;
  }
  return is_written;
}

std::byte* Schedule::pointer(size_t storage, std::span<std::byte* const> inputs,
                             std::span<std::byte* const> outputs, std::byte* arena) const {
  const Storage& place = storages_[storage];
  switch (place.place) {
    case Place::input: return inputs[place.index];
    case Place::output: return outputs[place.index];
    case Place::arena: return arena + buffer_offsets_[place.index];
    case Place::constant: return const_cast<std::byte*>(constants_[place.index].bytes());
    case Place::none: break;
  }
  return nullptr;
}

template <typename Around>
void Schedule::run_steps(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
                         std::byte* arena, Around&& around) {
  for (size_t s = 0; s < steps_.size(); ++s) {
    Step& step = steps_[s];
    for (size_t i = 0; i < step.operand_storage.size(); ++i)
      step.operand_pointers[i] = pointer(step.operand_storage[i], inputs, outputs, arena);
    for (size_t r = 0; r < step.result_storage.size(); ++r)
      step.result_pointers[r] = pointer(step.result_storage[r], inputs, outputs, arena);
    std::byte* scratch =
        step.scratch_buffer == SIZE_MAX ? nullptr : arena + buffer_offsets_[step.scratch_buffer];
    around(s, [&] { step.choice.launch->run(step.operand_pointers, step.result_pointers, scratch); });
  }
  for (const Copy& copy : copies_) {
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
  for (const Step& step : steps_) {
    const Node& node = graph_.node(step.node);
    KernelReport report;
    report.op = node.op->name;
    report.label = node.label;
    report.result = result_text(node);
    report.kernel = step.choice.launch->name();
    for (const auto& refusal : step.choice.refusals) report.refusals.push_back({refusal.kernel, refusal.reason});
    report.is_fallback = step.choice.launch->is_fallback();
    report.bytes = traffic(graph_, node);
    report.flops = step.choice.launch->flops();
    result.push_back(std::move(report));
  }
  return result;
}

}  // namespace brisk::cpu
