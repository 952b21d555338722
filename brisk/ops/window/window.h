#pragma once

/// Pooling in channels-last layout [batch, spatial..., channels].

#include "brisk/ir/builder.h"

namespace brisk {

struct WindowAttributes {
  std::vector<int64_t> window, strides, pad_low, pad_high;  ///< per spatial axis
  template <typename F>
  void fields(F&& f) {
    f("window", window);
    f("strides", strides);
    f("pad_low", pad_low);
    f("pad_high", pad_high);
  }
};
struct AveragePoolAttributes {
  WindowAttributes window;
  bool count_padding = false;  ///< divide by the full window even where it hangs over the edge
  template <typename F>
  void fields(F&& f) {
    window.fields(f);
    f("count_padding", count_padding);
  }
};
/// Of the gradients: the window and the shape of the pool's input.
struct WindowGradientAttributes {
  WindowAttributes window;
  Shape shape;
  template <typename F>
  void fields(F&& f) {
    window.fields(f);
    f("shape", shape);
  }
};

/// Two results: the maxima, and for each the position of its (first) source inside the window as
/// u8 (row-major over the window's axes; windows of up to 256 places; larger ones are refused).
/// Padding never wins; a window wholly inside padding gives the lowest value.
struct MaxPool {
  Value values, positions;
};
MaxPool max_pool(Value x, WindowAttributes attributes);
/// Scatter-adds `gradient` (pooled shape) to the places `positions` name; result has `shape`.
Value max_pool_gradient(Value gradient, Value positions, Shape shape, WindowAttributes attributes);
/// The transpose of max_pool_gradient: reads x at the places `positions` name.
Value max_pool_select(Value x, Value positions, WindowAttributes attributes);
Value average_pool(Value x, AveragePoolAttributes attributes);
Value average_pool_gradient(Value gradient, Shape shape, AveragePoolAttributes attributes);
struct AveragePoolGradientAttributes {
  AveragePoolAttributes pool;
  Shape shape;
  template <typename F>
  void fields(F&& f) {
    pool.fields(f);
    f("shape", shape);
  }
};

}  // namespace brisk
