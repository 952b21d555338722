#pragma once

/// A program with its kernels chosen for a kind of device: all that can be settled without having
/// one. What `brisk explain` shows and tests in CI look at.

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

  const Program& program() const { return program_; }
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
  DeviceProperties properties_;
  CodeLibrary code_;
  ConstantPool constants_;
  std::unique_ptr<TuningDatabase> tuning_;
  std::unique_ptr<PrepareContext> prepare_;
  std::unique_ptr<Schedule> schedule_;
  std::vector<bool> in_place_;
};

}  // namespace brisk::cuda
