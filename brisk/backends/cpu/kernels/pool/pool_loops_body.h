#pragma once

// The loops of pool_loops.h, compiled once for each instruction set.
//
// Gradients are made by rows of the input, each by one thread: from the windows that cover the row,
// in order. So sums have one order, whether windows overlap or not.

#include "brisk/backends/cpu/kernels/pool/pool_loops.h"
#include "brisk/backends/cpu/kernels/stored_bytes.h"
#include "brisk/backends/cpu/kernels/stored_lanes.h"
#include "brisk/backends/cpu/kernels/window_ranges.h"

namespace brisk::cpu {
namespace {

/// Calls body(column, at, corner, rows, columns) for each result of one row: where its channels and
/// those of its window's first place lie, and the window's rows and columns that are inside.
template <typename F>
BRISK_INLINE void for_each_window(const PoolShape& s, int64_t row, F&& body) {
  const int64_t y = row % s.result_height, image = row / s.result_height;
  const Range rows = places_inside(y, s.stride_y, s.pad_y, s.window_y, s.height);
  for (int64_t x = 0; x < s.result_width; ++x) {
    const Range columns = places_inside(x, s.stride_x, s.pad_x, s.window_x, s.width);
    const int64_t corner =
        ((image * s.height + y * s.stride_y - s.pad_y) * s.width + x * s.stride_x - s.pad_x) *
        s.channels;
    body(x, (row * s.result_width + x) * s.channels, corner, rows, columns);
  }
}

template <typename Stored>
void max_pool(const PoolShape& s, const void* input, int64_t begin, int64_t end, void* values,
              uint8_t* positions) {
  using Element = typename Stored::Element;
  const auto* x = static_cast<const Element*>(input);
  auto* result = static_cast<Element*>(values);
  for (int64_t row = begin; row < end; ++row)
    for_each_window(s, row, [&](int64_t, int64_t at, int64_t corner, Range rows, Range columns) {
      const bool is_empty = rows.empty() || columns.empty();
      for (int64_t c = 0; c < s.channels; c += kLanes) {
        const int64_t left = s.channels - c;
        Lanes best = fill(-__builtin_inff());
        IntLanes place = {};
        if (!is_empty) {
          const int64_t first = rows.begin * s.window_x + columns.begin;
          best = load_first<Stored>(
              x + corner + (rows.begin * s.width + columns.begin) * s.channels + c, left);
          place = IntLanes{} + static_cast<int32_t>(first);
          for (int64_t ky = rows.begin; ky < rows.end; ++ky)
            for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
              const Lanes here =
                  load_first<Stored>(x + corner + (ky * s.width + kx) * s.channels + c, left);
              // NaN wins over numbers, and the first one stays.
              const IntLanes wins = ~(here <= best) & (best == best);
              best = wins ? here : best;
              place = wins ? IntLanes{} + static_cast<int32_t>(ky * s.window_x + kx) : place;
            }
        }
        store_first<Stored>(result + at + c, left, best);
        store_bytes_first(positions + at + c, left, place);
      }
    });
}

/// The same of 8-bit integers, which are compared as they are.
template <typename Bytes>
void max_pool_bytes(const PoolShape& s, const void* input, int64_t begin, int64_t end, void* values,
                    uint8_t* positions) {
  using Vector = typename Bytes::Vector;
  using Places = typename UnsignedBytes::Vector;
  const auto* x = static_cast<const typename Bytes::Element*>(input);
  auto* result = static_cast<typename Bytes::Element*>(values);
  for (int64_t row = begin; row < end; ++row)
    for_each_window(s, row, [&](int64_t, int64_t at, int64_t corner, Range rows, Range columns) {
      const bool is_empty = rows.empty() || columns.empty();
      for (int64_t c = 0; c < s.channels; c += kByteLanes) {
        const int64_t left = s.channels - c;
        Vector best = Vector{} + Bytes::kLowest;
        Places place = {};
        if (!is_empty) {
          place = place + static_cast<uint8_t>(rows.begin * s.window_x + columns.begin);
          best = load_byte_vector<Bytes>(
              x + corner + (rows.begin * s.width + columns.begin) * s.channels + c, left);
          for (int64_t ky = rows.begin; ky < rows.end; ++ky)
            for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
              const Vector here =
                  load_byte_vector<Bytes>(x + corner + (ky * s.width + kx) * s.channels + c, left);
              const auto wins = here > best;  // the first one stays
              best = wins ? here : best;
              place = wins ? Places{} + static_cast<uint8_t>(ky * s.window_x + kx) : place;
            }
        }
        store_byte_vector<Bytes>(result + at + c, left, best);
        store_byte_vector<UnsignedBytes>(positions + at + c, left, place);
      }
    });
}

