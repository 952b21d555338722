#pragma once

/// A graph made ready to run on the CPU: a list of launches over one planned arena. Regions of
/// control flow are nested schedules.

#include <memory>
#include <span>
#include <vector>

#include "brisk/backends/cpu/kernel.h"
#include "brisk/backends/cpu/loop_library.h"
#include "brisk/ir/graph.h"
#include "brisk/runtime/executable.h"

namespace brisk::cpu {

struct ScheduleOptions {
  int threads = 1;
  bool deterministic = true;
  const LoopLibrary* loops = nullptr;
  std::vector<bool> constant_inputs;  ///< per graph input; empty: none is
};

class Schedule {
 public:
  /// All dimensions are bound. Throws UserError when an op has no kernel at all.
  Schedule(Graph graph, const ScheduleOptions& options);

  /// Runs once over caller's memory. An output may be the memory of an input where
  /// `output_may_overwrite` says so; otherwise they are distinct.
  void run(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs, std::byte* arena);
  /// The same, adding each step's seconds to `seconds` (one per report).
  void run_timed(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
                 std::byte* arena, std::vector<double>& seconds);

  int64_t arena_bytes() const { return arena_bytes_; }
  /// True when output `output` may be written into input `input`'s memory: nothing reads the input
  /// after, and the step that writes it allows it.
  bool output_may_overwrite(size_t output, size_t input) const;
  /// Packed copies of constant inputs are stale.
  void reset();
  std::vector<KernelReport> reports() const;
  const Graph& graph() const { return graph_; }

 private:
  enum class Place : uint8_t { none, input, output, arena, constant };
  struct Storage {
    Place place = Place::none;
    size_t index = 0;  ///< input, output, arena buffer or constant number
  };
  struct Step {
    NodeId node = -1;
    KernelChoice choice;
    std::vector<size_t> operand_storage, result_storage;  ///< into storages_
    size_t scratch_buffer = SIZE_MAX;                     ///< arena buffer
    std::vector<std::byte*> operand_pointers, result_pointers;
  };
  struct Copy {
    size_t from_storage = 0, output = 0;
    int64_t bytes = 0;
  };

  void assign_storage();
  void prepare_steps(const ScheduleOptions& options);
  void plan_arena();
  KernelChoice choose(const Node& node, const ScheduleOptions& options);
  size_t storage_of(ValueId value) const;
  std::byte* pointer(size_t storage, std::span<std::byte* const> inputs,
                     std::span<std::byte* const> outputs, std::byte* arena) const;
  template <typename Around>
  void run_steps(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
                 std::byte* arena, Around&& around);

  Graph graph_;
  std::vector<std::vector<size_t>> value_storage_;  ///< per node and result
  std::vector<Storage> storages_;
  std::vector<Tensor> constants_;
  std::vector<Step> steps_;
  std::vector<Copy> copies_;  ///< outputs that are inputs, constants or another output's value
  std::vector<int64_t> buffer_bytes_, buffer_offsets_;
  int64_t arena_bytes_ = 0;
};

}  // namespace brisk::cpu
