#pragma once

/// Walking over indices and copying elements by strides: what all `move` ops come down to.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "brisk/base/tensor.h"

namespace brisk::reference {

/// Calls `visit(offsets)` for every index of `sizes` in row-major order, where offsets[i] is
/// start[i] + the index times strides[i] (in elements). Nothing is visited when a size is 0; once
/// for rank 0.
template <size_t N, typename Visit>
void walk(std::span<const int64_t> sizes, const std::array<std::vector<int64_t>, N>& strides,
          std::array<int64_t, N> start, Visit&& visit) {
  for (const int64_t size : sizes)
    if (size == 0) return;
  std::vector<int64_t> index(sizes.size(), 0);
  std::array<int64_t, N> offsets = start;
  while (true) {
    visit(offsets);
    size_t axis = sizes.size();
    while (axis-- > 0) {
      for (size_t i = 0; i < N; ++i) offsets[i] += strides[i][axis];
      if (++index[axis] < sizes[axis]) break;
      for (size_t i = 0; i < N; ++i) offsets[i] -= strides[i][axis] * sizes[axis];
      index[axis] = 0;
    }
    if (axis == static_cast<size_t>(-1)) return;
  }
}

/// Elements of a tensor as seen through an offset and strides, both in elements.
struct StridedPlace {
  int64_t offset = 0;
  std::vector<int64_t> strides;
};

/// to[to_place(index)] = from[from_place(index)] for every index of `sizes`; the types are equal.
void copy_strided(std::span<const int64_t> sizes, const Tensor& from,
                  const StridedPlace& from_place, Tensor& to, const StridedPlace& to_place);

/// Sets every element of `to` to the one element of `value`.
void fill(Tensor& to, const Tensor& value);

}  // namespace brisk::reference
