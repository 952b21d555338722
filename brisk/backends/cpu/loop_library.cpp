#include "brisk/backends/cpu/loop_library.h"

#include "brisk/ir/op.h"

namespace brisk::cpu {

LoopLibrary::LoopLibrary(const Graph& graph, const LoopCompileOptions& options) {
  collect(graph);
  if (programs_.empty()) return;
  auto compiled = compile_loops(programs_, options);
  if (compiled.ok()) {
    loops_ = std::make_unique<CompiledLoops>(std::move(compiled).value());
    return;
  }
  for (auto& [hash, bucket] : entries_)
    for (auto& [region, entry] : bucket)
      if (entry.index) entry = {std::nullopt, compiled.error(), std::move(entry.program)};
}

void LoopLibrary::collect(const Graph& graph) {
  for (const Node& node : graph.nodes()) {
    if (node.op->name != "fused_loop") {
      for (const Graph& region : node.regions) collect(region);
      continue;
    }
    const Graph& region = node.regions[0];
    auto& bucket = entries_[region.hash()];
    bool known = false;
    for (const auto& [other, entry] : bucket) known |= other == region;
    if (known) continue;
    Entry entry;
    Result<LoopProgram> program = make_loop_program(region);
    if (program.ok()) {
      const auto [at, is_new] = by_text_.emplace(to_text(*program), programs_.size());
      if (is_new) programs_.push_back(*program);
      entry.index = at->second;
      entry.program = std::move(*program);
    } else {
      entry.refusal = program.error();
    }
    bucket.emplace_back(region, std::move(entry));
  }
}

const LoopLibrary::Entry& LoopLibrary::find(const Graph& region) const {
  for (const auto& [other, entry] : entries_.at(region.hash()))
    if (other == region) return entry;
  invariant(false, "a loop was not collected");
  throw InternalError("unreachable");
}

}  // namespace brisk::cpu
