#pragma once

/// While a stream is captured: makes each step of a schedule wait for the steps it depends on
/// alone, where a stream would make it wait for all before it.

#include <span>
#include <vector>

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {

class CaptureOrder {
 public:
  /// `dependencies`: as of `step_dependencies`.
  CaptureOrder(StreamHandle stream, std::vector<std::vector<size_t>> dependencies);

  /// The driver can: since CUDA 12.3.
  static bool available();

  /// Before step `step` (0, 1, ...) is enqueued.
  void before(size_t step);
  /// After the last: what the stream is given next waits for all steps.
  void finish();

 private:
  /// What the next work of the stream waits for; edges carry what they need to be made again.
  struct Frontier {
    std::vector<GraphNodeHandle> nodes;
    std::vector<GraphEdgeData> edges;
  };
  Frontier frontier() const;
  void set(std::span<const size_t> steps);

  StreamHandle stream_;
  std::vector<std::vector<size_t>> dependencies_;
  std::vector<Frontier> ends_;  ///< of the steps that were enqueued
};

}  // namespace brisk::cuda
