#pragma once

/// The input rows that one result row of a convolution needs, with their left and right padding.

#include <array>
#include <cstddef>

#include "brisk/backends/cpu/kernels/convolution_case.h"

namespace brisk::cpu {

/// Rows are read in place where no tap falls left or right of the image; else they are copied
/// between zeros, each once while the result rows of an image are taken in order.
class PaddedRows {
 public:
  static constexpr int64_t kLargestKernel = 7;

  /// Floats that a thread's copies take; 0 when rows are read in place.
  static int64_t scratch_floats(const ConvolutionCase& c);
  PaddedRows(const ConvolutionCase& c, const float* input, float* scratch);

  /// For result row `y` of `image`: where each tap row begins, null in the padding.
  const float* const* rows(int64_t image, int64_t y);

 private:
  const float* copied(int64_t image, int64_t y);

  const ConvolutionCase& case_;
  const float* input_;
  float* scratch_;
  bool is_copying_;
  std::array<const float*, kLargestKernel> rows_{};
  std::array<int64_t, kLargestKernel> held_{};  ///< which row of the batch a copy is of
};

}  // namespace brisk::cpu
