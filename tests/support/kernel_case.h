#pragma once

/// Runs one kernel on one node, beside the reference evaluator.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/backends/cpu/kernel.h"
#include "brisk/base/tensor.h"
#include "brisk/ir/builder.h"
#include "tests/support/op_case.h"
#include "tests/support/tolerances.h"

namespace brisk::testing {

/// Normally distributed values, or small integers of a type without fractions; by `seed`.
Tensor random_tensor(DType type, std::vector<int64_t> sizes, uint64_t seed);

/// A node and the values of its operands. Emit the node last:
///     KernelCase k;
///     convolution(k.input(x), k.input(w), attributes);
class KernelCase {
 public:
  KernelCase();
  /// The case in one element type; the node is the last one of the case's op, and what comes
  /// before it is evaluated by the reference.
  KernelCase(const OpCase& op_case, DType type);
  Value input(Tensor value);
  Value random(DType type, std::vector<int64_t> sizes) {
    return input(random_tensor(type, std::move(sizes), inputs_.size() + 1));
  }

  struct Run {
    int threads = 1;
    bool constant = false;  ///< operand 1 is constant
    bool reset = false;     ///< run once on other values of it, and reset, before the real run
  };
  std::optional<std::string> refusal(std::string_view kernel) const;
  /// Results and scratch begin as NaN; the kernel runs twice and must give the same bits, and once
  /// more in place where it offers that.
  std::vector<Tensor> run(std::string_view kernel, const Run& run) const;
  std::vector<Tensor> expected() const;
  size_t num_operands() const { return node().operands.size(); }
  /// Op, operands and lists among the attributes.
  std::string describe() const;

 private:
  const Node& node() const {
    return builder_.node(chosen_ < 0 ? builder_.num_nodes() - 1 : chosen_);
  }
  std::vector<Tensor> operands() const;
  const cpu::Kernel& kernel_named(std::string_view name) const;
  std::vector<Type> operand_types() const;

  Builder builder_;
  std::vector<Tensor> inputs_;
  NodeId chosen_ = -1;
};

/// Compares `kernel` with the reference on every instruction set this processor has, with one and
/// two threads, constant filters and not. `roundings` and `model` as for difference().
void expect_agrees(const KernelCase& k, std::string_view kernel, ErrorModel model,
                   double roundings = 1);
/// That the kernel refuses with a reason that contains `reason`.
void expect_refusal(const KernelCase& k, std::string_view kernel, std::string_view reason);

/// Sets BRISK_CPU_ISA for the time of a scope.
class IsaScope {
 public:
  explicit IsaScope(const char* isa);
  ~IsaScope();
  IsaScope(const IsaScope&) = delete;
  IsaScope& operator=(const IsaScope&) = delete;

 private:
  std::optional<std::string> previous_;
};

}  // namespace brisk::testing
