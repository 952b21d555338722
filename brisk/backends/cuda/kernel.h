#pragma once

/// Kernels of the CUDA backend. For every op there is an ordered list, best first; `refuse` gives
/// the reason why a kernel can't run a node, `prepare` makes what each run enqueues. Where all
/// refuse, the program is refused by name: there is no silent run on the host.

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/cuda/device.h"
#include "brisk/ir/op.h"

namespace brisk::cuda {

class TuningDatabase;

/// What is known about a node when its kernel is chosen. `refuse` reads only this and never touches
/// the device, so that graphs can be lowered where there is none.
struct KernelRequest {
  const Node& node;
  std::span<const Type> operands;
  /// operand i never changes between binds of the state.
  const std::vector<bool>& constant_operands;
  bool deterministic = true;
  const DeviceProperties& device;
  bool tf32 = false;            ///< f32 products may round their operands to TF32
  bool ordered_filter = false;  ///< operand 1 lies as ordered_filters gives it
};

/// What `prepare` may use besides.
struct PrepareContext {
  CodeLibrary& code;
  DevicePtr device;  ///< null when only lowered, without a GPU
  TuningDatabase* tuning = nullptr;
};

/// Before a step of these runs, what it is to write (results that lie over no operand of its own,
/// the workspace) is filled with ones, NaN as floats: what it then leaves out shows.
enum class Poison : uint8_t {
  none,
  bulk_stores,  ///< those that store in bulk, which compute-sanitizer's initcheck does not see
  all,
};

struct LaunchArguments {
  std::span<const DeviceAddress> operands, results;
  DeviceAddress workspace = 0;  ///< workspace_bytes(), aligned to 256
  StreamHandle stream = nullptr;
  /// counter_bytes() that are zero before the launch's work and zero again after it: arrival
  /// counters of blocks. No other launch of a program has them.
  DeviceAddress counters = 0;
  DeviceAddress packed = 0;      ///< packed_bytes(), as `pack` left them
  Poison poison = Poison::none;  ///< in schedules that it nests
};

/// A node made ready to run. Everything but the addresses is settled.
class Launch {
 public:
  virtual ~Launch() = default;
  /// After the code library was built, before the first enqueue: takes its functions.
  virtual void load(const CodeLibrary& /*code*/) {}
  /// Enqueues its work on the stream. Called while a CUDA graph is captured: it allocates nothing,
  /// synchronises nothing and reads nothing back. Addresses are the same in every call
  /// but for the inputs of the program, of which there are two sets.
  virtual void enqueue(const LaunchArguments& arguments) = 0;
  virtual int64_t workspace_bytes() const { return 0; }
  /// Memory of its own for what it makes of operands that never change (a filter in a library's
  /// order); `pack` enqueues the making, once for each set of them, before the first `enqueue`.
  virtual int64_t packed_bytes() const { return 0; }
  virtual void pack(const LaunchArguments& /*arguments*/) {}
  virtual int64_t counter_bytes() const { return 0; }
  /// A kernel of it may write by cp.async.bulk.
  virtual bool stores_in_bulk() const { return false; }
  /// Result `r` may be the same memory as operand `i` when that operand is not needed later.
  virtual bool in_place(size_t /*result*/, size_t /*operand*/) const { return false; }
  /// "cudnn/engine 47", "cublaslt", "loop/column", "nvrtc/max_pool".
  virtual std::string name() const = 0;
  virtual double flops() const { return 0; }
  /// True where it must be driven from the host between kernels (a loop with a data-dependent end):
  /// the step can't be captured whole.
  virtual bool needs_host() const { return false; }
};

struct Kernel {
  std::string_view name;
  /// The reason why this kernel can't run the node; nothing when it can.
  std::optional<std::string> (*refuse)(const KernelRequest& request);
  std::unique_ptr<Launch> (*prepare)(const KernelRequest& request, const PrepareContext& context);
};

/// A row of the table (brisk/backends/cuda/kernel_table.cpp).
struct OpKernel {
  std::string_view op;
  Kernel kernel;
};

struct KernelChoice {
  std::unique_ptr<Launch> launch;
  struct Refusal {
    std::string kernel, reason;
  };
  std::vector<Refusal> refusals;
};
/// The first kernel that does not refuse; throws UserError listing every refusal when all do.
KernelChoice choose_kernel(const KernelRequest& request, const PrepareContext& context);

// The lists that the table is made of, in order of preference.
/// brisk/backends/cuda/kernels: 3x3 convolutions on Hopper.
std::vector<OpKernel> halo_kernels();
/// brisk/backends/cuda/cudnn: convolutions and their gradients, fused ones, pooling.
std::vector<OpKernel> cudnn_kernels();
/// brisk/backends/cuda/cublaslt: dot_general, fused_dot.
std::vector<OpKernel> cublaslt_kernels();
/// brisk/backends/cuda/loop: fused_loop.
std::vector<OpKernel> loop_kernels();
/// brisk/backends/cuda/kernels: everything else, and plain kernels for what the libraries refuse.
std::vector<OpKernel> own_kernels();

}  // namespace brisk::cuda
