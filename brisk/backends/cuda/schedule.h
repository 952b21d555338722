#pragma once

/// A graph made ready to run on a GPU: a list of launches over one planned arena. Regions of
/// control flow are nested schedules. Making one needs no device.

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "brisk/backends/cuda/constant_pool.h"
#include "brisk/backends/cuda/kernel.h"
#include "brisk/backends/cuda/step_dependencies.h"
#include "brisk/ir/graph.h"
#include "brisk/runtime/executable.h"
#include "brisk/runtime/lower/storage_plan.h"
#include "brisk/runtime/node_cost.h"

namespace brisk::cuda {

/// What all schedules of a program share.
struct ScheduleContext {
  const DeviceProperties& device;
  const PrepareContext& prepare;
  ConstantPool& constants;
  bool deterministic = true;
  bool tf32 = false;
};

/// What a run works in.
struct ScheduleMemory {
  DeviceAddress arena = 0;     ///< arena_bytes(), aligned to 256
  DeviceAddress counters = 0;  ///< counter_bytes() of zeros, which are zeros again after the run
  DeviceAddress packed = 0;    ///< packed_bytes(), which stay from run to run
  Poison poison = Poison::none;
};

class Schedule {
 public:
  /// All dimensions are bound. Throws UserError naming every node that has no kernel, with each
  /// kernel's refusal. `constant_inputs`: per graph input; empty: no operand counts as constant.
  /// The context's members outlive the schedule.
  Schedule(Graph graph, const ScheduleContext& context,
           const std::vector<bool>& constant_inputs = {});

  /// After the code library was built.
  void load(const CodeLibrary& code);
  /// Enqueues what launches make of constant operands: after these have changed, before a run.
  void pack(std::span<const DeviceAddress> inputs, const ScheduleMemory& memory,
            StreamHandle stream);
  /// Enqueues one run. An output may be the memory of an input where `output_may_overwrite` says
  /// so; otherwise they are distinct.
  void enqueue(std::span<const DeviceAddress> inputs, std::span<const DeviceAddress> outputs,
               const ScheduleMemory& memory, StreamHandle stream);
  /// The same with a call before each step and one after the last.
  void enqueue(std::span<const DeviceAddress> inputs, std::span<const DeviceAddress> outputs,
               const ScheduleMemory& memory, StreamHandle stream,
               const std::function<void(size_t step)>& before);

  /// What each step of such a run touches, and behind the steps what is copied in the end.
  std::vector<StepAccess> accesses(std::span<const DeviceAddress> inputs,
                                   std::span<const DeviceAddress> outputs,
                                   const ScheduleMemory& memory);

  /// Most of a run's time goes to steps that are too short to fill a device, as with one example at
  /// a time: then it pays to run steps at the same time. Where steps are long it costs, since a
  /// graph with branches starts each of its kernels later than a chain does.
  bool mostly_short() const;

  size_t num_steps() const { return steps_.size(); }
  int64_t arena_bytes() const { return plan_.arena_bytes(); }
  int64_t counter_bytes() const { return counter_bytes_; }
  int64_t packed_bytes() const { return packed_bytes_; }
  bool output_may_overwrite(size_t output, size_t input) const;
  /// A launch must be driven by the host while it runs.
  bool needs_host() const;
  std::vector<KernelReport> reports() const;
  /// The `count` largest values in the arena: "1.53 GiB: f16[256, 112, 112, 64] of conv1".
  std::vector<std::string> largest_values(size_t count) const;
  const Graph& graph() const { return graph_; }

 private:
  struct Step {
    KernelChoice choice;
    std::vector<DeviceAddress> operands, results;
    int64_t packed_offset = 0, counter_offset = 0;
  };
  /// Settles a step's addresses.
  LaunchArguments arguments(size_t step, std::span<const DeviceAddress> inputs,
                            std::span<const DeviceAddress> outputs, const ScheduleMemory& memory,
                            StreamHandle stream);
  /// The node's, with the operations that its kernel knows better.
  NodeCost step_cost(size_t step) const;
  bool is_poisoned(size_t step, Poison poison) const;
  void poison(size_t step, const LaunchArguments& settled) const;
  StoragePlan::InPlace in_place() const;
  DeviceAddress address(size_t storage, std::span<const DeviceAddress> inputs,
                        std::span<const DeviceAddress> outputs, DeviceAddress arena) const;

  Graph graph_;
  StoragePlan plan_;
  const ConstantPool* constants_;
  std::vector<size_t> constant_numbers_;  ///< in the pool, per constant of the plan
  std::vector<Step> steps_;               ///< as the plan's
  int64_t packed_bytes_ = 0, counter_bytes_ = 0;
};

/// "1.53 GiB".
std::string bytes_text(int64_t bytes);

}  // namespace brisk::cuda
