#pragma once

/// Compiled stages of a model: programs found again by their graph.

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "brisk/runtime/backend.h"

namespace brisk::onnx {

class StageCache {
 public:
  /// At most `max_stages` compiled programs are kept; the longest unused one goes first.
  StageCache(std::shared_ptr<const Backend> backend, CompileOptions options,
             size_t max_stages = 256);

  /// Runs the program, compiled at its first use. `state` are its weights: the same tensors are
  /// bound once. Returns copies of the results.
  std::vector<Tensor> run(const Program& program, std::span<const Tensor> state,
                          std::span<const Tensor> inputs);

  size_t num_compiled() const { return num_compiled_; }
  size_t num_runs() const { return num_runs_; }

 private:
  struct Stage {
    Program program;
    std::unique_ptr<Executable> executable;
    std::vector<const std::byte*> bound;  ///< the weights' bytes
    size_t last_used = 0;
  };
  Stage& find(const Program& program);

  std::shared_ptr<const Backend> backend_;
  CompileOptions options_;
  size_t max_stages_, num_compiled_ = 0, num_runs_ = 0;
  std::multimap<uint64_t, Stage> stages_;
};

}  // namespace brisk::onnx
