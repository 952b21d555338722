#pragma once

/// Fixed-point numbers of 32 bits in i64 values of a graph.

#include "brisk/ir/builder.h"

namespace brisk {

class WideNumbers {
 public:
  explicit WideNumbers(Builder& builder) : builder_(builder) {}

  Value number(int64_t value) const;
  /// a * b / 2^31, to nearest, halfway cases up.
  Value product(Value a, Value b) const;
  /// x * 2^shift, saturated.
  Value enlarged(Value x, int shift) const;
  /// Of x in [1, 2^31), as 32 bits.
  Value leading_zeros(Value x) const;
  /// 1 / (1 + x) with 31 bits, of x in [0, 1) with 31 bits.
  Value reciprocal_of_one_and(Value x) const;

 private:
  Builder& builder_;
};

}  // namespace brisk
