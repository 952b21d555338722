#pragma once

/// From a graph to something that runs: engines that take it, best guess first (cuDNN's
/// heuristics), and plans, which can be kept as text and made again from it.

#include <optional>
#include <string>

#include "brisk/backends/cuda/cudnn/operation_graph.h"

namespace brisk::cuda::cudnn {

/// Which engines may be used.
struct EngineRules {
  bool deterministic = true;  ///< none whose results vary between runs
  bool tensor_cores = true;   ///< false for strict f32: none that rounds operands to TF32
  /// No more workspace than this where an engine is content with it.
  int64_t workspace_limit = int64_t{1} << 30;
  /// Forward over an image of few channels, for which cuDNN has engines of their own, twice as fast
  /// as others. They are noted to reduce in the short type, but forward they are as exact as those
  /// that are not (docs/design/cuda_convolutions.md), and are named late: all modes are asked.
  bool first_layer = false;
};

struct EngineConfig {
  Descriptor descriptor;
  std::string name;  ///< "engine 47"
  bool runtime_compiled = false;
};
/// At most `limit` configurations that the rules allow, of heuristics A, then B, then what falls
/// back. `refusals` (if given) gets why others were left out.
std::vector<EngineConfig> engine_configs(const OperationGraph& graph, const Target& target,
                                         const EngineRules& rules, size_t limit,
                                         std::vector<std::string>* refusals = nullptr);

class Plan {
 public:
  static Result<Plan> make(const EngineConfig& config, const Target& target);
  /// `text`: what `to_text` gave for the same version of cuDNN and the same kind of device.
  static Result<Plan> from_text(std::string_view text, const Target& target);
  std::string to_text() const;

  int64_t workspace_bytes() const { return workspace_bytes_; }
  const std::string& name() const { return name_; }

  /// Enqueues on the stream: allocates nothing on the device, may be captured. `addresses`: of the
  /// graph's `memory_ids`, in that order. `scalars`: the graph's.
  void execute(std::span<const int64_t> memory_ids, std::span<const DeviceAddress> addresses,
               DeviceAddress workspace, StreamHandle stream,
               std::span<const HostScalar> scalars = {}) const;

 private:
  Descriptor descriptor_;
  Target target_;
  int64_t workspace_bytes_ = 0;
  std::string name_;
};

/// True where a failure to make a plan only says that there is no device to load its code on: an
/// engine took the graph and compiled it.
bool only_lacks_device(std::string_view error);

}  // namespace brisk::cuda::cudnn
