#pragma once

/// Native code for fused loops: from the disk cache, or compiled by LLVM and put there.
///
///     auto loops = compile_loops(programs, {.threads = 8}).value();
///     loops.run(0, buffers, scratch, 8);
///
/// Results depend on the program, the buffers' contents, the instruction set and the number of
/// threads, never on timing.

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "brisk/backends/cpu/loop/code_image.h"
#include "brisk/backends/cpu/loop/codegen_interface.h"
#include "brisk/backends/cpu/loop/loop_plan.h"
#include "brisk/backends/loop/loop_program.h"
#include "brisk/backends/loop/make_loop_program.h"

namespace brisk {

struct LoopCompileOptions {
  std::optional<VectorIsa> isa;  ///< default: host_isa()
  int threads = 1;               ///< that the loops will mostly run with; shapes how work is split
  bool cache = true;
  std::filesystem::path cache_directory;  ///< default: "loops" in brisk's cache directory
};

class CompiledLoops {
 public:
  size_t size() const { return loops_.size(); }

  /// Bytes of scratch that `run` needs with so many threads; aligned to 64 by the caller.
  int64_t scratch_bytes(size_t index, int threads) const;
  /// `buffers`: operands then results, each distinct or, where an operand is read at the very
  /// elements a result is written at, the same; results aligned to 64 bytes. Work too small to
  /// share runs inline.
  void run(size_t index, std::span<void* const> buffers, void* scratch, int threads) const;

  /// Whether all mathematics of the loop is vector code (integer division by a variable is not).
  bool is_vectorised(size_t index) const { return loops_[index].vectorised; }
  /// "avx512, 16 lanes, row": for explain.
  std::string describe(size_t index) const;

  struct Report {
    int64_t from_cache = 0;
    int64_t compiled = 0;
    double milliseconds = 0;
  };
  const Report& report() const { return report_; }

 private:
  friend Result<CompiledLoops> compile_loops(std::span<const LoopProgram>,
                                             const LoopCompileOptions&);

  struct Loop {
    LoopPlan plan;
    bool vectorised = true;
    std::vector<int32_t> aligned_buffers;  ///< results written past the caches
    LoopFunction main = nullptr;
    std::vector<LoopFunction> accumulate, finish;  // by phase; null where there is nothing to do
  };
  explicit CompiledLoops(ExecutableMemory memory) : memory_(std::move(memory)) {}
  static int useful_threads(const LoopPlan& plan, int threads);
  /// Shares of the work; when partial results are folded more than threads, for exactness.
  static int64_t num_parts(const LoopPlan& plan, int threads);

  ExecutableMemory memory_;
  std::vector<Loop> loops_;
  Report report_;
};

/// Equal programs are compiled once. Fails with the reason when one cannot be compiled.
Result<CompiledLoops> compile_loops(std::span<const LoopProgram> programs,
                                    const LoopCompileOptions& options = {});

}  // namespace brisk
