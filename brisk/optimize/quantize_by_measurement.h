#pragma once

/// Quantization that keeps what pays: integers where they were measured to be faster and where the
/// accuracy bears them.

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/compress/quantize_model.h"
#include "brisk/data/dataset.h"
#include "brisk/optimize/layer_times.h"

namespace brisk {

/// The layers of a model that stay floating, each with its reason.
using FloatLayers = std::map<std::string, std::string, std::less<>>;
std::set<std::string, std::less<>> names_of(const FloatLayers& layers);

/// A product of the model, before and after.
struct MeasuredLayer {
  QuantizedLayer layer;
  double float_milliseconds = 0, integer_milliseconds = 0;  ///< 0: not measured
};

/// Every product of `floats` and what it is in `quantized`, timed in turn.
std::vector<MeasuredLayer> time_layers(const Model& floats, const QuantizedModel& quantized,
                                       const LayerTimeOptions& how);
/// The reason of layers that were measured to be slower in integers.
inline constexpr std::string_view kSlowInIntegers = "int8 is not faster here";
/// Adds such layers.
void add_slow_layers(std::span<const MeasuredLayer> layers, FloatLayers& floats);
/// Adds the layers that the accuracy does not bear in integers: of the most sensitive ones (by the
/// first batch of `data`) the fewest with which it is at least `least`, found by halving; none
/// where that of `folded` is not.
void add_sensitive_layers(const Model& folded, const Quantize& quantize, const Dataset& data,
                          const std::function<double(const Model&)>& accuracy, double least,
                          FloatLayers& floats);
/// What became of each product in the end.
void set_outcome(const QuantizedModel& quantized, const FloatLayers& floats,
                 std::vector<MeasuredLayer>& layers);

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
  /// Integers of filters for where that is missed by the nearest ones; empty: there are none.
  std::function<RoundedFilters()> rounding = {};
};

struct QuantizedByMeasurement {
  QuantizedModel quantized;
  std::vector<MeasuredLayer> layers;  ///< every product, in order, with the reason where it is not
  FloatLayers float_layers;
  bool rounded = false;  ///< filters are those of `rounding`
};

/// `folded` (fold_weights) with `ranges` (calibrate_model): all products are quantized and timed
/// one by one; those that are slower go back to floats. Where the accuracy is less than
/// `least_accuracy` then, filters are rounded by `rounding`, which costs no speed; and of the most
/// sensitive layers (by the first batch of `data`) the fewest go back to floats with which it is
/// enough; nothing of this where that of the floats is not.
QuantizedByMeasurement quantize_by_measurement(const Model& folded, const ValueRanges& ranges,
                                               const Dataset& data,
                                               const QuantizeByMeasurementOptions& options);

}  // namespace brisk
