#pragma once

/// Floats rounded as if they were integers of few bits, with a gradient that goes straight through:
/// what training sees of quantization.

#include "brisk/ir/builder.h"

namespace brisk {

struct FakeQuantizeAttributes {
  int64_t num_bits = 8;  ///< 2 to 16
  bool narrow_range =
      false;  ///< integers begin at 1 instead of 0, so that a range can be symmetric
  template <typename F>
  void fields(F&& f) {
    f("num_bits", num_bits);
    f("narrow_range", narrow_range);
  }
};

/// TensorFlow's fake_quant_with_min_max_vars, and with minimum and maximum [channels] its
/// per-channel form, channels being x's last axis. The range is moved so that 0 is one of the
/// 2^num_bits numbers (one fewer with narrow_range) that divide it evenly; x becomes the nearest of
/// them, halfway cases the greater. f32 or f64, minimum <= maximum; both 0 give 0.
///
/// The gradient of x is the result's within the moved range and 0 outside of it; the minimum's is
/// the sum of the result's over what lies below the range, the maximum's over what lies above.
Value fake_quantize(Value x, Value minimum, Value maximum,
                    const FakeQuantizeAttributes& attributes = {});

struct MovingMagnitudeAttributes {
  double ema_decay = 0.999;
  bool training = false;
  template <typename F>
  void fields(F&& f) {
    f("ema_decay", ema_decay);
    f("training", training);
  }
};

/// average - (average - max |x|) (1 - ema_decay) in training, else `average`, a number of x's type:
/// the range of what is quantized, and its next state. No gradient flows.
Value moving_magnitude(Value x, Value average, double ema_decay);

}  // namespace brisk
