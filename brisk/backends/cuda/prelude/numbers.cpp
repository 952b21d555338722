#include "brisk/backends/cuda/prelude/prelude.h"

// Element types as they lie in memory and the types they are computed in. Names are those of
// brisk/base/dtype.h; bool is bool8 in memory. Short floats widen exactly; narrowing rounds to
// nearest even, beyond the largest value to infinity (f8e4m3, which has none: to NaN).

namespace brisk::cuda {

std::string_view prelude_numbers() {
  return R"(
typedef signed char i8;
typedef unsigned char u8;
typedef short i16;
typedef unsigned short u16;
typedef int i32;
typedef unsigned int u32;
typedef long long i64;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;
struct f16 { u16 bits; };
struct bf16 { u16 bits; };
struct f8e4m3 { u8 bits; };
struct f8e5m2 { u8 bits; };
struct bool8 { u8 bits; };

#define DEVICE static __device__ __forceinline__
#define DEVICE_MEMBER __device__ __forceinline__

// The unsigned integer that arithmetic of an integer type is done in: it wraps, signed would not.
template <class T> struct Wrapping { typedef u32 type; };
template <> struct Wrapping<i64> { typedef u64 type; };
template <> struct Wrapping<u64> { typedef u64 type; };
// Properties of computed types.
template <class T> struct Is { static const bool real = false, is_signed = T(-1) < T(0); };
template <> struct Is<f32> { static const bool real = true, is_signed = true; };
template <> struct Is<f64> { static const bool real = true, is_signed = true; };
template <> struct Is<bool> { static const bool real = false, is_signed = false; };
template <class A, class B> struct Same { static const bool value = false; };
template <class A> struct Same<A, A> { static const bool value = true; };

DEVICE f32 f32_of(u32 bits) { return __uint_as_float(bits); }
DEVICE f64 f64_of(u64 bits) { return __longlong_as_double((i64)bits); }

// ---- from memory ----

DEVICE f32 widen(f16 x) { f32 y; asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits)); return y; }
DEVICE f32 widen(bf16 x) { return __uint_as_float((u32)x.bits << 16); }
// An 8-bit float has the f16 with the same exponent bits' layout: e5m2 is the upper half of one.
DEVICE f32 widen(f8e5m2 x) { f16 h = {(u16)((u32)x.bits << 8)}; return widen(h); }
DEVICE f32 widen(f8e4m3 x) {
  const u32 magnitude = x.bits & 0x7fu;
  if (magnitude == 0x7fu) return __uint_as_float(0x7fc00000u);
  const u32 mantissa = magnitude & 7u, exponent = magnitude >> 3;
  const f32 value = exponent == 0 ? (f32)mantissa * 0.001953125f
                                  : __uint_as_float(((exponent + 120u) << 23) | (mantissa << 20));
  return (x.bits & 0x80u) ? -value : value;
}
DEVICE bool widen(bool8 x) { return x.bits != 0; }
template <class T> DEVICE T widen(T x) { return x; }

// ---- to memory ----

template <class T> struct Narrow {
  template <class C> static DEVICE_MEMBER T from(C x) { return (T)x; }
};
template <> struct Narrow<f16> {
  static DEVICE_MEMBER f16 from(f32 x) { f16 y; asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y; }
};
template <> struct Narrow<bf16> {
  static DEVICE_MEMBER bf16 from(f32 x) { bf16 y; asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x)); return y; }
};
// Rounding to a float of few bits: below the normal numbers by adding a number whose last bit is
// the format's smallest step, else by adding half a step to the bits, ties to even.
template <int kMantissa, int kBias> DEVICE u32 small_float_bits(f32 x) {
  const u32 magnitude = __float_as_uint(x) & 0x7fffffffu;
  if (magnitude < (u32)(128 - kBias) << 23) {
    const f32 magic = __uint_as_float((u32)(151 - kBias - kMantissa) << 23);
    return __float_as_uint(__uint_as_float(magnitude) + magic) - __float_as_uint(magic);
  }
  const int drop = 23 - kMantissa;
  const u32 rounded = magnitude + ((1u << (drop - 1)) - 1u) + ((magnitude >> drop) & 1u);
  return (rounded >> drop) - ((u32)(127 - kBias) << kMantissa);
}
template <> struct Narrow<f8e4m3> {
  static DEVICE_MEMBER f8e4m3 from(f32 x) {
    const u32 sign = (__float_as_uint(x) >> 24) & 0x80u;
    u32 bits = small_float_bits<3, 7>(x);
    if (!((__float_as_uint(x) & 0x7fffffffu) <= 0x7f800000u) || bits > 0x7eu || fabsf(x) > 1e30f) bits = 0x7fu;
    f8e4m3 y = {(u8)(sign | bits)};
    return y;
  }
};
template <> struct Narrow<f8e5m2> {
  static DEVICE_MEMBER f8e5m2 from(f32 x) {
    const u32 sign = (__float_as_uint(x) >> 24) & 0x80u;
    u32 bits = small_float_bits<2, 15>(x);
    if (bits > 0x7bu || fabsf(x) > 1e30f) bits = 0x7cu;
    if (x != x) bits = 0x7eu;
    f8e5m2 y = {(u8)(sign | bits)};
    return y;
  }
};
template <> struct Narrow<bool8> {
  static DEVICE_MEMBER bool8 from(bool x) { bool8 y = {(u8)x}; return y; }
};
template <class T, class C> DEVICE T narrow(C x) { return Narrow<T>::from(x); }
// f32 as it comes back from memory of type T.
template <class T> DEVICE f32 rounded(f32 x) { return widen(narrow<T>(x)); }
)";
}

}  // namespace brisk::cuda
