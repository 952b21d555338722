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

/// Results whose windows have place `place` of theirs in [0, extent).
inline Range results_with_place(int64_t place, int64_t stride, int64_t pad, int64_t extent,
                                int64_t results) {
  const int64_t shift = pad - place;  // result * stride >= shift, < extent + shift
  const int64_t begin = shift <= 0 ? 0 : (shift + stride - 1) / stride;
  const int64_t last = extent + shift - 1;
  const int64_t end = last < 0 ? 0 : smaller(results, last / stride + 1);
  return {begin, larger(begin, end)};
}

}  // namespace
}  // namespace brisk::cpu
