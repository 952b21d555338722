#pragma once

// The one-dimensional transforms of Winograd's minimal filtering for three taps (Lavin and Gray,
// "Fast Algorithms for Convolutional Neural Networks", 2016), for 4 and for 2 results.
//
// F(4, 3) evaluates at {0, 1, -1, 2, -2, inf}; F(2, 3) at {0, 1, -1, inf}, a subset. Usually the
// two scale their points differently; here the scale of F(2, 3) is absorbed by its data transform,
// so that tiles of both sizes share one transformed filter. In two dimensions the transforms are
// applied to columns and then to rows, each with its own size.
//
// `Size` is the number of points: 6 for 4 results, 4 for 2.

#include "brisk/backends/cpu/kernels/lanes.h"

namespace brisk::cpu {
namespace {

/// Place among the six points of point i of a tile of `Size` points.
template <int Size>
constexpr int point_of(int i) {
  return Size == 6 ? i : (i == 3 ? 5 : i);
}

/// t = B^T d: `Size` inputs to points.
template <int Size>
BRISK_INLINE void transform_data(const Lanes* d, Lanes* t) {
  if constexpr (Size == 6) {
    const Lanes a = d[4] - 4.f * d[2], b = d[3] - 4.f * d[1];
    const Lanes c = d[4] - d[2], e = 2.f * (d[3] - d[1]);
    t[0] = 4.f * d[0] + (d[4] - 5.f * d[2]);
    t[1] = a + b;
    t[2] = a - b;
    t[3] = c + e;
    t[4] = c - e;
    t[5] = 4.f * d[1] + (d[5] - 5.f * d[3]);
  } else {
    t[0] = 4.f * (d[0] - d[2]);
    t[1] = -3.f * (d[1] + d[2]);
    t[2] = 3.f * (d[1] - d[2]);
    t[3] = d[3] - d[1];
  }
}

/// d = B t.
template <int Size>
BRISK_INLINE void transform_data_transposed(const Lanes* t, Lanes* d) {
  if constexpr (Size == 6) {
    const Lanes s12 = t[1] + t[2], d12 = t[1] - t[2];
    const Lanes s34 = t[3] + t[4], d34 = 2.f * (t[3] - t[4]);
    d[0] = 4.f * t[0];
    d[1] = 4.f * (t[5] - d12) - d34;
    d[2] = -5.f * t[0] - (4.f * s12 + s34);
    d[3] = (d12 + d34) - 5.f * t[5];
    d[4] = t[0] + s12 + s34;
    d[5] = t[5];
  } else {
    d[0] = 4.f * t[0];
    d[1] = 3.f * (t[2] - t[1]) - t[3];
    d[2] = -4.f * t[0] - 3.f * (t[1] + t[2]);
    d[3] = t[3];
  }
}

/// y = A^T m: points to Size - 2 results.
template <int Size>
BRISK_INLINE void transform_result(const Lanes* m, Lanes* y) {
  const Lanes s12 = m[1] + m[2], d12 = m[1] - m[2];
  if constexpr (Size == 6) {
    const Lanes s34 = m[3] + m[4], d34 = m[3] - m[4];
    y[0] = m[0] + s12 + s34;
    y[1] = 2.f * d34 + d12;
    y[2] = 4.f * s34 + s12;
    y[3] = 8.f * d34 + d12 + m[5];
  } else {
    y[0] = m[0] + s12;
    y[1] = d12 + m[3];
  }
}

/// m = A y.
template <int Size>
BRISK_INLINE void transform_result_transposed(const Lanes* y, Lanes* m) {
  if constexpr (Size == 6) {
    const Lanes even = y[0] + y[2], odd = y[1] + y[3];
    const Lanes even4 = 4.f * y[2] + y[0], odd4 = 2.f * (4.f * y[3] + y[1]);
    m[0] = y[0];
    m[1] = even + odd;
    m[2] = even - odd;
    m[3] = even4 + odd4;
    m[4] = even4 - odd4;
    m[5] = y[3];
  } else {
    m[0] = y[0];
    m[1] = y[0] + y[1];
    m[2] = y[0] - y[1];
    m[3] = y[1];
  }
}

/// u = G g: three taps to six points.
BRISK_INLINE void transform_taps(const Lanes* g, Lanes* u) {
  const Lanes s = g[0] + g[2], t = 4.f * g[2] + g[0];
  u[0] = .25f * g[0];
  u[1] = (-1.f / 6) * (s + g[1]);
  u[2] = (-1.f / 6) * (s - g[1]);
  u[3] = (1.f / 24) * (t + 2.f * g[1]);
  u[4] = (1.f / 24) * (t - 2.f * g[1]);
  u[5] = g[2];
}

/// g = G^T u.
BRISK_INLINE void transform_taps_transposed(const Lanes* u, Lanes* g) {
  const Lanes s = (-1.f / 6) * (u[1] + u[2]), d = (-1.f / 6) * (u[1] - u[2]);
  const Lanes p = (1.f / 24) * (u[3] + u[4]), q = (1.f / 12) * (u[3] - u[4]);
  g[0] = .25f * u[0] + (s + p);
  g[1] = d + q;
  g[2] = 4.f * p + (s + u[5]);
}

}  // namespace
}  // namespace brisk::cpu
