#pragma once

/// The plan for a graph. On a device: the one that was fastest when it was measured there, made
/// again from the tuning database where that knows it. Without a device: the heuristics' first
/// that cuDNN can make.

#include <functional>

#include "brisk/backends/cuda/cudnn/plan.h"
#include "brisk/backends/cuda/kernel.h"

namespace brisk::cuda::cudnn {

/// Builds the same graph for any target.
using MakeGraph = std::function<OperationGraph(const Target&)>;

struct ChosenPlan {
  std::vector<int64_t> memory_ids;
  std::vector<HostScalar> scalars;
  /// Nothing where only a device is missing to load the engine's code.
  std::optional<Plan> plan;
  std::string name;  ///< "engine 62"
  int64_t workspace_bytes = 0;
  double milliseconds = 0;  ///< measured; 0 without a device
};

struct PlanOptions {
  EngineRules rules;
  size_t candidates = 10;      ///< measured at most
  std::vector<int64_t> bytes;  ///< of each tensor in memory, in order: for measuring
};

/// Fails with cuDNN's reasons where no engine takes the graph.
Result<ChosenPlan> choose_plan(const MakeGraph& make_graph, const PlanOptions& options,
                               const DeviceProperties& device, const PrepareContext& context);

}  // namespace brisk::cuda::cudnn
