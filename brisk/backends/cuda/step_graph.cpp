#include "brisk/backends/cuda/step_graph.h"

#include "brisk/backends/cuda/api/driver.h"

namespace brisk::cuda {

StepGraph::StepGraph(const DevicePtr& device, Stream& stream, const std::function<void()>& enqueue)
    : device_(device) {
  const Driver& cuda = *driver().value();
  device_->make_current();
  check(cuda.stream_begin_capture(stream.handle(), kCaptureThreadLocal), "cuStreamBeginCapture");
  GraphHandle graph = nullptr;
  try {
    enqueue();
  } catch (...) {
    // The stream must leave capture mode before anything else can run on it.
    cuda.stream_end_capture(stream.handle(), &graph);
    if (graph != nullptr) cuda.graph_destroy(graph);
    throw;
  }
  check(cuda.stream_end_capture(stream.handle(), &graph), "cuStreamEndCapture");
  const DriverStatus status = cuda.graph_instantiate(&executable_, graph, 0);
  cuda.graph_destroy(graph);
  check(status, "cuGraphInstantiate");
}

StepGraph::~StepGraph() {
  if (executable_ != nullptr) driver().value()->graph_exec_destroy(executable_);
}

void StepGraph::launch(Stream& stream) const {
  check(driver().value()->graph_launch(executable_, stream.handle()), "cuGraphLaunch");
}

}  // namespace brisk::cuda
