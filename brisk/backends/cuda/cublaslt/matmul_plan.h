#pragma once

/// A product made ready for cuBLASLt: descriptors, and the algorithm that was fastest when it was
/// measured on the device (or that the tuning database knows).

#include <memory>
#include <span>
#include <string>

#include "brisk/backends/cuda/cublaslt/dot_problem.h"

namespace brisk::cuda::cublaslt {

/// What one call reads and writes.
struct MatmulAddresses {
  DeviceAddress lhs = 0, rhs = 0, bias = 0, result = 0, workspace = 0;
};

class MatmulPlan {
 public:
  /// `fused_epilogue`: bias and activation belong to the call. Fails with the reason where the
  /// library has no algorithm.
  static Result<MatmulPlan> choose(const DotProblem& problem, bool fused_epilogue,
                                   bool deterministic, const PrepareContext& context);
  MatmulPlan(MatmulPlan&&) noexcept;
  ~MatmulPlan();

  int64_t workspace_bytes() const;
  std::string name() const;
  /// The problem's outer products, one call each.
  void execute(const MatmulAddresses& addresses, StreamHandle stream) const;

 private:
  struct State;
  explicit MatmulPlan(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace brisk::cuda::cublaslt
