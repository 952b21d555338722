#pragma once

/// Two 1x1 convolutions whose results meet in one addition.

#include "brisk/ops/fused/fused.h"

namespace brisk {

struct PointwisePairAttributes {
  Activation activation = Activation::none;
  /// Of the second image's axes between batch and channels: every so many-th place is read, from
  /// the first on. Empty: all.
  std::vector<int64_t> strides = {};
  template <typename F>
  void fields(F&& f) {
    f("activation", activation);
    f("strides", strides);
  }
};
/// Images [batch, spatial..., channels] times a matrix [filters, channels], each with channels of
/// its own.
struct PointwiseTerm {
  Value x, matrix;
};
/// activation(first.x first.matrix^T + second.x second.matrix^T + bias); bias [filters], f32 for
/// short floats.
Value pointwise_pair(const PointwiseTerm& first, const PointwiseTerm& second, Value bias,
                     PointwisePairAttributes attributes);

}  // namespace brisk