template <typename Stored>
void max_pool_select(const PoolShape& s, const void* input, const uint8_t* positions, int64_t begin,
                     int64_t end, void* selected) {
  using Element = typename Stored::Element;
  const auto* x = static_cast<const Element*>(input);
  auto* result = static_cast<Element*>(selected);
  for (int64_t row = begin; row < end; ++row)
    for_each_window(s, row, [&](int64_t, int64_t at, int64_t corner, Range rows, Range columns) {
      for (int64_t c = 0; c < s.channels; c += kLanes) {
        const int64_t left = s.channels - c;
        const IntLanes place = load_bytes_first(positions + at + c, left);
        Lanes value = zero();
        for (int64_t ky = rows.begin; ky < rows.end; ++ky)
          for (int64_t kx = columns.begin; kx < columns.end; ++kx) {
            const Lanes here =
                load_first<Stored>(x + corner + (ky * s.width + kx) * s.channels + c, left);
            value = place == static_cast<int32_t>(ky * s.window_x + kx) ? here : value;
          }
        store_first<Stored>(result + at + c, left, value);
      }
    });
}

template <typename Stored>
void average_pool(const PoolShape& s, const void* input, const float* weights, int64_t begin,
                  int64_t end, void* means) {
  using Element = typename Stored::Element;
  const auto* x = static_cast<const Element*>(input);
  auto* result = static_cast<Element*>(means);
  for (int64_t row = begin; row < end; ++row) {
    const float* row_weights = weights + row % s.result_height * s.result_width;
    for_each_window(
        s, row, [&](int64_t column, int64_t at, int64_t corner, Range rows, Range columns) {
          for (int64_t c = 0; c < s.channels; c += kLanes) {
            const int64_t left = s.channels - c;
            Lanes sum = zero();
            for (int64_t ky = rows.begin; ky < rows.end; ++ky)
              for (int64_t kx = columns.begin; kx < columns.end; ++kx)
                sum += load_first<Stored>(x + corner + (ky * s.width + kx) * s.channels + c, left);
            store_first<Stored>(result + at + c, left, sum * row_weights[column]);
          }
        });
  }
}

/// Calls body(at, rows of results, columns of results, y, x) for each input element's channels.
template <typename F>
BRISK_INLINE void for_each_covered(const PoolShape& s, int64_t row, F&& body) {
  const int64_t y = row % s.height;
  const Range rows = windows_over(y, s.stride_y, s.pad_y, s.window_y, s.result_height);
  CoveringWindows columns(0, s.stride_x, s.pad_x, s.window_x, s.result_width);
  for (int64_t x = 0; x < s.width; ++x, columns.advance())
    body((row * s.width + x) * s.channels, rows, columns.range(), y, x);
}

/// Columns of one input row that belong to windows lying side by side.
inline Range columns_in_windows(const PoolShape& s) {
  const int64_t begin = smaller(s.width, larger(0, -s.pad_x));
  return {begin, larger(begin, smaller(s.width, s.result_width * s.stride_x - s.pad_x))};
}

/// The share of one row of windows in one input row, which is row `window_row` of the windows.
/// `Adds`: to what is there; else windows lie side by side, and their elements are written once.
template <typename Stored, bool Adds>
BRISK_INLINE void spread_row(const PoolShape& s, const typename Stored::Element* gradient,
                             const uint8_t* positions, int64_t window_row,
                             typename Stored::Element* row) {
  for (int64_t window = 0; window < s.result_width; ++window) {
    const int64_t first = window * s.stride_x - s.pad_x;
    const int64_t begin = larger(0, -first), end = smaller(s.window_x, s.width - first);
    const int64_t from = window * s.channels;
    for (int64_t c = 0; c < s.channels; c += kLanes) {
      const int64_t left = s.channels - c;
      const Lanes g = load_first<Stored>(gradient + from + c, left);
      const IntLanes place = load_bytes_first(positions + from + c, left);
      for (int64_t x = begin; x < end; ++x) {
        auto* to = row + (first + x) * s.channels + c;
        const Lanes share = place == static_cast<int32_t>(window_row * s.window_x + x) ? g : zero();
        store_first<Stored>(to, left, Adds ? load_first<Stored>(to, left) + share : share);
      }
    }
  }
}

