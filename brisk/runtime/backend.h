#pragma once

/// Backends and how they are found. `Backend::compile` is the whole contract towards the layers
/// above; nobody above `backends` includes a backend's headers.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/program.h"
#include "brisk/passes/pass.h"
#include "brisk/runtime/executable.h"

namespace brisk {

struct CompileOptions {
  int threads = 0;                 ///< of computation; 0: one per physical core available
  bool deterministic = true;       ///< refuse kernels whose results vary between runs
  bool cache = true;               ///< disk cache of compiled code and tuning results
  /// Passes switched off by name; those of the forward pipeline are no concern of `compile`.
  std::set<std::string, std::less<>> disabled_passes;
  std::string dump_directory;      ///< passes dump changed programs here; empty: nowhere
  bool verify = false;             ///< verify after every pass
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  /// What the device is: "AMD EPYC, 2 cores, avx512_bf16".
  virtual std::string describe() const = 0;
  virtual LoweringTarget target() const = 0;
  /// Whether computing in `type` pays here, judged by the instruction set (bf16 needs AMX or
  /// avx512_bf16); the reason otherwise.
  virtual Status supports_fast(DType type) const = 0;
  /// Compiles a lowered program (all dimensions bound, no calls, no non-native composites).
  virtual std::unique_ptr<Executable> compile(const Program& lowered,
                                              const CompileOptions& options) const = 0;
};

/// The backend of that name ("cpu", "reference"), or a sentence why there is none.
Result<std::shared_ptr<const Backend>> find_backend(std::string_view name);
/// Names in order of preference.
std::vector<std::string> backend_names();

/// A compiled program together with what the passes did.
struct Compilation {
  std::unique_ptr<Executable> executable;
  Program lowered;
  std::vector<PassReport> passes;
};
/// Runs the lowering pipeline for the backend's target, then compiles. Refused while a dimension
/// is unbound, with its name.
Compilation compile(const Program& program, const Backend& backend, const CompileOptions& options = {});

}  // namespace brisk
