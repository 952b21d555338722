#pragma once

/// Kernels of the CPU backend. For every op there is an ordered list, best first, reference last;
/// `refuse` gives the reason why a kernel can't run a node, `prepare` makes what each run calls.

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/ir/op.h"

namespace brisk::cpu {

/// What is known about a node when its kernel is chosen.
struct KernelRequest {
  const Node& node;
  std::span<const Type> operands;
  /// operand i never changes between binds of the state (a weight that is only read): kernels may
  /// pack it once, in the first run after `Launch::reset`.
  const std::vector<bool>& constant_operands;
  int threads = 1;
};

/// A node made ready to run. Sizes, strides and primitives are settled; only pointers come in.
class Launch {
 public:
  virtual ~Launch() = default;
  /// Computes. Pointers are aligned to 64 bytes where they are brisk's own; scratch too.
  virtual void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
                   std::byte* scratch) = 0;
  virtual int64_t scratch_bytes() const { return 0; }
  /// The state was bound again: what was packed from constant operands is stale.
  virtual void reset() {}
  /// Result `r` may be the same memory as operand `i` when that operand is not needed later.
  virtual bool in_place(size_t /*result*/, size_t /*operand*/) const { return false; }
  /// "onednn/jit:avx512_core", "loop/avx512", "reference".
  virtual std::string name() const = 0;
  /// Runs on the reference backend or calls scalar mathematics per element.
  virtual bool is_fallback() const { return false; }
  /// Floating-point operations of one run, 0 where it is bound by memory.
  virtual double flops() const { return 0; }
};

struct Kernel {
  std::string_view name;
  /// The reason why this kernel can't run the node; nothing when it can.
  std::optional<std::string> (*refuse)(const KernelRequest& request);
  std::unique_ptr<Launch> (*prepare)(const KernelRequest& request);
};

/// The kernels for an op in order of preference (brisk/backends/cpu/kernel_table.cpp); empty for
/// ops that the schedule itself handles (reshape, constant, control flow, fused_loop).
std::span<const Kernel> kernels_for(std::string_view op);

/// A row of the table.
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
/// The first kernel that does not refuse; the reference evaluator when all do.
KernelChoice choose_kernel(const KernelRequest& request);

}  // namespace brisk::cpu
