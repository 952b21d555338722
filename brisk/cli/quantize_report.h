#pragma once

/// What `brisk quantize` tells of what it did: as a step of the package's record, which --json
/// prints, and as tables.

#include <string>
#include <vector>

#include "brisk/base/json.h"
#include "brisk/cli/bench_model.h"
#include "brisk/cli/quantize_options.h"
#include "brisk/optimize/quantize_by_measurement.h"
#include "brisk/train/trainer.h"

namespace brisk::cli {

struct MeasuredModel {
  Metrics metrics;  ///< empty where there is no data to compare on
  ModelTiming timing;
  int64_t bytes = 0;  ///< of weights
};

struct QuantizeReport {
  MeasuredModel before, after;
  std::vector<MeasuredLayer> layers;
  double sqnr = 0;       ///< of the float model's outputs, decibels
  int64_t samples = 0;   ///< that ranges were found on
  std::string training;  ///< how it was trained with roundings; empty: not at all
  Metrics rounded;       ///< of the integer model before it was trained
};

Json quantize_json(const QuantizeReport& report, const QuantizeVerbOptions& options);

void print_quantize_report(const QuantizeReport& report, const QuantizeVerbOptions& options);

}  // namespace brisk::cli
