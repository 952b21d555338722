#include "brisk/backends/cuda/prelude/prelude.h"

// The scalar operations of brisk/ir/expr.h on computed types: f32, f64, integers and bool. Each has
// the name op_<ScalarOp>. Integers wrap; what the hardware leaves open (division by zero, shifts by
// the width or more) has the values that brisk/ir/evaluate_scalar.cpp gives.

namespace brisk::cuda {

std::string_view prelude_scalar_operations() {
  return R"(
#define WRAPPED(name, expression)                                                  \
  template <class T> DEVICE T name(T x, T y) {                                     \
    typedef typename Wrapping<T>::type U;                                          \
    const U a = (U)x, b = (U)y;                                                    \
    return (T)(expression);                                                        \
  }
#define REAL2(name, f, d)                          \
  DEVICE f32 name(f32 a, f32 b) { return f; }      \
  DEVICE f64 name(f64 a, f64 b) { return d; }
#define REAL1(name, f, d)                          \
  DEVICE f32 name(f32 a) { return f; }             \
  DEVICE f64 name(f64 a) { return d; }

REAL2(op_add, a + b, a + b)
REAL2(op_subtract, a - b, a - b)
REAL2(op_multiply, a * b, a * b)
REAL2(op_divide, a / b, a / b)
REAL2(op_remainder, fmodf(a, b), fmod(a, b))
REAL2(op_power, powf(a, b), pow(a, b))
REAL2(op_atan2, atan2f(a, b), atan2(a, b))
WRAPPED(op_add, a + b)
WRAPPED(op_subtract, a - b)
WRAPPED(op_multiply, a * b)

DEVICE f32 op_maximum(f32 a, f32 b) { f32 y; asm("max.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b)); return y; }
DEVICE f32 op_minimum(f32 a, f32 b) { f32 y; asm("min.NaN.f32 %0, %1, %2;" : "=f"(y) : "f"(a), "f"(b)); return y; }
DEVICE f64 op_maximum(f64 a, f64 b) { return a != a ? a : b != b ? b : a < b ? b : a; }
DEVICE f64 op_minimum(f64 a, f64 b) { return a != a ? a : b != b ? b : b < a ? b : a; }
template <class T> DEVICE T op_maximum(T a, T b) { return a < b ? b : a; }
template <class T> DEVICE T op_minimum(T a, T b) { return b < a ? b : a; }

template <class T> DEVICE T op_divide(T a, T b) {
  if (b == 0) return 0;
  if constexpr (Is<T>::is_signed)
    if (b == T(-1)) return op_subtract(T(0), a);
  return (T)(a / b);
}
template <class T> DEVICE T op_remainder(T a, T b) {
  return b == 0 ? T(0) : op_subtract(a, op_multiply(op_divide(a, b), b));
}
template <class T> DEVICE T op_power(T base, T exponent) {
  if constexpr (Is<T>::is_signed)
    if (exponent < 0) return 0;
  typedef typename Wrapping<T>::type U;
  U result = 1, factor = (U)base;
  for (U rest = (U)exponent; rest != 0; rest >>= 1, factor *= factor)
    if (rest & 1) result *= factor;
  return (T)result;
}

REAL1(op_negate, -a, -a)
REAL1(op_absolute, fabsf(a), fabs(a))
template <class T> DEVICE T op_negate(T a) { return op_subtract(T(0), a); }
template <class T> DEVICE T op_absolute(T a) { return a < T(0) ? op_negate(a) : a; }

REAL1(op_exponential, expf(a), exp(a))
REAL1(op_expm1, expm1f(a), expm1(a))
REAL1(op_logarithm, logf(a), log(a))
REAL1(op_log1p, log1pf(a), log1p(a))
REAL1(op_square_root, sqrtf(a), sqrt(a))
REAL1(op_sine, sinf(a), sin(a))
REAL1(op_cosine, cosf(a), cos(a))
REAL1(op_tangent, tanf(a), tan(a))
REAL1(op_hyperbolic_tangent, tanhf(a), tanh(a))
REAL1(op_error_function, erff(a), erf(a))
REAL1(op_floor, floorf(a), floor(a))
REAL1(op_ceiling, ceilf(a), ceil(a))
REAL1(op_round_even, rintf(a), rint(a))
DEVICE bool op_is_finite(f32 a) { return fabsf(a) < __uint_as_float(0x7f800000u); }
DEVICE bool op_is_finite(f64 a) { return fabs(a) < __longlong_as_double(0x7ff0000000000000ll); }

template <class T> DEVICE bool op_equal(T a, T b) { return a == b; }
template <class T> DEVICE bool op_not_equal(T a, T b) { return a != b; }
template <class T> DEVICE bool op_less(T a, T b) { return a < b; }
template <class T> DEVICE bool op_less_equal(T a, T b) { return a <= b; }

template <class T> DEVICE T op_bit_and(T a, T b) { return (T)(a & b); }
template <class T> DEVICE T op_bit_or(T a, T b) { return (T)(a | b); }
template <class T> DEVICE T op_bit_xor(T a, T b) { return (T)(a ^ b); }
template <class T> DEVICE T op_bit_not(T a) { return (T)~a; }
DEVICE bool op_bit_not(bool a) { return !a; }
template <class T> DEVICE bool within_width(T by) {
  if constexpr (Is<T>::is_signed)
    if (by < 0) return false;
  return (u64)by < 8 * sizeof(T);
}
template <class T> DEVICE T op_shift_left(T a, T by) {
  typedef typename Wrapping<T>::type U;
  return within_width(by) ? (T)((U)a << (u32)by) : T(0);
}
template <class T> DEVICE T op_shift_right(T a, T by) {
  if (within_width(by)) return (T)(a >> (u32)by);
  return a < T(0) ? T(-1) : T(0);
}
template <class T> DEVICE T op_select(bool condition, T a, T b) { return condition ? a : b; }

// Largest and smallest of an integer type.
template <class T> struct Limits {
  static const u64 all = sizeof(T) == 8 ? ~0ull : (1ull << (8 * sizeof(T) % 64)) - 1ull;
  static const T highest = (T)(Is<T>::is_signed ? all >> 1 : all);
  static const T lowest = (T)(Is<T>::is_signed ? ~(all >> 1) : 0ull);
};
// The processor's conversions to 32 and 64 bits truncate and saturate.
template <class To, class From> DEVICE To saturate(From x) {
  if (x != x) return 0;
  if constexpr (sizeof(To) == 8) {
    if constexpr (Is<To>::is_signed) return (To)(sizeof(From) == 4 ? __float2ll_rz((f32)x) : __double2ll_rz((f64)x));
    else return (To)(sizeof(From) == 4 ? __float2ull_rz((f32)x) : __double2ull_rz((f64)x));
  } else if constexpr (Is<To>::is_signed) {
    const i32 whole = sizeof(From) == 4 ? __float2int_rz((f32)x) : __double2int_rz((f64)x);
    return (To)(whole < (i32)Limits<To>::lowest ? (i32)Limits<To>::lowest : whole > (i32)Limits<To>::highest ? (i32)Limits<To>::highest : whole);
  } else {
    const u32 whole = sizeof(From) == 4 ? __float2uint_rz((f32)x) : __double2uint_rz((f64)x);
    return (To)(whole > (u32)Limits<To>::highest ? (u32)Limits<To>::highest : whole);
  }
}
template <class To, class From> DEVICE To op_cast(From x) {
  if constexpr (Same<To, From>::value) return x;
  else if constexpr (Same<To, bool>::value) return x != From(0);
  else if constexpr (Is<From>::real && !Is<To>::real) return saturate<To>(x);
  else return (To)x;
}
)";
}

}  // namespace brisk::cuda
