#pragma once

/// What `brisk quantize` is told.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "brisk/cli/quantization_aware.h"
#include "brisk/compress/calibration.h"

namespace brisk::cli {

struct QuantizeVerbOptions {
  std::string model, data, validation, output = "runs/quantized", method = "mse",
                                       semantics = "onnx";
  int64_t samples = 512, batch_size = 32, time_batch_size = 16, steps = 30, threads = 0;
  double percentile = 99.99;
  std::vector<std::string> float_layers;
  double max_drop = -1;  ///< in points; negative: no budget
  bool dynamic = false, weights_only = false, bias_correction = false, keep_slow = false,
       gzip = false, json = false;
  QuantizationAwareOptions training;
  /// Whether ranges of activations are found on data, before the model runs.
  bool calibrates() const { return !dynamic && !weights_only; }
  bool tflite() const { return semantics == "tflite"; }
};

void add_quantize_options(CLI::App& verb, QuantizeVerbOptions& options);

/// Refuses options that contradict each other.
void require_consistent(const QuantizeVerbOptions& options);

/// How ranges are found; refused where there is no such method.
CalibrationOptions calibration_of(const QuantizeVerbOptions& options);

}  // namespace brisk::cli
