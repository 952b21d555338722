#include "brisk/backends/cuda/memory_layout.h"

#include <algorithm>

#include "brisk/backends/cuda/aligned.h"
#include "brisk/ir/type_bytes.h"

namespace brisk::cuda {

int64_t MemoryLayout::place(int64_t bytes) {
  const int64_t offset = total_;
  total_ += aligned(bytes);
  return offset;
}

MemoryLayout::MemoryLayout(const LoweredProgram& lowered) {
  const Program& program = lowered.program();
  for (const StateEntry& entry : program.state) {
    state_[0].push_back(place(type_bytes(entry.type)));
    state_[1].push_back(state_[0].back());
  }
  for (size_t j = 0; j < program.updates.size(); ++j) {
    const auto entry = static_cast<size_t>(program.updates[j]);
    if (!lowered.in_place()[j]) state_[1][entry] = place(type_bytes(program.state[entry].type));
    updates_[0].push_back(state_[1][entry]);
    updates_[1].push_back(state_[0][entry]);
  }
  constants_ = place(lowered.constants().bytes());
  counter_bytes_ = lowered.counter_bytes();
  counters_ = place(counter_bytes_);
  packed_ = place(lowered.schedule().packed_bytes());
  fixed_bytes_ = total_;
  for (size_t slot = 0; slot < kSlots; ++slot) {
    input_block_[slot] = total_;
    for (size_t i = program.state.size(); i < program.graph.inputs().size(); ++i)
      inputs_[slot].push_back(place(type_bytes(program.graph.input_type(i))));
  }
  input_bytes_ = input_block_[1] - input_block_[0];
  result_block_ = total_;
  for (int64_t r = 0; r < program.num_results; ++r)
    results_.push_back(place(type_bytes(program.graph.output_type(static_cast<size_t>(r)))));
  result_bytes_ = total_ - result_block_;
  arena_ = place(lowered.arena_bytes());
}

std::string MemoryLayout::shortage(const LoweredProgram& lowered, int64_t free) const {
  const Program& program = lowered.program();
  const int64_t varying = total_ - fixed_bytes_;
  std::string text = fmt::format(
      "{} has {} free, but graph '{}' needs {}: {} of state and constants, {} of inputs, results "
      "and values in between",
      lowered.properties().name, bytes_text(free), program.graph.name(), bytes_text(total_),
      bytes_text(fixed_bytes_), bytes_text(varying));
  const std::vector<std::string> largest = lowered.schedule().largest_values(5);
  if (!largest.empty())
    text += fmt::format("; the largest values are {}", fmt::join(largest, "; "));
  if (free <= fixed_bytes_) return text + "; the state alone does not fit on this device";
  const double share = static_cast<double>(free - fixed_bytes_) / static_cast<double>(varying);
  const size_t first = program.state.size();
  if (first < program.graph.inputs().size() && program.graph.input_type(first).rank() > 0) {
    const auto batch = static_cast<double>(program.graph.input_type(first).shape().size(0));
    const auto fits = static_cast<int64_t>(batch * share);
    return text +
           (fits > 0
                ? fmt::format(
                      "; a batch of about {} (instead of {}) would fit: use that, or accumulate",
                      fits, static_cast<int64_t>(batch))
                : "; not even a batch of 1 would fit: use a smaller model or mixed precision");
  }
  return text + fmt::format("; {:.0f} % of it would fit", 100 * share);
}

}  // namespace brisk::cuda
