#pragma once

/// Post-training quantization: products of a float model in 8-bit integers.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "brisk/compress/calibration.h"
#include "brisk/nn/model.h"

namespace brisk {

/// Ranges of the values of a folded model that may become integers.
using ValueRanges = std::map<ValueId, TensorRange>;

/// Of `values` of `model` on `data` (brisk/compress/calibration.h).
ValueRanges calibrate_values(const Model& model, std::span<const ValueId> values,
                             const Dataset& data, const CalibrationOptions& options = {});
/// Of `folded` (fold_weights).
ValueRanges calibrate_model(const Model& folded, const Dataset& data,
                            const CalibrationOptions& options = {});

/// Integers of products' filters that are rounded otherwise than to the nearest
/// (brisk/compress/rounding/round_filters.h): i8, by the product's node, in the order of filter_of.
using RoundedFilters = std::map<NodeId, Tensor>;

/// One product of a model.
struct QuantizedLayer {
  std::string label;  ///< the layer's name
  std::string op;     ///< "fused_convolution"
  bool quantized = false;
  std::string reason;  ///< why not
  TensorRange input;   ///< of a quantized one
  double input_scale = 0;
  DType input_type = DType::f32, result_type = DType::f32;
  DType weight_type = DType::i8;
  int64_t block_size = 0;  ///< rows of a column of the weights that share a scale; 0: all
  /// Signal to noise of the rounded weights, in decibels: 10 log10(sum w^2 / sum (w - w')^2).
  double weight_sqnr = 0;
};

struct QuantizedModel {
  Model model;
  std::vector<QuantizedLayer> layers;  ///< every product, in order
};

/// `folded` with convolutions and matrix products as quantized_convolution and quantized_dot:
/// weights i8 by channel, activations u8 where they are never negative and else i8, by tensor and
/// without zero points, so that padding stays exact. What lies between two such products (a pool, a
/// reshape) moves integers; all else stays f32, and so do products whose label is one of
/// `float_layers`. `rounded`: filters that are rounded otherwise than to the nearest integer.
QuantizedModel quantize_model(const Model& folded, const ValueRanges& ranges,
                              const std::set<std::string, std::less<>>& float_layers = {},
                              const RoundedFilters& rounded = {});

/// Of the ratios that a product's and a residual's scale have to the sum's, which are whole
/// multiples of it: so the terms and their sum, of 255 times less than kGreatestRatio each, are
/// exact in f32. Where a ratio is half of that or more, scales stay as they are.
inline constexpr double kRatioStep = 1.0 / 4096, kGreatestRatio = 4;

/// How much a model's first output suffers when one product alone is quantized.
struct LayerSensitivity {
  std::string label;
  double sqnr = 0;  ///< decibels: 10 log10(sum y^2 / sum (y - y')^2)
};
/// A model quantized but for the layers of that name.
using Quantize =
    std::function<QuantizedModel(const std::set<std::string, std::less<>>& float_layers)>;
/// Of each product that `quantize` makes integers of, on one batch of inputs; the worst first.
std::vector<LayerSensitivity> layer_sensitivity(const Model& folded, const Quantize& quantize,
                                                std::span<const Tensor> batch);
/// Signal to noise of the first output of `found` as one of `wanted`, in decibels, on a batch.
double output_sqnr(const Model& wanted, const Model& found, std::span<const Tensor> batch);

}  // namespace brisk
