#pragma once

/// Where a program's parts lie in its one allocation of device memory. Addresses never change, so
/// that steps can be captured; what runs alternately has two places.

#include <string>
#include <vector>

#include "brisk/backends/cuda/lowered_program.h"

namespace brisk::cuda {

/// Runs alternate between two slots: each has its own inputs, so that a batch can be uploaded while
/// the step before it computes, its own captured graph, and its own reading of the state that is
/// not updated in place (what one slot writes the other reads).
inline constexpr size_t kSlots = 2;

class MemoryLayout {
 public:
  explicit MemoryLayout(const LoweredProgram& program);

  int64_t total_bytes() const { return total_; }
  // Offsets into the allocation.
  /// State entry `i` as a run in `slot` reads it.
  int64_t state(size_t i, size_t slot) const { return state_[slot][i]; }
  /// Update `j` as a run in `slot` writes it.
  int64_t update(size_t j, size_t slot) const { return updates_[slot][j]; }
  int64_t input(size_t i, size_t slot) const { return inputs_[slot][i]; }
  /// All inputs of a slot lie together, as do all results.
  int64_t inputs(size_t slot) const { return input_block_[slot]; }
  int64_t input_bytes() const { return input_bytes_; }
  int64_t result(size_t r) const { return results_[r]; }
  int64_t results() const { return result_block_; }
  int64_t result_bytes() const { return result_bytes_; }
  int64_t constants() const { return constants_; }
  int64_t counters() const { return counters_; }
  int64_t counter_bytes() const { return counter_bytes_; }
  int64_t packed() const { return packed_; }
  int64_t arena() const { return arena_; }

  /// The sentence for a device with `free` bytes where more is needed: what is largest, and what
  /// share of the batch would fit.
  std::string shortage(const LoweredProgram& program, int64_t free) const;

 private:
  int64_t place(int64_t bytes);

  int64_t total_ = 0;
  std::vector<int64_t> state_[kSlots], updates_[kSlots], inputs_[kSlots], results_;
  int64_t input_block_[kSlots] = {}, input_bytes_ = 0, result_block_ = 0, result_bytes_ = 0;
  int64_t constants_ = 0, counters_ = 0, counter_bytes_ = 0, packed_ = 0, arena_ = 0,
          fixed_bytes_ = 0;
};

}  // namespace brisk::cuda
