#pragma once

/// Elements of any type in the wide forms the oracle computes in: floats as double, integers and
/// bool as 64 bits (signed ones sign-extended, so that wrapping arithmetic agrees modulo 2^n).

#include <cstdint>
#include <span>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/expr.h"

namespace brisk::reference {

/// All elements; Wide is double for floating tensors and uint64_t for the others.
template <typename Wide>
std::vector<Wide> widen(const Tensor& tensor);
/// Rounds to `type`: to nearest even for floats (short ones by way of f32), modulo 2^n for
/// integers, != 0 for bool.
template <typename Wide>
Tensor narrow(DType type, std::vector<int64_t> sizes, std::span<const Wide> values);

/// Calls `f.template operator()<Wide>()` with the wide form of `type`.
template <typename F>
decltype(auto) with_wide(DType type, F&& f) {
  if (is_floating(type)) return f.template operator()<double>();
  return f.template operator()<uint64_t>();
}

/// Elements [start, start + scalars.size()) as scalars, and back.
void load_scalars(const Tensor& tensor, int64_t start, std::span<Scalar> scalars);
void store_scalars(Tensor& tensor, int64_t start, std::span<const Scalar> scalars);

/// Integer elements (any integer type or bool) as positions; u64 beyond int64 saturates.
std::vector<int64_t> load_positions(const Tensor& tensor);

}  // namespace brisk::reference
