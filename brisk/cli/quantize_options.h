#pragma once

/// What `brisk quantize` is told.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "brisk/cli/quantization_aware.h"
#include "brisk/compress/block_rounding.h"
#include "brisk/compress/calibration.h"
#include "brisk/compress/rounding/round_filters.h"

namespace brisk::cli {

struct QuantizeVerbOptions {
  std::string model, data, validation, output = "runs/quantized", method, semantics = "onnx",
                                       rounding = "nearest";
  int64_t samples = 512, batch_size = 32, time_batch_size = 16, steps = 30, threads = 0,
          rounding_steps = 1000;
  int activation_bits = 8;  ///< in TFLite's arithmetic
  int bits = 8;             ///< of weights alone
  int64_t block_size = -1;  ///< rows of them that share a scale; 0: all, -1: not said
  double percentile = 99.99, smooth = -1;  ///< the latter negative: not at all
  std::vector<std::string> float_layers;
  double max_drop = -1;  ///< in points; negative: no budget
  bool dynamic = false, weights_only = false, bias_correction = false, equalize = false,
       keep_slow = false, gzip = false, json = false;
  QuantizationAwareOptions training;
  /// Whether ranges of activations are found on data, before the model runs.
  bool calibrates() const { return !dynamic && !weights_only; }
  /// Whether something is found on data before the model is written.
  bool looks_at_data() const { return calibrates() || rounding != "nearest" || smooth >= 0; }
  bool tflite() const { return semantics == "tflite"; }
  /// What weights alone are rounded to: 4 bits are too few for whole columns.
  WeightGrid grid() const {
    return {.bits = bits, .block_size = block_size >= 0 ? block_size : bits == 4 ? 32 : 0};
  }
};

void add_quantize_options(CLI::App& verb, QuantizeVerbOptions& options);

/// Refuses options that contradict each other.
void require_consistent(const QuantizeVerbOptions& options);

/// How ranges are found; refused where there is no such method.
CalibrationOptions calibration_of(const QuantizeVerbOptions& options);

Rounding rounding_of(const QuantizeVerbOptions& options);

}  // namespace brisk::cli
