#pragma once

/// Elementwise ops. The nodes take operands of one shape; the functions here broadcast (NumPy's
/// rules, with explicit "broadcast" nodes) and refuse mixed element types with both named.

#include "brisk/ir/builder.h"

namespace brisk {

// Unary. Types: floating unless said otherwise.
Value negate(Value x);        ///< floating and signed integers
Value abs(Value x);           ///< floating and signed integers
Value sign(Value x);          ///< floating and signed integers
Value exp(Value x);
Value expm1(Value x);
Value log(Value x);
Value log1p(Value x);
Value sqrt(Value x);
Value rsqrt(Value x);
Value reciprocal(Value x);
Value square(Value x);        ///< floating and integers
Value sin(Value x);
Value cos(Value x);
Value tan(Value x);
Value tanh(Value x);
Value erf(Value x);
Value sigmoid(Value x);
Value floor(Value x);
Value ceil(Value x);
Value round(Value x);         ///< ties to even
Value is_finite(Value x);     ///< bool
Value logical_not(Value x);   ///< bool
Value bitwise_not(Value x);   ///< integers
// Activations, under Keras's names.
Value relu(Value x);
Value relu6(Value x);
Value leaky_relu(Value x, double negative_slope = 0.2);
Value elu(Value x, double alpha = 1.0);
Value selu(Value x);
Value gelu(Value x, bool approximate = false);
Value silu(Value x);
Value softplus(Value x);
Value softsign(Value x);
Value hard_sigmoid(Value x);
Value hard_silu(Value x);
Value mish(Value x);

// Binary.
Value add(Value a, Value b);
Value subtract(Value a, Value b);
Value multiply(Value a, Value b);
Value divide(Value a, Value b);
Value remainder(Value a, Value b);
Value pow(Value a, Value b);
Value atan2(Value a, Value b);
Value maximum(Value a, Value b);  ///< NaN if either is; ties send half the gradient to each
Value minimum(Value a, Value b);
Value equal(Value a, Value b);
Value not_equal(Value a, Value b);
Value less(Value a, Value b);
Value less_equal(Value a, Value b);
Value greater(Value a, Value b);
Value greater_equal(Value a, Value b);
Value logical_and(Value a, Value b);
Value logical_or(Value a, Value b);
Value logical_xor(Value a, Value b);
Value bitwise_and(Value a, Value b);
Value bitwise_or(Value a, Value b);
Value bitwise_xor(Value a, Value b);
Value shift_left(Value a, Value b);
Value shift_right(Value a, Value b);

// Ternary.
Value select(Value condition, Value a, Value b);
Value clamp(Value x, double low, double high);
Value fused_multiply_add(Value a, Value b, Value c);  ///< a * b + c

// Type and gradient.
Value cast(Value x, DType type);   ///< x itself when it has the type
Value stop_gradient(Value x);
/// Identity whose result has value `x` but which `simplify` never removes; for tests and fences.
Value optimization_barrier(Value x);

// A double beside a Value becomes a constant of its type.
Value operator+(Value a, Value b);
Value operator-(Value a, Value b);
Value operator*(Value a, Value b);
Value operator/(Value a, Value b);
Value operator+(Value a, double b);
Value operator-(Value a, double b);
Value operator*(Value a, double b);
Value operator/(Value a, double b);
Value operator+(double a, Value b);
Value operator-(double a, Value b);
Value operator*(double a, Value b);
Value operator/(double a, Value b);
Value operator-(Value a);

/// Attributes of ops with one real parameter (leaky_relu: negative_slope; elu: alpha).
struct AlphaAttributes {
  double alpha = 0;
  template <typename F>
  void fields(F&& f) { f("alpha", alpha); }
};
struct ClampAttributes {
  double low = 0, high = 0;
  template <typename F>
  void fields(F&& f) { f("low", low); f("high", high); }
};
struct GeluAttributes {
  bool approximate = false;
  template <typename F>
  void fields(F&& f) { f("approximate", approximate); }
};
struct CastAttributes {
  DType dtype = DType::f32;
  template <typename F>
  void fields(F&& f) { f("dtype", dtype); }
};

}  // namespace brisk
