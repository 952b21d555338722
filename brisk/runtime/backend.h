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

/// What of kernels whose results vary between runs in the last bits is refused (the CPU has none).
enum class Determinism : uint8_t {
  none,   ///< nothing
  noted,  ///< those whose library notes that they vary
  full,   ///< those, too, that vary unnoted
};

struct CompileOptions {
  int threads = 0;  ///< of computation; 0: one per physical core available
  Determinism determinism = Determinism::noted;
  bool tf32 = false;  ///< f32 products may round their operands to TF32 (10 bits)
  bool cache = true;  ///< disk cache of compiled code and tuning results
  /// Passes switched off by name; those of the forward pipeline are no concern of `compile`.
  std::set<std::string, std::less<>> disabled_passes;
  std::string dump_directory;  ///< passes dump changed programs here; empty: nowhere
  bool verify = false;         ///< verify after every pass
  /// A file that describes a device: lower for that one, present or not (`brisk explain --device`).
  /// Empty: the device here.
  std::string device_description;
};

/// What a backend says of a library that it loads at run time.
struct LibraryReport {
  std::string name;       ///< "cuDNN"
  std::string path;       ///< empty when absent
  std::string version;    ///< "9.19.0"
  std::string wanted;     ///< "9.11 or newer"
  std::string problem;    ///< empty when usable, else a sentence with what to do
  bool optional = false;  ///< all computes without it
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;
  /// What the device is: "AMD EPYC, 2 cores, avx512_bf16".
  virtual std::string describe() const = 0;
  /// Whether anything can run here; the reason otherwise (no device, no driver).
  virtual Status available() const { return Success{}; }
  /// Whether it lowers for `CompileOptions::device_description`; the reason otherwise.
  virtual Status supports_descriptions() const {
    return fail(
        "the {} backend compiles for the machine it runs on: descriptions of devices are for cuda",
        name());
  }
  /// The libraries it loads at run time; loads each.
  virtual std::vector<LibraryReport> libraries() const { return {}; }
  virtual LoweringTarget target() const = 0;
  /// Whether computing in `type` pays here, judged by the instruction set (bf16 needs AMX or
  /// avx512_bf16); the reason otherwise.
  virtual Status supports_fast(DType type) const = 0;
  /// The target where f32 products round to TF32; the reason where it has none.
  virtual Result<LoweringTarget> tf32_target() const {
    return fail("the {} backend computes float32 as it is: tf32 is for cuda", name());
  }
  /// The target that a program is lowered for under these options.
  virtual LoweringTarget target_for(const CompileOptions& options) const {
    return options.tf32 ? tf32_target().value() : target();
  }
  /// Compiles a lowered program (all dimensions bound, no calls, no non-native composites).
  virtual std::unique_ptr<Executable> compile(const Program& lowered,
                                              const CompileOptions& options) const = 0;
};

/// The backend of that name ("cpu", "cuda", "reference"), or a sentence why there is none. One that
/// is not available is found too, and says why when something is compiled.
Result<std::shared_ptr<const Backend>> find_backend(std::string_view name);
/// Names in order of preference, whether available or not.
std::vector<std::string> backend_names();
/// Of those, the ones that are available here: the first is the one to prefer.
std::vector<std::string> available_backend_names();

/// A compiled program together with what the passes did.
struct Compilation {
  std::unique_ptr<Executable> executable;
  Program lowered;
  std::vector<PassReport> passes;
};
/// Runs the lowering pipeline for the backend's target, then compiles. Refused while a dimension
/// is unbound, with its name.
Compilation compile(const Program& program, const Backend& backend,
                    const CompileOptions& options = {});

}  // namespace brisk
