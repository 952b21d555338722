#include "brisk/backends/cuda/capture_order.h"

#include <algorithm>

namespace brisk::cuda {

CaptureOrder::CaptureOrder(StreamHandle stream, std::vector<std::vector<size_t>> dependencies)
    : stream_(stream), dependencies_(std::move(dependencies)) {}

bool CaptureOrder::available() {
  const Driver& cuda = *driver().value();
  return cuda.stream_get_capture_info != nullptr &&
         cuda.stream_update_capture_dependencies != nullptr;
}

void CaptureOrder::before(size_t step) {
  if (step > 0) ends_.push_back(frontier());
  set(dependencies_[step]);
}

void CaptureOrder::finish() {
  ends_.push_back(frontier());
  std::vector<bool> waited_for(ends_.size(), false);
  for (const std::vector<size_t>& some : dependencies_)
    for (const size_t step : some) waited_for[step] = true;
  std::vector<size_t> last;
  for (size_t step = 0; step < ends_.size(); ++step)
    if (!waited_for[step]) last.push_back(step);
  set(last);
}

CaptureOrder::Frontier CaptureOrder::frontier() const {
  int status = 0;
  const GraphNodeHandle* nodes = nullptr;
  const GraphEdgeData* edges = nullptr;
  size_t count = 0;
  check(driver().value()->stream_get_capture_info(stream_, &status, nullptr, nullptr, &nodes,
                                                  &edges, &count),
        "cuStreamGetCaptureInfo");
  Frontier result;
  result.nodes.assign(nodes, nodes + count);
  if (edges != nullptr) result.edges.assign(edges, edges + count);
  result.edges.resize(count);
  return result;
}

void CaptureOrder::set(std::span<const size_t> steps) {
  Frontier all;
  for (const size_t step : steps)
    for (size_t i = 0; i < ends_[step].nodes.size(); ++i) {
      if (std::ranges::find(all.nodes, ends_[step].nodes[i]) != all.nodes.end()) continue;
      all.nodes.push_back(ends_[step].nodes[i]);
      all.edges.push_back(ends_[step].edges[i]);
    }
  check(driver().value()->stream_update_capture_dependencies(
            stream_, all.nodes.data(), all.edges.data(), all.nodes.size(), kSetCaptureDependencies),
        "cuStreamUpdateCaptureDependencies");
}

}  // namespace brisk::cuda
