#pragma once

// The loops of depthwise_loops.h, compiled once for each instruction set.
//
// Four neighbouring results share the input columns they read; all channels of them are done before
// the next four, so that memory is read in order. Sums for the filter's gradient stay in registers
// along a row instead, one vector of channels at a time.

#include "brisk/backends/cpu/kernels/depthwise/depthwise_loops.h"
#include "brisk/backends/cpu/kernels/stored_lanes.h"
#include "brisk/backends/cpu/kernels/window_ranges.h"

namespace brisk::cpu {
namespace {

/// Results computed together.
constexpr int kTogether = 4;

template <bool Whole>
BRISK_INLINE Lanes load_channels(const float* p, int64_t left) {
  return Whole ? load(p) : load_first<StoredF32>(p, left);
}
template <bool Whole>
BRISK_INLINE void store_channels(float* p, int64_t left, Lanes x) {
  Whole ? store(p, x) : store_first<StoredF32>(p, left, x);
}

/// Calls body.operator()<Whole>(c) for each vector of channels.
template <typename F>
BRISK_INLINE void for_each_vector(int64_t channels, F&& body) {
  int64_t c = 0;
  for (; c + kLanes <= channels; c += kLanes) body.template operator()<true>(c);
  if (c < channels) body.template operator()<false>(c);
}

/// Result columns whose windows lie wholly inside the image.
inline Range whole_windows(const ConvolutionGeometry& s) {
  const int64_t begin = s.pad_x <= 0 ? 0 : (s.pad_x + s.stride_x - 1) / s.stride_x;
  const int64_t room = s.width + s.pad_x - s.kernel_width;  // of the last window's begin
  const int64_t end = room < 0 ? 0 : room / s.stride_x + 1;
  const int64_t first = smaller(begin, s.result_width);
  return {first, larger(first, smaller(end, s.result_width))};
}

struct DepthwiseRow {
  const float* image;  ///< of the input
  int64_t y;           ///< the result row
  Range tap_rows;      ///< that lie inside the image
};

inline DepthwiseRow row_of(const ConvolutionGeometry& s, const float* input, int64_t row) {
  const int64_t y = row % s.result_height;
  return {input + row / s.result_height * s.height * s.width * s.channels, y,
          places_inside(y, s.stride_y, s.pad_y, s.kernel_height, s.height)};
}

/// One result, whatever part of its window is inside.
template <bool Whole>
BRISK_INLINE Lanes one_result(const ConvolutionGeometry& s, const DepthwiseRow& row,
                              const float* filter, int64_t x, int64_t c, int64_t left) {
  const Range columns = places_inside(x, s.stride_x, s.pad_x, s.kernel_width, s.width);
  const int64_t top = row.y * s.stride_y - s.pad_y, first = x * s.stride_x - s.pad_x;
  Lanes sum = zero();
  for (int64_t ky = row.tap_rows.begin; ky < row.tap_rows.end; ++ky)
    for (int64_t kx = columns.begin; kx < columns.end; ++kx)
      sum += load_channels<Whole>(row.image + ((top + ky) * s.width + first + kx) * s.channels + c,
                                  left) *
             load_channels<Whole>(filter + (ky * s.kernel_width + kx) * s.channels + c, left);
  return sum;
}

/// kTogether results of a kernel of Width columns whose windows lie inside.
template <bool Whole, int Width, int Stride>
BRISK_INLINE void results_together(const ConvolutionGeometry& s, const DepthwiseRow& row,
                                   const float* filter, int64_t x, int64_t c, int64_t left,
                                   Lanes (&sums)[kTogether]) {
  constexpr int kColumns = (kTogether - 1) * Stride + Width;
  const int64_t top = row.y * s.stride_y - s.pad_y, first = x * Stride - s.pad_x;
  for (int i = 0; i < kTogether; ++i) sums[i] = zero();
  for (int64_t ky = row.tap_rows.begin; ky < row.tap_rows.end; ++ky) {
    const float* from = row.image + ((top + ky) * s.width + first) * s.channels + c;
    Lanes w[Width];
#pragma GCC unroll 8
    for (int kx = 0; kx < Width; ++kx)
      w[kx] = load_channels<Whole>(filter + (ky * Width + kx) * s.channels + c, left);
#pragma GCC unroll 16
    for (int column = 0; column < kColumns; ++column) {
      const Lanes here = load_channels<Whole>(from + column * s.channels, left);
#pragma GCC unroll 4
      for (int i = 0; i < kTogether; ++i) {
        const int kx = column - i * Stride;
        if (kx >= 0 && kx < Width) sums[i] += here * w[kx];
      }
    }
  }
}

/// Bias, residual and relu for the results of one row.
struct RowFinish {
  const DepthwiseEpilogue& epilogue;
  float* result;   ///< of the row
  int64_t at_row;  ///< the row's place in the result
  int64_t channels;

