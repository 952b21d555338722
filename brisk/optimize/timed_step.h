#pragma once

/// Steps of a model, compiled and ready to be run again and again while they are timed.

#include <memory>

#include "brisk/runtime/backend.h"
#include "brisk/train/job.h"

namespace brisk {

/// The job's training step with freshly initialised weights bound to it, where the model has none
/// of its own.
std::unique_ptr<Executable> compiled_training_step(const Job& job);

/// Runs of one step, each with the next of a few batches.
class TimedStep {
 public:
  /// A training step of `job` on the first batches of its data, which stay in memory: what is timed
  /// is the step, not the pipeline.
  static TimedStep training(const Job& job);
  /// Inference of `model`, as it is served by `backend`, on `batch_size` made-up examples.
  static TimedStep inference(const Model& model, const std::string& backend, CompileOptions options,
                             int64_t batch_size);

  void run();
  int64_t batch_size() const { return batch_size_; }
  int64_t peak_bytes() const { return executable_->peak_bytes(); }

 private:
  TimedStep(std::unique_ptr<Executable> executable, std::vector<Example> batches,
            int64_t batch_size)
      : executable_(std::move(executable)), batches_(std::move(batches)), batch_size_(batch_size) {}
  std::unique_ptr<Executable> executable_;
  std::vector<Example> batches_;
  int64_t batch_size_ = 0;
  size_t next_ = 0;
};

}  // namespace brisk
