#pragma once

/// Quantization that keeps what pays: integers where they were measured to be faster and where the
/// accuracy bears them.

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "brisk/compress/quantize_model.h"

namespace brisk {

/// The layers of a model that stay floating, each with its reason.
using FloatLayers = std::map<std::string, std::string, std::less<>>;

/// A product of the model, before and after.
struct MeasuredLayer {
  QuantizedLayer layer;
  double float_milliseconds = 0, integer_milliseconds = 0;  ///< 0: not measured
};

struct QuantizeByMeasurementOptions {
  FloatLayers float_layers = {};  ///< to begin with
  bool time_layers = true;        ///< else no product's time is known
  bool keep_slow = false;         ///< integers even where they are not faster
  int64_t time_batch_size = 16;
  int threads = 0;
  int steps = 30;  ///< timed runs
  /// Of a model, on held-out data; empty: no accuracy is asked for.
  std::function<double(const Model&)> accuracy = {};
  double least_accuracy = 0;
};

struct QuantizedByMeasurement {
  QuantizedModel quantized;
  std::vector<MeasuredLayer> layers;  ///< every product, in order, with the reason where it is not
  FloatLayers float_layers;
};

/// `folded` (fold_weights) with `ranges` (calibrate_model): all products are quantized and timed
/// one by one; those that are slower go back to floats; then, of the most sensitive ones (by the
/// first batch of `data`), the fewest with which the accuracy is at least `least_accuracy`; none
/// where that of the floats is not.
QuantizedByMeasurement quantize_by_measurement(const Model& folded, const ValueRanges& ranges,
                                               const Dataset& data,
                                               const QuantizeByMeasurementOptions& options);

}  // namespace brisk
