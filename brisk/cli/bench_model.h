#pragma once

/// The speed of one step of a model from the zoo, or of a package, on synthetic data that lies in
/// the device's memory: what is timed is the step and nothing else.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "brisk/runtime/backend.h"
#include "brisk/train/step.h"

namespace brisk::cli {

struct BenchModelOptions {
  std::string model;            ///< "resnet50"
  int64_t sequence_length = 0;  ///< of a model of text; 0: the one that it is known by
  Determinism determinism = Determinism::noted;
  std::string backend = "cpu";
  Precision precision = Precision::float32;
  std::vector<int64_t> batch_sizes = {32};
  bool inference = false;
  int64_t threads = 0;
  int64_t steps = 50;  ///< timed, after a tenth of it (at least 3) that are not
  std::vector<std::string> disabled_passes = {};
};

struct ModelTiming {
  std::string name;  ///< "resnet50/train/fp16/256"
  double milliseconds =
      0;  ///< mean of one step over all timed ones, runs following each other closely
  double examples_per_second = 0;
  int64_t tokens_per_example = 0;  ///< 0: images
  double first_step_seconds = 0;   ///< from the call: graph, passes, kernels, first run
  double peak_megabytes = 0;
  /// Of a training: in the first step, and in the last one that is timed.
  std::optional<double> first_loss = {}, last_loss = {};
};

/// One timing of `model`; its name is made from the options.
ModelTiming time_model(const Model& model, const BenchModelOptions& options, int64_t batch_size);

/// One timing for each batch size; the first one's first step is told since the process began.
/// Training is with momentum SGD and label smoothing 0.1; of text, with AdamW, without smoothing
/// and without metrics.
std::vector<ModelTiming> bench_model(const BenchModelOptions& options);

}  // namespace brisk::cli
