#include "brisk/cli/quantize_source.h"

#include "brisk/compress/dynamic_quantization.h"
#include "brisk/compress/fold_weights.h"
#include "brisk/compress/row_products.h"
#include "brisk/compress/scaling/equalize_channels.h"
#include "brisk/compress/scaling/smooth_products.h"
#include "brisk/compress/tflite/quantize_tflite.h"
#include "brisk/compress/tflite/split_residuals.h"
#include "brisk/compress/tflite/tflite_plan.h"
#include "brisk/compress/weight_only_quantization.h"
#include "brisk/runtime/backend.h"

namespace brisk::cli {
namespace {

/// What weights in integers are multiplied with: bf16 where the processor has products of it.
DType fast_activations() {
  return find_backend("cpu").value()->supports_fast(DType::bf16).ok() ? DType::bf16 : DType::f32;
}

/// What may become products of integers.
std::map<NodeId, ProductPlan> products_of(const Program& folded,
                                          const QuantizeVerbOptions& options) {
  if (!options.calibrates()) return plan_row_products(folded, {}).products;
  return options.tflite() ? plan_tflite(folded, {}).products
                          : plan_quantization(folded, {}).products;
}

}  // namespace

QuantizeSource quantize_source(const Model& model, const std::optional<Dataset>& data,
                               const QuantizeVerbOptions& options) {
  const CalibrationOptions calibration = calibration_of(options);
  QuantizeSource source;
  source.folded = fold_weights(model);
  if (options.equalize)
    source.folded = equalize_channels(
        source.folded, channel_magnitudes(source.folded, equalized_values(source.folded.program),
                                          *data, calibration.threads));
  if (options.smooth >= 0) {
    const auto products = products_of(source.folded.program, options);
    const auto values = smoothed_values(source.folded.program.graph, products);
    source.folded = smooth_products(
        source.folded, products,
        channel_magnitudes(source.folded, values, *data, calibration.threads), options.smooth);
  }
  if (options.tflite()) source.folded = split_residuals(source.folded);
  if (options.calibrates())
    source.ranges = options.tflite() ? calibrate_tflite(source.folded, *data, calibration)
                                     : calibrate_model(source.folded, *data, calibration);
  if (rounding_of(options) != Rounding::nearest)
    source.rounded =
        round_filters(source.folded, products_of(source.folded.program, options), *data,
                      {.rounding = rounding_of(options),
                       .grid = options.grid(),
                       .steps = options.rounding_steps,
                       .threads = static_cast<int>(options.threads)});
  if (options.bias_correction)
    source.means = channel_means(source.folded, *data, calibration.threads);
  return source;
}

QuantizedModel write_integers(const QuantizeSource& source, const QuantizeVerbOptions& options,
                              const std::set<std::string, std::less<>>& float_layers) {
  const RoundedFilters& rounded = source.rounded;
  if (options.dynamic) return quantize_dynamically(source.folded, float_layers, rounded);
  if (options.weights_only)
    return quantize_weights_only(source.folded, float_layers,
                                 {.activations = fast_activations(),
                                  .grid = options.grid(),
                                  .wide_layers = names_of(source.wide_layers)},
                                 rounded);
  if (options.tflite())
    return quantize_tflite(source.folded, source.ranges, float_layers, rounded,
                           options.activation_bits == 16 ? DType::i16 : DType::i8);
  return quantize_model(options.bias_correction
                            ? correct_biases(source.folded, source.means, float_layers, rounded)
                            : source.folded,
                        source.ranges, float_layers, rounded);
}

}  // namespace brisk::cli
