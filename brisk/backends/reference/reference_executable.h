#pragma once

/// A program kept as its graph and evaluated anew each time.

#include <vector>

#include "brisk/ir/program.h"
#include "brisk/runtime/executable.h"

namespace brisk::reference {

class ReferenceExecutable final : public Executable {
 public:
  explicit ReferenceExecutable(Program program);

  void bind_state(std::span<const Tensor> state) override;
  std::vector<Tensor> state() const override;
  Tensor state(size_t index) const override;
  void set_state(size_t index, const Tensor& value) override;
  std::span<const Tensor> run(std::span<const Tensor> inputs) override;
  Profile profile(std::span<const Tensor> inputs, int runs) override;
  std::vector<KernelReport> explain() const override;
  int64_t peak_bytes() const override;

 private:
  /// State and batch inputs in the graph's order, checked.
  std::vector<Tensor> gather_inputs(std::span<const Tensor> inputs) const;
  /// Splits the graph's outputs into results and new state.
  void accept(std::vector<Tensor> outputs, std::span<const Tensor> inputs);
  void check_state_index(size_t index) const;

  Program program_;
  bool bound_;
  /// Never written through: a new value replaces the old tensor, so results may share its bytes.
  std::vector<Tensor> state_;
  std::vector<Tensor> results_;
};

}  // namespace brisk::reference
