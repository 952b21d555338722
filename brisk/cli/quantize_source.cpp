#include "brisk/cli/quantize_source.h"

#include "brisk/compress/dynamic_quantization.h"
#include "brisk/compress/fold_weights.h"
#include "brisk/compress/tflite/quantize_tflite.h"
#include "brisk/compress/tflite/split_residuals.h"
#include "brisk/compress/weight_only_quantization.h"
#include "brisk/runtime/backend.h"

namespace brisk::cli {
namespace {

/// What 8-bit weights are multiplied with: bf16 where the processor has products of it.
DType fast_activations() {
  return find_backend("cpu").value()->supports_fast(DType::bf16).ok() ? DType::bf16 : DType::f32;
}

}  // namespace

QuantizeSource quantize_source(const Model& model, const std::optional<Dataset>& data,
                               const QuantizeVerbOptions& options) {
  const CalibrationOptions calibration = calibration_of(options);
  QuantizeSource source;
  source.folded = fold_weights(model);
  if (options.tflite()) source.folded = split_residuals(source.folded);
  if (options.calibrates())
    source.ranges = options.tflite() ? calibrate_tflite(source.folded, *data, calibration)
                                     : calibrate_model(source.folded, *data, calibration);
  if (options.bias_correction)
    source.means = channel_means(source.folded, *data, calibration.threads);
  return source;
}

QuantizedModel write_integers(const QuantizeSource& source, const QuantizeVerbOptions& options,
                              const std::set<std::string, std::less<>>& float_layers) {
  if (options.dynamic) return quantize_dynamically(source.folded, float_layers);
  if (options.weights_only)
    return quantize_weights_only(source.folded, float_layers, fast_activations());
  if (options.tflite()) return quantize_tflite(source.folded, source.ranges, float_layers);
  if (!options.bias_correction) return quantize_model(source.folded, source.ranges, float_layers);
  return quantize_model(correct_biases(source.folded, source.means, float_layers), source.ranges,
                        float_layers);
}

}  // namespace brisk::cli
