#pragma once

// Which places of a sliding window lie inside an extent, and which windows lie over a place.
// Internal linkage for the reason given in lanes.h.

#include <cstdint>

namespace brisk::cpu {
namespace {

struct Range {
  int64_t begin, end;
  bool empty() const { return begin >= end; }
};

inline int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}
inline int64_t smaller(int64_t a, int64_t b) {
  return a < b ? a : b;
}

/// Places of the window at `result` that lie in [0, extent).
inline Range places_inside(int64_t result, int64_t stride, int64_t pad, int64_t window,
                           int64_t extent) {
  const int64_t first = result * stride - pad;
  const int64_t begin = larger(0, -first);
  return {begin, larger(begin, smaller(window, extent - first))};
}

/// Results whose windows cover `place`.
inline Range windows_over(int64_t place, int64_t stride, int64_t pad, int64_t window,
                          int64_t results) {
  const int64_t shifted = place + pad;  // counted from the first window's begin
  if (shifted < 0) return {0, 0};
  const int64_t begin = shifted < window ? 0 : (shifted - window) / stride + 1;
  return {begin, larger(begin, smaller(shifted / stride + 1, results))};
}

/// windows_over for one place after another, without divisions.
struct CoveringWindows {
  int64_t stride, window, results;
  int64_t shifted;  ///< the place counted from the first window's begin
  int64_t begin = 0,
          end;  ///< the first window that ends behind it, the first that begins behind it

  CoveringWindows(int64_t place, int64_t stride, int64_t pad, int64_t window, int64_t results)
      : stride(stride), window(window), results(results), shifted(place + pad), end(0) {
    settle();
  }
  void advance() {
    ++shifted;
    settle();
  }
  Range range() const {
    const int64_t last = smaller(end, results);
    return {begin, larger(begin, last)};
  }

 private:
  void settle() {
    while (end * stride <= shifted) ++end;
    while (begin * stride + window <= shifted) ++begin;
  }
};

}  // namespace
}  // namespace brisk::cpu