/// The whole gradient of one input row, window by window. Sums pass through memory, so that
/// overlapping windows need f32 storage.
template <typename Stored>
BRISK_INLINE void max_gradient_by_windows(const PoolShape& s,
                                          const typename Stored::Element* gradient,
                                          const uint8_t* positions, int64_t y,
                                          typename Stored::Element* row) {
  const Range over = windows_over(y, s.stride_y, s.pad_y, s.window_y, s.result_height);
  const bool is_written_once = s.stride_x == s.window_x && over.end - over.begin == 1;
  const Range inside = is_written_once ? columns_in_windows(s) : Range{s.width, s.width};
  __builtin_memset(row, 0, sizeof(*row) * static_cast<size_t>(inside.begin * s.channels));
  __builtin_memset(row + inside.end * s.channels, 0,
                   sizeof(*row) * static_cast<size_t>((s.width - inside.end) * s.channels));
  for (int64_t oy = over.begin; oy < over.end; ++oy) {
    const int64_t from = oy * s.result_width * s.channels;
    const int64_t window_row = y + s.pad_y - oy * s.stride_y;
    if (is_written_once)
      spread_row<Stored, false>(s, gradient + from, positions + from, window_row, row);
    else
      spread_row<Stored, true>(s, gradient + from, positions + from, window_row, row);
  }
}

template <typename Stored>
void max_pool_gradient(const PoolShape& s, const void* gradient, const uint8_t* positions,
                       int64_t begin, int64_t end, void* input_gradient) {
  using Element = typename Stored::Element;
  auto* result = static_cast<Element*>(input_gradient);
  const bool overlaps = s.stride_y < s.window_y || s.stride_x < s.window_x;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t image = row / s.height * s.result_height * s.result_width * s.channels;
    const auto* g = static_cast<const Element*>(gradient) + image;
    const uint8_t* winners = positions + image;
    if (!overlaps || sizeof(Element) == sizeof(float)) {
      max_gradient_by_windows<Stored>(s, g, winners, row % s.height,
                                      result + row * s.width * s.channels);
      continue;
    }
    for_each_covered(s, row, [&](int64_t at, Range rows, Range columns, int64_t y, int64_t x) {
      for (int64_t c = 0; c < s.channels; c += kLanes) {
        const int64_t left = s.channels - c;
        Lanes sum = zero();
        for (int64_t oy = rows.begin; oy < rows.end; ++oy)
          for (int64_t ox = columns.begin; ox < columns.end; ++ox) {
            const auto place = static_cast<int32_t>((y + s.pad_y - oy * s.stride_y) * s.window_x +
                                                    x + s.pad_x - ox * s.stride_x);
            const int64_t from = (oy * s.result_width + ox) * s.channels + c;
            const Lanes here = load_first<Stored>(g + from, left);
            sum += load_bytes_first(winners + from, left) == place ? here : zero();
          }
        store_first<Stored>(result + at + c, left, sum);
      }
    });
  }
}

template <typename Stored>
void average_pool_gradient(const PoolShape& s, const void* gradient, const float* weights,
                           int64_t begin, int64_t end, void* input_gradient) {
  using Element = typename Stored::Element;
  auto* result = static_cast<Element*>(input_gradient);
  for (int64_t row = begin; row < end; ++row) {
    const auto* g = static_cast<const Element*>(gradient) +
                    row / s.height * s.result_height * s.result_width * s.channels;
    for_each_covered(s, row, [&](int64_t at, Range rows, Range columns, int64_t, int64_t) {
      for (int64_t c = 0; c < s.channels; c += kLanes) {
        const int64_t left = s.channels - c;
        Lanes sum = zero();
        for (int64_t oy = rows.begin; oy < rows.end; ++oy)
          for (int64_t ox = columns.begin; ox < columns.end; ++ox) {
            const int64_t window = oy * s.result_width + ox;
            sum += weights[window] * load_first<Stored>(g + window * s.channels + c, left);
          }
        store_first<Stored>(result + at + c, left, sum);
      }
    });
  }
}

template <typename Stored>
constexpr PoolLoops pool_loops_of() {
  return {.max = max_pool<Stored>,
          .max_gradient = max_pool_gradient<Stored>,
          .max_select = max_pool_select<Stored>,
          .average = average_pool<Stored>,
          .average_gradient = average_pool_gradient<Stored>};
}

constexpr PoolLoopSet kPoolLoops{.f32 = pool_loops_of<StoredF32>(),
                                 .bf16 = pool_loops_of<StoredBf16>(),
                                 .f16 = pool_loops_of<StoredF16>(),
                                 .u8 = {.max = max_pool_bytes<UnsignedBytes>},
                                 .i8 = {.max = max_pool_bytes<SignedBytes>}};

}  // namespace
}  // namespace brisk::cpu
