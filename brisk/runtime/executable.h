#pragma once

/// A compiled program.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "brisk/base/tensor.h"

namespace brisk {

/// One launch of the schedule, for `brisk explain` and `brisk profile`.
struct KernelReport {
  std::string op;      ///< "fused_convolution"
  std::string label;   ///< layer it comes from
  std::string result;  ///< "f32[128, 26, 26, 32]"
  std::string kernel;  ///< "onednn/jit:avx512_core", "llvm/loop", "reference"
  /// Why better kernels refused: {kernel, reason}, best first.
  struct Refusal {
    std::string kernel, reason;
  };
  std::vector<Refusal> refusals;
  bool is_fallback = false;  ///< reference kernel or scalar mathematics: `explain --strict` fails
  double milliseconds = 0;   ///< mean over profiled runs; 0 when not profiled
  /// What it launched on a device; empty where nothing tells.
  struct DeviceKernel {
    std::string name;         ///< "sm90_xmma_fprop_implicit_gemm_...", "copy"
    double milliseconds = 0;  ///< mean over profiled runs
  };
  std::vector<DeviceKernel> device_kernels;
  int64_t bytes = 0;  ///< read and written, lower bound
  double flops = 0;
};

struct Profile {
  std::vector<KernelReport> kernels;
  std::string clock;  ///< what times come from, and why not from a better one: "CUPTI 13.0.1"
};

/// Holds its state in the device's memory, updated in place by each run.
class Executable {
 public:
  virtual ~Executable() = default;

  /// Takes the program's state, in order; types are checked. Call once before the first run, and
  /// again to replace the state.
  virtual void bind_state(std::span<const Tensor> state) = 0;
  /// Copies of the current state, in order, in canonical (row-major, unpacked) form.
  virtual std::vector<Tensor> state() const = 0;
  virtual Tensor state(size_t index) const = 0;
  /// Sets one state entry (a learning rate) between runs.
  virtual void set_state(size_t index, const Tensor& value) = 0;

  /// Runs once. `inputs`: the batch inputs in order, types checked (UserError with both).
  /// The returned results are valid until the next run; clone what is kept.
  virtual std::span<const Tensor> run(std::span<const Tensor> inputs) = 0;

  /// The same in two halves, for loops that have the next batch ready while a device computes:
  /// `start` returns once the inputs are taken, `collect` waits for the oldest run that was started
  /// and gives its results, valid until `start` is called again. At most `runs_in_flight` runs may
  /// be started and not collected; 1 where a run is over when `start` returns. State is read and
  /// set as the last started run leaves it.
  virtual int64_t runs_in_flight() const { return 1; }
  virtual void start(std::span<const Tensor> inputs) { started_results_ = run(inputs); }
  virtual std::span<const Tensor> collect() { return started_results_; }

  /// Runs with per-kernel timing.
  virtual Profile profile(std::span<const Tensor> inputs, int runs) = 0;
  virtual std::vector<KernelReport> explain() const = 0;
  /// Bytes of the arena, state and packed weights.
  virtual int64_t peak_bytes() const = 0;

 private:
  std::span<const Tensor> started_results_;
};

}  // namespace brisk
