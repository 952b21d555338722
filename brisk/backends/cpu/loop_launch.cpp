#include "brisk/backends/cpu/loop_launch.h"

#include "brisk/backends/cpu/reference_kernel.h"

namespace brisk::cpu {
namespace {

class CompiledLoopLaunch final : public Launch {
 public:
  CompiledLoopLaunch(const LoopLibrary& library, const LoopLibrary::Entry& entry, int threads)
      : loops_(library.loops()), program_(entry.program), index_(*entry.index), threads_(threads) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results, std::byte* scratch) override {
    buffers_.assign(operands.begin(), operands.end());
    buffers_.insert(buffers_.end(), results.begin(), results.end());
    loops_.run(index_, buffers_, scratch, threads_);
  }
  int64_t scratch_bytes() const override { return loops_.scratch_bytes(index_, threads_); }

  /// Every element of the operand is read where the result's is written, and nowhere else.
  bool in_place(size_t result, size_t operand) const override {
    const auto written = static_cast<int32_t>(static_cast<size_t>(program_.num_operands) + result);
    const LoopStore* store = nullptr;
    for (const LoopStore& candidate : program_.stores) {
      if (candidate.buffer != written) continue;
      if (store != nullptr) return false;
      store = &candidate;
    }
    if (store == nullptr || program_.lines[static_cast<size_t>(store->line)].reduced) return false;
    for (const LoopAxis& axis : program_.axes)
      if (axis.reduced) return false;  // several passes read what the last one writes
    for (const LoopLoad& load : program_.loads)
      if (load.buffer == static_cast<int32_t>(operand) && (!(load.at == store->at) || bits(load.type) != bits(store->type)))
        return false;
    return true;
  }
  std::string name() const override { return "loop/" + loops_.describe(index_); }
  bool is_fallback() const override { return !loops_.is_vectorised(index_); }

 private:
  const CompiledLoops& loops_;
  const LoopProgram& program_;
  size_t index_;
  int threads_;
  std::vector<void*> buffers_;
};

}  // namespace

KernelChoice prepare_loop(const KernelRequest& request, const LoopLibrary& library) {
  const LoopLibrary::Entry& entry = library.find(request.node.regions[0]);
  KernelChoice choice;
  if (entry.index) {
    choice.launch = std::make_unique<CompiledLoopLaunch>(library, entry, request.threads);
  } else {
    choice.refusals.push_back({"loop", entry.refusal});
    choice.launch = prepare_reference(request);
  }
  return choice;
}

}  // namespace brisk::cpu
