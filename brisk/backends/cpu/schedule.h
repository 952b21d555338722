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
#include "brisk/runtime/lower/storage_plan.h"

namespace brisk::cpu {

struct ScheduleOptions {
  int threads = 1;
  const LoopLibrary* loops = nullptr;
  std::vector<bool> constant_inputs;  ///< per graph input; empty: none is
};

class Schedule {
 public:
  /// All dimensions are bound. Throws UserError when an op has no kernel at all.
  Schedule(Graph graph, const ScheduleOptions& options);

  /// Runs once over caller's memory. An output may be the memory of an input where
  /// `output_may_overwrite` says so; otherwise they are distinct.
  void run(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
           std::byte* arena);
  /// The same, adding each step's seconds to `seconds` (one per report).
  void run_timed(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
                 std::byte* arena, std::vector<double>& seconds);

  int64_t arena_bytes() const { return plan_.arena_bytes(); }
  /// True when output `output` may be written into input `input`'s memory: nothing reads the input
  /// after, and the step that writes it allows it.
  bool output_may_overwrite(size_t output, size_t input) const;
  /// Packed copies of constant inputs are stale.
  void reset();
  std::vector<KernelReport> reports() const;
  const Graph& graph() const { return graph_; }

 private:
  struct Step {
    KernelChoice choice;
    std::vector<std::byte*> operand_pointers, result_pointers;
  };

  StoragePlan::InPlace in_place() const;
  KernelChoice choose(const Node& node, const ScheduleOptions& options);
  std::byte* pointer(size_t storage, std::span<std::byte* const> inputs,
                     std::span<std::byte* const> outputs, std::byte* arena) const;
  template <typename Around>
  void run_steps(std::span<std::byte* const> inputs, std::span<std::byte* const> outputs,
                 std::byte* arena, Around&& around);

  Graph graph_;
  StoragePlan plan_;
  std::vector<Step> steps_;  ///< as the plan's
};

}  // namespace brisk::cpu
