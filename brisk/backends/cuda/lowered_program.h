#pragma once

/// A program with its kernels chosen for a kind of device: all that can be settled without having
/// one. What `brisk explain` shows and tests in CI look at. What depends on constant state alone is
/// a schedule of its own (split_preparation.h), run when that state is bound or set.

#include <memory>
#include <vector>

#include "brisk/backends/cuda/code_library.h"
#include "brisk/backends/cuda/constant_pool.h"
#include "brisk/backends/cuda/schedule.h"
#include "brisk/backends/cuda/tuning.h"
#include "brisk/runtime/backend.h"

namespace brisk::cuda {

class LoweredProgram {
 public:
  /// `device` may be null: then nothing is measured, and kernels are chosen by rule. Throws
  /// UserError naming every node without a kernel.
  LoweredProgram(const Program& lowered, const CompileOptions& options,
                 const DeviceProperties& properties, const DevicePtr& device);

  /// As it is run: behind the state entries that were given stand those that are prepared.
  const Program& program() const { return program_; }
  size_t num_given_state() const { return num_given_state_; }
  /// Inputs: the given state; outputs: the prepared. nullptr: there is nothing to prepare.
  Schedule* preparation() { return preparation_.get(); }
  int64_t arena_bytes() const;
  int64_t counter_bytes() const;
  Schedule& schedule() { return *schedule_; }
  const Schedule& schedule() const { return *schedule_; }
  ConstantPool& constants() { return constants_; }
  const ConstantPool& constants() const { return constants_; }
  CodeLibrary& code() { return code_; }
  const DeviceProperties& properties() const { return properties_; }
  /// Per update: the new value may be written over the old one.
  const std::vector<bool>& in_place() const { return in_place_; }

 private:
  std::vector<bool> constant_inputs() const;

  Program program_;
  size_t num_given_state_ = 0;
  DeviceProperties properties_;
  CodeLibrary code_;
  ConstantPool constants_;
  std::unique_ptr<TuningDatabase> tuning_;
  std::unique_ptr<PrepareContext> prepare_;
  std::unique_ptr<Schedule> schedule_, preparation_;
  std::vector<bool> in_place_;
};

}  // namespace brisk::cuda
