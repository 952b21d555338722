#include "brisk/formats/onnx/stage_cache.h"

#include <algorithm>

namespace brisk::onnx {
namespace {

bool equal(const Program& a, const Program& b) {
  return a.state == b.state && a.num_results == b.num_results && a.graph == b.graph;
}

}  // namespace

StageCache::StageCache(std::shared_ptr<const Backend> backend, CompileOptions options,
                       size_t max_stages)
    : backend_(std::move(backend)), options_(std::move(options)), max_stages_(max_stages) {}

StageCache::Stage& StageCache::find(const Program& program) {
  const uint64_t hash = program.graph.hash();
  const auto [first, last] = stages_.equal_range(hash);
  for (auto at = first; at != last; ++at)
    if (equal(at->second.program, program)) return at->second;
  if (stages_.size() >= max_stages_) {
    const auto oldest = std::min_element(
        stages_.begin(), stages_.end(),
        [](const auto& a, const auto& b) { return a.second.last_used < b.second.last_used; });
    stages_.erase(oldest);
  }
  Stage stage;
  stage.program = program;
  stage.executable = compile(program, *backend_, options_).executable;
  ++num_compiled_;
  return stages_.emplace(hash, std::move(stage))->second;
}

std::vector<Tensor> StageCache::run(const Program& program, std::span<const Tensor> state,
                                    std::span<const Tensor> inputs) {
  Stage& stage = find(program);
  stage.last_used = ++num_runs_;
  std::vector<const std::byte*> bytes;
  for (const Tensor& tensor : state) bytes.push_back(tensor.bytes());
  if (stage.bound != bytes || bytes.empty()) {
    stage.executable->bind_state(state);
    stage.bound = std::move(bytes);
  }
  std::vector<Tensor> results;
  for (const Tensor& result : stage.executable->run(inputs)) results.push_back(result.clone());
  return results;
}

}  // namespace brisk::onnx
