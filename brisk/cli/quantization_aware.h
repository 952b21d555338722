#pragma once

/// The training that `brisk quantize --epochs` puts between the choice of integer layers and the
/// integer model.

#include <CLI/CLI.hpp>
#include <string>

#include "brisk/cli/fine_tune.h"
#include "brisk/optimize/quantize_by_measurement.h"

namespace brisk::cli {

struct QuantizationAwareOptions {
  int64_t epochs = 0;  ///< 0: no training
  double learning_rate = 1e-4;
  std::string ranges = "moving_average", backend = "cpu";
  bool preserve_sparsity = false;
  int64_t clusters = 0;  ///< 0: none
  bool resume = false, quiet = false;
};

/// Options beside --epochs need it.
void add_quantization_aware_options(CLI::App& verb, QuantizationAwareOptions& options);

/// A model after the training, and the ranges of its integers.
struct TrainedRanges {
  bool stopped = false;  ///< by a signal, everything saved
  int64_t steps = 0;
  std::string how;
  Model folded;
  ValueRanges ranges;
};

/// Trains `package` on with all products in integers but `layers`. Resumed, the layers are those
/// that the training began with.
TrainedRanges train_with_roundings(const FineTuneOptions& training,
                                   const QuantizationAwareOptions& options,
                                   const QuantizeRecipe& quantize, const PackageJob& package,
                                   FloatLayers& layers);

}  // namespace brisk::cli
