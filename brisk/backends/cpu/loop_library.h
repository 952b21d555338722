#pragma once

/// The compiled loops of one program: every "fused_loop" region, nested ones included, is compiled
/// in one batch; equal regions share their code.

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "brisk/backends/cpu/loop/loop_compiler.h"
#include "brisk/ir/graph.h"

namespace brisk::cpu {

class LoopLibrary {
 public:
  /// Collects and compiles the loops of `graph`. Regions that can't be compiled are kept with the
  /// reason.
  LoopLibrary(const Graph& graph, const LoopCompileOptions& options);

  struct Entry {
    std::optional<size_t> index;  ///< into loops()
    std::string refusal;          ///< why there is none
    LoopProgram program;
  };
  const Entry& find(const Graph& region) const;
  const CompiledLoops& loops() const { return *loops_; }
  bool compiled() const { return loops_ != nullptr; }

 private:
  void collect(const Graph& graph);

  std::map<uint64_t, std::vector<std::pair<Graph, Entry>>> entries_;
  std::vector<LoopProgram> programs_;
  std::map<std::string, size_t> by_text_;
  std::unique_ptr<CompiledLoops> loops_;
};

}  // namespace brisk::cpu