  template <bool Whole>
  BRISK_INLINE void put(int64_t x, int64_t c, Lanes value) const {
    const int64_t left = channels - c, at = x * channels + c;
    if (epilogue.bias != nullptr) value += load_channels<Whole>(epilogue.bias + c, left);
    if (epilogue.residual != nullptr)
      value += load_channels<Whole>(epilogue.residual + at_row + at, left);
    store_channels<Whole>(result + at, left, activated(value, epilogue.relu, epilogue.relu6));
  }
};

/// Results [begin, end) of a row, whose windows lie inside, as many as fill groups; where it ends.
template <int Width, int Stride>
int64_t forward_together(const ConvolutionGeometry& s, const DepthwiseRow& row, const float* filter,
                         const RowFinish& finish, Range range) {
  int64_t x = range.begin;
  for (; x + kTogether <= range.end; x += kTogether)
    for_each_vector(s.channels, [&]<bool Whole>(int64_t c) {
      Lanes sums[kTogether];
      results_together<Whole, Width, Stride>(s, row, filter, x, c, s.channels - c, sums);
#pragma GCC unroll 4
      for (int i = 0; i < kTogether; ++i) finish.put<Whole>(x + i, c, sums[i]);
    });
  return x;
}

void depthwise_forward(const ConvolutionGeometry& s, const float* input, const float* filter,
                       const DepthwiseEpilogue& epilogue, int64_t begin, int64_t end,
                       float* result) {
  const Range inside = whole_windows(s);
  for (int64_t number = begin; number < end; ++number) {
    const DepthwiseRow row = row_of(s, input, number);
    const int64_t at_row = number * s.result_width * s.channels;
    const RowFinish finish{epilogue, result + at_row, at_row, s.channels};
    const auto one_by_one = [&](int64_t first, int64_t last) {
      for (int64_t x = first; x < last; ++x)
        for_each_vector(s.channels, [&]<bool Whole>(int64_t c) {
          finish.put<Whole>(x, c, one_result<Whole>(s, row, filter, x, c, s.channels - c));
        });
    };
    one_by_one(0, inside.begin);
    int64_t x = inside.begin;
    if (s.kernel_width == 3 && s.stride_x == 1)
      x = forward_together<3, 1>(s, row, filter, finish, inside);
    else if (s.kernel_width == 3 && s.stride_x == 2)
      x = forward_together<3, 2>(s, row, filter, finish, inside);
    else if (s.kernel_width == 5 && s.stride_x == 1)
      x = forward_together<5, 1>(s, row, filter, finish, inside);
    one_by_one(x, s.result_width);
  }
}

/// Each input element gathers from the results whose windows cover it.
void depthwise_input_gradient(const ConvolutionGeometry& s, const float* gradient,
                              const float* filter, int64_t begin, int64_t end,
                              float* input_gradient) {
  for (int64_t number = begin; number < end; ++number) {
    const int64_t y = number % s.height;
    const float* image =
        gradient + number / s.height * s.result_height * s.result_width * s.channels;
    const Range rows = windows_over(y, s.stride_y, s.pad_y, s.kernel_height, s.result_height);
    for_each_vector(s.channels, [&]<bool Whole>(int64_t c) {
      const int64_t left = s.channels - c;
      CoveringWindows over(0, s.stride_x, s.pad_x, s.kernel_width, s.result_width);
      for (int64_t x = 0; x < s.width; ++x, over.advance()) {
        const Range columns = over.range();
        Lanes sum = zero();
        for (int64_t oy = rows.begin; oy < rows.end; ++oy)
          for (int64_t ox = columns.begin; ox < columns.end; ++ox) {
            const int64_t ky = y + s.pad_y - oy * s.stride_y, kx = x + s.pad_x - ox * s.stride_x;
            sum += load_channels<Whole>(image + (oy * s.result_width + ox) * s.channels + c, left) *
                   load_channels<Whole>(filter + (ky * s.kernel_width + kx) * s.channels + c, left);
          }
        store_channels<Whole>(input_gradient + (number * s.width + x) * s.channels + c, left, sum);
      }
    });
  }
}

/// The row's share of the sums of one tap row of Width taps, over windows that lie inside.
template <bool Whole, int Width>
BRISK_INLINE void add_tap_row(const float* from, int64_t step, const float* gradient,
                              int64_t channels, int64_t count, int64_t left, float* sums) {
  Lanes totals[Width];
  for (int kx = 0; kx < Width; ++kx) totals[kx] = zero();
  for (int64_t x = 0; x < count; ++x, from += step, gradient += channels) {
    const Lanes g = load_channels<Whole>(gradient, left);
#pragma GCC unroll 8
    for (int kx = 0; kx < Width; ++kx)
      totals[kx] += g * load_channels<Whole>(from + kx * channels, left);
  }
  for (int kx = 0; kx < Width; ++kx) {
    float* sum = sums + kx * channels;
    store_channels<Whole>(sum, left, load_channels<Whole>(sum, left) + totals[kx]);
  }
}

void depthwise_filter_gradient(const ConvolutionGeometry& s, const float* input,
                               const float* gradient, int64_t begin, int64_t end, float* sums) {
  const Range inside = whole_windows(s);
  for (int64_t number = begin; number < end; ++number) {
    const DepthwiseRow row = row_of(s, input, number);
    const float* row_gradient = gradient + number * s.result_width * s.channels;
    for_each_vector(s.channels, [&]<bool Whole>(int64_t c) {
      const int64_t left = s.channels - c;
      for (int64_t ky = row.tap_rows.begin; ky < row.tap_rows.end; ++ky) {
        const float* line =
            row.image + (row.y * s.stride_y - s.pad_y + ky) * s.width * s.channels + c;
        float* tap_sums = sums + ky * s.kernel_width * s.channels + c;
        const auto one_by_one = [&](int64_t first, int64_t last) {
          for (int64_t x = first; x < last; ++x) {
            const Range columns = places_inside(x, s.stride_x, s.pad_x, s.kernel_width, s.width);
            const Lanes g = load_channels<Whole>(row_gradient + x * s.channels + c, left);
            for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
              const int64_t place = x * s.stride_x - s.pad_x + kx;
              float* sum = tap_sums + kx * s.channels;
              store_channels<Whole>(sum, left,
                                    load_channels<Whole>(sum, left) +
                                        g * load_channels<Whole>(line + place * s.channels, left));
            }
          }
        };
        one_by_one(0, inside.begin);
        if (s.kernel_width == 3 && !inside.empty()) {
          add_tap_row<Whole, 3>(line + (inside.begin * s.stride_x - s.pad_x) * s.channels,
                                s.stride_x * s.channels,
                                row_gradient + inside.begin * s.channels + c, s.channels,
                                inside.end - inside.begin, left, tap_sums);
          one_by_one(inside.end, s.result_width);
        } else {
          one_by_one(inside.begin, s.result_width);
        }
      }
    });
  }
}

constexpr DepthwiseLoops kDepthwiseLoops{.forward = depthwise_forward,
                                         .input_gradient = depthwise_input_gradient,
                                         .filter_gradient = depthwise_filter_gradient};

}  // namespace
}  // namespace brisk::cpu
