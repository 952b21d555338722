#pragma once

/// A model on its way to being served: as it is trained, and what deployment makes of it.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "brisk/base/json.h"
#include "brisk/optimize/quantize_by_measurement.h"

namespace brisk {

enum class NumberFormat : uint8_t {
  f32,
  bf16,
  dynamic_int8,      ///< brisk/compress/dynamic_quantization.h
  weight_only_int8,  ///< brisk/compress/weight_only_quantization.h
  int8,
};
std::span<const std::string_view> enum_names(NumberFormat);

/// How the trained form becomes the served one.
struct Deployment {
  std::vector<std::string> disabled_passes = {};  ///< of compilation, where it is timed
  bool folded = false;                            ///< brisk/compress/fold_weights.h
  NumberFormat format = NumberFormat::f32;        ///< other than f32: folded, too
  FloatLayers slow_layers = {};                   ///< of integers: not faster in them here
  bool layers_timed = false;                      ///< ... and nothing else is slow
  bool gzipped = false;                           ///< the package's weights
  friend bool operator==(const Deployment&, const Deployment&) = default;
};

Json to_json(const Deployment& deployment);
Deployment deployment_from_json(const Json& json);

/// As a list of [node, result, low, high, magnitude].
Json to_json(const ValueRanges& ranges);
ValueRanges ranges_from_json(const Json& json);

struct Candidate {
  Model trained;                               ///< can be trained on
  std::filesystem::path trained_package = {};  ///< where it lies; empty: not written yet
  /// Of fold_weights(trained), where these were trained with its weights; else they are found.
  std::optional<ValueRanges> ranges = {};
  Deployment deployment = {};
  Model served = {};                          ///< what deployment makes of `trained`
  std::filesystem::path served_package = {};  ///< where that lies; empty: not written yet
  std::vector<MeasuredLayer> layers = {};     ///< of integers: each product
  std::string note = {};                      ///< what the step wants to be said of it
  bool required = false;  ///< kept whatever was measured: what every package is compiled with
};

}  // namespace brisk
