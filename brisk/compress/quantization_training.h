#pragma once

/// Training with the roundings of a quantized model in its forward pass: quantization-aware
/// training, of any graph that quantize_model takes. What is trained is the model as it is
/// deployed, with its own parameters: batch normalizations use their moving statistics and are
/// folded into filters within the step (gamma and beta are trained), dropout is gone. Filters and
/// the values that become integers go through fake_quantize (brisk/ops/quantize/fake_quantize.h).

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "brisk/compress/quantize_model.h"

namespace brisk {

/// How the range of an integer value goes on from the first one.
enum class RangeRule : uint8_t {
  moving_average,  ///< of each batch's greatest magnitude (TFMOT's MovingAverageQuantizer)
  learned,         ///< a parameter: its gradient is that of what lies beyond it
  fixed,           ///< it stays
};
std::span<const std::string_view> enum_names(RangeRule);

struct QuantizationTrainingOptions {
  RangeRule ranges = RangeRule::moving_average;
  double ema_decay = 0.999;                              ///< of the old average, in (0, 1)
  std::set<std::string, std::less<>> float_layers = {};  ///< products that stay float, by label
};

class QuantizationTraining {
 public:
  /// `ranges`: of fold_weights(model), to begin with (calibrate_model). Which values have a sign is
  /// decided by them for good. Refused where no product is left to be quantized.
  QuantizationTraining(const Model& model, const ValueRanges& ranges,
                       QuantizationTrainingOptions options = {});

  /// What is trained in the model's place. Its state is the model's, then a magnitude for each
  /// integer value ("quantization/<layer>/magnitude"); its weights are the model's and the first
  /// ranges.
  const Model& training_model() const { return training_; }
  const Model& model() const { return model_; }
  const QuantizationTrainingOptions& options() const { return options_; }

  /// Of weights of the training model: the model, the ranges, and the integer model of both.
  Model float_model(std::span<const Tensor> trained) const;
  ValueRanges ranges(std::span<const Tensor> trained) const;
  QuantizedModel deployed(std::span<const Tensor> trained) const;

  /// What decides the course of a training, in words.
  std::string describe() const;

 private:
  Model model_, training_;
  ValueRanges first_;
  QuantizationTrainingOptions options_;
  std::vector<ValueId> observed_;  ///< in the order of the magnitudes
};
using QuantizationTrainingPtr = std::shared_ptr<const QuantizationTraining>;

}  // namespace brisk
