#pragma once

/// What values a graph's intermediate tensors take on given data, and which of them 8 bits should
/// tell apart.

#include <string>
#include <vector>

#include "brisk/data/dataset.h"
#include "brisk/ir/program.h"

namespace brisk {

enum class CalibrationMethod : uint8_t {
  min_max,         ///< the greatest magnitude seen
  moving_average,  ///< of each batch's greatest magnitude, by `momentum`
  percentile,      ///< so many percent of the magnitudes lie below
  entropy,  ///< the least Kullback-Leibler divergence (Migacz, "8-bit Inference with TensorRT")
  mse,      ///< the least mean squared error
};
std::span<const std::string_view> enum_names(CalibrationMethod);

struct CalibrationOptions {
  CalibrationMethod method = CalibrationMethod::mse;
  double momentum = 0.9;  ///< of the old value; moving_average
  double percentile = 99.99;
  int threads = 0;  ///< of computation; 0: all cores
};

/// Where a tensor's values lie. `magnitude` is what the method chose: |x| beyond it saturates.
struct TensorRange {
  double low = 0, high = 0;
  double magnitude = 0;
  bool is_signed() const { return low < 0; }
};

/// The ranges of the results of `program`, a forward pass with a dimension "batch", over all
/// batches of `data`, whose first components are its batch inputs. The same for each run and each
/// number of threads. Refused where the data is empty, does not fit, or gives values that are not
/// finite.
std::vector<TensorRange> calibrate(const Program& program, std::span<const Tensor> weights,
                                   const Dataset& data, const CalibrationOptions& options = {});

/// What a program makes of a batch of examples: a mean over them, or a sum.
enum class BatchResult : uint8_t { mean, sum };
/// The results of such a program, all f32, averaged over all examples of `data`. Refused where one
/// is not finite.
std::vector<Tensor> mean_results(const Program& program, std::span<const Tensor> weights,
                                 const Dataset& data, int threads = 0,
                                 BatchResult result = BatchResult::mean);

/// A histogram of magnitudes: `counts` over equal bins from 0 to `greatest`. Zeros, which are exact
/// whatever is kept, do not count.
struct MagnitudeHistogram {
  std::vector<double> counts;
  double greatest = 0;
  void add(const Tensor& values);
};

/// The magnitude that `method` (percentile, entropy or mse) keeps of it for `levels` steps above 0:
/// 127 for i8, 255 for u8.
double kept_magnitude(const MagnitudeHistogram& histogram, const CalibrationOptions& options,
                      int levels);

}  // namespace brisk
