#include "brisk/runtime/lower/storage_plan.h"

#include <algorithm>

#include "brisk/ir/op.h"
#include "brisk/ir/type_bytes.h"
#include "brisk/ops/source/source.h"
#include "brisk/runtime/lower/plan_memory.h"

// Every value gets a storage: memory of an input, of an output (written directly by the step that
// makes it), of a constant, or a buffer of the arena. A reshape shares its operand's storage. A
// step whose launch allows it takes over the buffer of an operand that dies there.

namespace brisk {
namespace {

bool is_alias(const Node& node) {
  return node.op->name == "reshape";
}
bool is_given(const Node& node) {
  return node.op->name == "input" || node.op->name == "constant";
}

/// What a chain of reshapes begins with.
ValueId root(const Graph& graph, ValueId value) {
  while (is_alias(graph.node(value.node))) value = graph.node(value.node).operands[0];
  return value;
}

/// The smallest, up to `bytes` together, live from the first step to the last.
void keep_apart(std::vector<BufferLifetime>& buffers, int64_t bytes, int last) {
  std::vector<BufferLifetime*> by_size;
  for (BufferLifetime& buffer : buffers) by_size.push_back(&buffer);
  std::ranges::stable_sort(by_size, {}, &BufferLifetime::bytes);
  for (BufferLifetime* buffer : by_size) {
    bytes -= buffer->bytes;
    if (bytes < 0) return;
    buffer->first = 0;
    buffer->last = last;
  }
}

}  // namespace

StoragePlan::StoragePlan(const Graph& graph) {
  assign_storages(graph);
  make_steps(graph);
}

size_t StoragePlan::add_storage(Place place, size_t index) {
  storages_.push_back({place, index});
  return storages_.size() - 1;
}

size_t StoragePlan::add_buffer(int64_t bytes) {
  buffer_bytes_.push_back(bytes);
  return buffer_bytes_.size() - 1;
}

void StoragePlan::assign_storages(const Graph& graph) {
  value_storage_.resize(graph.nodes().size());
  // The first output that wants a computed value gets it written in place; what aliases it is fine
  // too, since a reshape keeps the bytes.
  std::vector<bool> direct(graph.outputs().size(), false);
  std::vector<std::vector<int>> output_of(graph.nodes().size());
  for (size_t id = 0; id < graph.nodes().size(); ++id)
    output_of[id].assign(graph.nodes()[id].results.size(), -1);
  for (size_t j = 0; j < graph.outputs().size(); ++j) {
    const ValueId value = root(graph, graph.outputs()[j].value);
    int& taken = output_of[static_cast<size_t>(value.node)][static_cast<size_t>(value.result)];
    if (is_given(graph.node(value.node)) || taken >= 0) continue;
    taken = static_cast<int>(j);
    direct[j] = true;
  }
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (node.op->name == "input") {
      value_storage_[id] = {add_storage(Place::input, 0)};
    } else if (node.op->name == "constant") {
      constants_.push_back(node.attributes.as<ConstantAttributes>().value);
      value_storage_[id] = {add_storage(Place::constant, constants_.size() - 1)};
    } else if (is_alias(node)) {
      value_storage_[id] = {storage_of(node.operands[0])};
    } else {
      for (size_t r = 0; r < node.results.size(); ++r)
        value_storage_[id].push_back(
            output_of[id][r] >= 0
                ? add_storage(Place::output, static_cast<size_t>(output_of[id][r]))
                : add_storage(Place::arena, add_buffer(type_bytes(node.results[r]))));
    }
  }
  // Inputs are numbered in signature order, which need not be node order.
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    input_storage_.push_back(value_storage_[static_cast<size_t>(graph.inputs()[i])][0]);
    storages_[input_storage_.back()].index = i;
  }
  for (size_t j = 0; j < graph.outputs().size(); ++j) {
    output_storage_.push_back(storage_of(graph.outputs()[j].value));
    if (!direct[j]) copies_.push_back({output_storage_[j], j, type_bytes(graph.output_type(j))});
  }
}

