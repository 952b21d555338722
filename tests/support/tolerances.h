#pragma once

/// How far two computations of the same result may be apart: one table by element type.

#include <string>

#include "brisk/base/tensor.h"

namespace brisk::testing {

/// Relative error that one result of this type may have; 0 for integers and bool: equal bits.
///   f64 1e-12   f32 2e-6   f16 1e-3   bf16 8e-3   f8e4m3 0.125   f8e5m2 0.25
double tolerance(DType type);

/// Finite differences (central, in f64) against a gradient.
inline constexpr double kDifferenceStep = 1e-6;
inline constexpr double kGradientRelative = 1e-3;
inline constexpr double kGradientAbsolute = 1e-5;

/// How errors relate to values. Single results err relative to themselves, but for a small
/// absolute part (tails of erf, sines at multiples of pi); sums cancel, so that their error is
/// relative to the largest element of the tensor.
enum class ErrorModel { single, sum };

/// Empty when `actual` agrees with `expected`, else a sentence with the first place that does not.
/// Floats: |a - e| <= roundings * tolerance * (|e| + absolute), where `absolute` is the largest
/// finite |e| for sums, else 0.05 times the lesser of that and 1. NaN agrees with NaN; infinities
/// must be equal.
std::string difference(const Tensor& expected, const Tensor& actual,
                       ErrorModel model = ErrorModel::single, double roundings = 1);

/// Roundings of Winograd convolution as a sum: its transforms add numbers up to ten times as large
/// as the result, so that errors reach 1e-5 of the largest element.
inline constexpr double kWinogradRoundings = 5;

}  // namespace brisk::testing
