#pragma once

/// Work of a stream, captured once and launched many times as one CUDA graph.

#include <functional>

#include "brisk/backends/cuda/device.h"

namespace brisk::cuda {

class StepGraph {
 public:
  /// Captures what `enqueue` puts on the stream (thread-local mode: other threads may allocate
  /// meanwhile). Nothing runs yet.
  StepGraph(const DevicePtr& device, Stream& stream, const std::function<void()>& enqueue);
  ~StepGraph();
  StepGraph(const StepGraph&) = delete;
  StepGraph& operator=(const StepGraph&) = delete;

  void launch(Stream& stream) const;

 private:
  DevicePtr device_;
  struct CUgraphExec_st* executable_ = nullptr;
};

}  // namespace brisk::cuda
