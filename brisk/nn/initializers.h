#pragma once

/// Initializers under Keras's names: zeros, ones, constant, glorot_uniform, glorot_normal,
/// he_normal, he_uniform, lecun_normal, lecun_uniform, random_normal, random_uniform,
/// truncated_normal, variance_scaling, orthogonal (formulas: facts of Keras 3, VarianceScaling).

#include <cstdint>
#include <string_view>

#include "brisk/base/tensor.h"
#include "brisk/ir/type.h"

namespace brisk {

/// A fresh value for a parameter of `type`. `initializer` is a name, or Keras's JSON form with
/// "class_name" and "config"; refused with the nearest known name. Deterministic in `key`.
/// "random_key" makes a u32[2] key, "unit_forget_bias" the bias of an LSTM's four gates: ones for
/// the forget gate.
Tensor make_initial_value(std::string_view initializer, const Type& type, uint64_t key);

/// fan_in and fan_out of a kernel as Keras computes them (receptive field times channels).
struct Fans {
  double in, out;
};
Fans compute_fans(const Shape& shape);

}  // namespace brisk
