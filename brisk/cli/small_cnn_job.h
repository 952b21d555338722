#pragma once

/// The job that demo and bench share: the small CNN on Fashion-MNIST.

#include "brisk/train/job.h"

namespace brisk::cli {

struct SmallCnnOptions {
  int64_t threads = 0;
  Precision precision = Precision::float32;
  int64_t accumulate = 1;
  int64_t epochs = 5;
  int64_t batch_size = 128;
  std::string optimizer = "adam";  ///< "muon": of convolutions too, but not of the last layer
  double learning_rate = 0.004;
  int64_t warmup_steps = 0;  ///< in which the learning rate rises
  double label_smoothing = 0;
  double dropout = 0.5;
  std::vector<std::string> disabled_passes;
  bool validation = false;
  std::string backend = "cpu";
};
Job small_cnn_job(const SmallCnnOptions& options);

/// Speed of warm training steps on real batches.
struct StepTiming {
  double images_per_second = 0;     ///< by the median step
  double milliseconds = 0;          ///< the median step
  double fastest = 0, slowest = 0;  ///< milliseconds: 10th and 90th percentile
  double peak_megabytes = 0;        ///< arena, state and packed weights
};
/// Times `steps` steps, after `warmup` that do not count; the time includes waiting for the data.
StepTiming time_steps(const Job& job, int steps, int warmup);

}  // namespace brisk::cli
