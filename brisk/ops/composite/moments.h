#pragma once

/// Mean and variance over axes: what the normalisations share.

#include "brisk/ir/builder.h"

namespace brisk {

struct Moments {
  Value centred;   ///< x - mean, in the compute type
  Value mean;      ///< reduced, as `keep_dims` says
  Value variance;  ///< biased; of the centred values, so that no large mean cancels
  Value inverse;   ///< 1 / sqrt(variance + epsilon)
};
/// Two passes over x. Without keep_dims the axes must be leading ones, so that what is reduced
/// still broadcasts against x.
Moments moments(Value x, const std::vector<int64_t>& axes, double epsilon, bool keep_dims);

}  // namespace brisk
