#pragma once

/// Short floating-point formats in memory. They are stored only; arithmetic happens in f32.
/// Conversions from f32 round to nearest, ties to even (IEEE 754; bf16 and the OCP 8-bit formats).

#include <bit>
#include <cmath>
#include <cstdint>

#include "brisk/base/dtype.h"

namespace brisk {

float bf16_to_float(uint16_t bits);
uint16_t float_to_bf16(float value);
float f16_to_float(uint16_t bits);
uint16_t float_to_f16(float value);
/// OCP 8-bit: e4m3 has no infinity (overflow becomes NaN), e5m2 has.
float f8e4m3_to_float(uint8_t bits);
uint8_t float_to_f8e4m3(float value);
float f8e5m2_to_float(uint8_t bits);
uint8_t float_to_f8e5m2(float value);

template <typename Bits, float (*Decode)(Bits), Bits (*Encode)(float)>
struct ShortFloat {
  Bits bits = 0;
  ShortFloat() = default;
  ShortFloat(float value) : bits(Encode(value)) {}
  operator float() const { return Decode(bits); }
};

using bfloat16 = ShortFloat<uint16_t, bf16_to_float, float_to_bf16>;
using half = ShortFloat<uint16_t, f16_to_float, float_to_f16>;
using float8_e4m3 = ShortFloat<uint8_t, f8e4m3_to_float, float_to_f8e4m3>;
using float8_e5m2 = ShortFloat<uint8_t, f8e5m2_to_float, float_to_f8e5m2>;

template <> constexpr DType dtype_of<bfloat16>() { return DType::bf16; }
template <> constexpr DType dtype_of<half>() { return DType::f16; }
template <> constexpr DType dtype_of<float8_e4m3>() { return DType::f8e4m3; }
template <> constexpr DType dtype_of<float8_e5m2>() { return DType::f8e5m2; }

/// Calls `f.template operator()<T>()` with the C++ type of `type`'s elements; i4 is refused.
template <typename F>
decltype(auto) dispatch(DType type, F&& f);

}  // namespace brisk

#include "brisk/base/half_dispatch.h"
