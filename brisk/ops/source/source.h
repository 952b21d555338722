#pragma once

/// Ops that make values out of nothing: input, constant, iota, random bits.
///
/// The operands of a source op are not of its result's shape. Its scalar expression has as inputs
/// all elements of all operands in order, the same for every element of the result: random_bits
/// reads key[0] and key[1]. A backend loads them once, before its loop.

#include "brisk/ir/builder.h"

namespace brisk {

/// Attributes of "constant".
struct ConstantAttributes {
  Tensor value;
  template <typename F>
  void fields(F&& f) { f("value", value); }
};

/// Attributes of "iota": the result's element at index (i0, i1, ...) is i_axis.
struct IotaAttributes {
  DType dtype = DType::i32;
  Shape shape;
  int64_t axis = 0;
  template <typename F>
  void fields(F&& f) { f("dtype", dtype); f("shape", shape); f("axis", axis); }
};

/// Attributes of "random_bits".
struct RandomBitsAttributes {
  Shape shape;
  template <typename F>
  void fields(F&& f) { f("shape", shape); }
};

Value iota(Builder& builder, DType dtype, Shape shape, int64_t axis);
/// u32 words: element i (row-major) is word 0 of philox4x32-10 under `key` (u32[2]) at counter
/// {low word of i, high word of i, 0, 0}.
Value random_bits(Value key, Shape shape);
/// Floats uniform in [0, 1): the upper 24 bits times 2^-24; a short float gets as many upper bits as
/// it holds exactly (f16: 11, bf16: 8), so that none is rounded up to 1.
Value random_uniform(Value key, Shape shape, DType dtype = DType::f32);
/// A new key (u32[2]) from a key and a number: words 0 and 1 of philox4x32-10 under `key` at
/// counter {low word, high word, 0x6b657973, 1} (base/philox.h fold_key). Key convention: {low, high}.
Value fold_key(Value key, uint64_t number);
Value fold_key(Value key, Value number_u32);  ///< rank-0 u32 value (u64: both its words count)

}  // namespace brisk
