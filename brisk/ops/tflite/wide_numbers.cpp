#include "brisk/ops/tflite/wide_numbers.h"

#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

Value WideNumbers::number(int64_t value) const {
  return builder_.scalar(DType::i64, static_cast<double>(value));
}

Value WideNumbers::product(Value a, Value b) const {
  return shift_right(a * b + 0x1p30, number(31));
}

Value WideNumbers::enlarged(Value x, int shift) const {
  return clamp(shift_left(x, number(shift)), -0x1p31, 0x1p31 - 1);
}

Value WideNumbers::leading_zeros(Value x) const {
  Value zeros = number(31);
  for (const int step : {16, 8, 4, 2, 1}) {
    const Value upper = shift_right(x, number(step));
    const Value has_upper = greater(upper, number(0));
    x = select(has_upper, upper, x);
    zeros = zeros - cast(has_upper, DType::i64) * static_cast<double>(step);
  }
  return zeros;
}

Value WideNumbers::reciprocal_of_one_and(Value x) const {
  const Value half = shift_right(x + 0x1p31, number(1));  // (1 + x) / 2
  // The line 48/17 - 32/17 half, the best first guess of 1 / half.
  Value y = product(half, number(-1010580540)) + 1515870810.0;
  for (int i = 0; i < 3; ++i) {
    const Value error = 0x1p29 - product(half, y);
    y = y + enlarged(product(y, error), 2);
  }
  return enlarged(y, 1);
}

}  // namespace brisk