void StoragePlan::make_steps(const Graph& graph) {
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    const Node& node = graph.nodes()[id];
    if (is_given(node) || is_alias(node)) continue;
    Step& step = steps_.emplace_back();
    step.node = static_cast<NodeId>(id);
    for (const ValueId& operand : node.operands) step.operands.push_back(storage_of(operand));
    step.results = value_storage_[id];
  }
}

size_t StoragePlan::storage_of(ValueId value) const {
  return value_storage_[static_cast<size_t>(value.node)][static_cast<size_t>(value.result)];
}

bool StoragePlan::is_constant(ValueId value, const std::vector<bool>& constant_inputs) const {
  const Storage& storage = storages_[storage_of(value)];
  return storage.place == Place::constant ||
         (storage.place == Place::input && storage.index < constant_inputs.size() &&
          constant_inputs[storage.index]);
}

void StoragePlan::plan_arena(std::span<const int64_t> scratch_bytes, const InPlace& in_place,
                             int64_t alignment, int64_t apart_bytes) {
  for (size_t s = 0; s < steps_.size(); ++s)
    if (scratch_bytes[s] > 0) steps_[s].scratch_buffer = add_buffer(scratch_bytes[s]);
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
    for (const size_t storage : step.operands) touch_storage(storage, s);
    for (const size_t storage : step.results) touch_storage(storage, s);
    if (step.scratch_buffer != SIZE_MAX) touch(step.scratch_buffer, s);
  }
  for (const Copy& copy : copies_) touch_storage(copy.from_storage, end);

  // A result takes over the buffer of an operand that dies at this step.
  std::vector<size_t> taken(buffer_bytes_.size());
  for (size_t b = 0; b < taken.size(); ++b) taken[b] = b;
  for (int s = 0; s < end; ++s) {
    const Step& step = steps_[static_cast<size_t>(s)];
    std::vector<size_t> used;
    for (size_t r = 0; r < step.results.size(); ++r) {
      const Storage& result = storages_[step.results[r]];
      if (result.place != Place::arena) continue;
      for (size_t i = 0; i < step.operands.size(); ++i) {
        const Storage& operand = storages_[step.operands[i]];
        if (operand.place != Place::arena) continue;
        const size_t from = taken[operand.index];
        const bool once =
            std::count(step.operands.begin(), step.operands.end(), step.operands[i]) == 1;
        if (lifetimes[operand.index].last != s || lifetimes[from].last != s || !once ||
            buffer_bytes_[operand.index] != buffer_bytes_[result.index] ||
            std::find(used.begin(), used.end(), from) != used.end() ||
            !in_place(static_cast<size_t>(s), r, i))
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
  keep_apart(roots, apart_bytes, end);
  const MemoryPlan plan = plan_memory(roots, alignment);
  arena_bytes_ = plan.total_bytes;
  buffer_offsets_.assign(buffer_bytes_.size(), 0);
  for (size_t b = 0; b < taken.size(); ++b)
    if (root_number[taken[b]] != SIZE_MAX) buffer_offsets_[b] = plan.offsets[root_number[taken[b]]];
}

bool StoragePlan::output_may_overwrite(size_t output, size_t input, const InPlace& in_place) const {
  const size_t written = output_storage_[output];
  const size_t read = input_storage_[input];
  for (const Copy& copy : copies_)
    if (copy.output == output || copy.from_storage == read)
      return copy.output == output && copy.from_storage == read;
  bool is_written = false;
  for (size_t s = 0; s < steps_.size(); ++s) {
    const Step& step = steps_[s];
    const auto result = std::find(step.results.begin(), step.results.end(), written);
    const bool writes = result != step.results.end();
    for (size_t i = 0; i < step.operands.size(); ++i) {
      if (step.operands[i] != read) continue;
      if (is_written) return false;  // the old value is read after the new one is there
      if (writes && !in_place(s, static_cast<size_t>(result - step.results.begin()), i))
        return false;
    }
    is_written |= writes;
  }
  return is_written;
}

}  // namespace brisk
