#include <numbers>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/elementwise/elementwise_kind.h"
#include "brisk/ops/elementwise/elementwise_ops.h"

// Keras's activations, with Keras's constants. Those whose result tells on which side of a bend
// the operand was take their gradient from the result, so that the operand need not be kept.

namespace brisk {
namespace {

// Klambauer et al., "Self-Normalizing Neural Networks" (2017).
constexpr double kSeluAlpha = 1.6732632423543772;
constexpr double kSeluScale = 1.0507009873554805;
// Hendrycks and Gimpel, "Gaussian Error Linear Units" (2016): the tanh approximation.
constexpr double kGeluCubic = 0.044715;
constexpr double kSqrtTwoOverPi = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;

Value zero_like(Value x) {
  return constant_beside(x, 0);
}

/// log(1 + exp(x)) without overflow.
Expr softplus(Expr x) {
  return maximum(x, 0.0) + log1p(exp(-abs(x)));
}

Expr hard_sigmoid(Expr x) {
  return minimum(maximum(x + 3.0, 0.0), 6.0) * (1.0 / 6.0);
}

Op relu_op() {
  return unary("relu", kFloating)
      .doc("max(x, 0); its gradient at 0 is 0.")
      .expr(on_scalars([](Expr x) { return maximum(x, 0.0); }))
      .vjp(derivative(
          [](const Vjp& d, Value g) { return zero_unless(greater(d.out(), zero_like(g)), g); }))
      .not_smooth();
}

Op relu6_op() {
  return unary("relu6", kFloating)
      .doc("min(max(x, 0), 6).")
      .expr(on_scalars([](Expr x) { return minimum(maximum(x, 0.0), 6.0); }))
      .vjp(derivative([](const Vjp& d, Value g) {
        return zero_unless(
            logical_and(greater(d.out(), zero_like(g)), less(d.out(), constant_beside(g, 6))), g);
      }))
      .not_smooth();
}

Op leaky_relu_op() {
  return unary("leaky_relu", kFloating)
      .attributes<AlphaAttributes>()
      .doc("x where it is positive, else x times the slope `alpha`.")
      .expr([](const ExprContext& context) {
        const Expr& x = context.in(0);
        return select(greater(x, 0.0), x, x * context.as<AlphaAttributes>().alpha);
      })
      .vjp(derivative([](const Vjp& d, Value g) {
        const double alpha = d.as<AlphaAttributes>().alpha;
        // A negative slope gives positive results on both sides of the bend.
        const Value& sided = alpha >= 0 ? d.out() : d.in(0);
        return select(greater(sided, zero_like(g)), g, g * alpha);
      }))
      .not_smooth();
}

/// scale * (x > 0 ? x : alpha * (exp(x) - 1)).
Expr exponential_linear(Expr x, double alpha, double scale) {
  return select(greater(x, 0.0), x * scale, expm1(x) * (alpha * scale));
}

/// The gradient of exponential_linear by its result, which keeps the operand's sign as long as
/// alpha is not negative: below the bend the slope is result + alpha * scale.
Value exponential_linear_gradient(const Vjp& d, double alpha, double scale) {
  const Value g = d.grad();
  const Value& sided = alpha >= 0 ? d.out() : d.in(0);
  return select(greater(sided, zero_like(g)), scale == 1 ? g : g * scale,
                g * (d.out() + alpha * scale));
}

Op elu_op() {
  return unary("elu", kFloating)
      .attributes<AlphaAttributes>()
      .doc("x where it is positive, else alpha * (exp(x) - 1).")
      .expr([](const ExprContext& context) {
        return exponential_linear(context.in(0), context.as<AlphaAttributes>().alpha, 1);
      })
      .vjp(derivative([](const Vjp& d, Value) {
        return exponential_linear_gradient(d, d.as<AlphaAttributes>().alpha, 1);
      }))
      .not_smooth();
}

Op selu_op() {
  return unary("selu", kFloating)
      .doc("Scaled exponential linear unit: 1.0507 * elu(x, 1.6733).")
      .expr(on_scalars([](Expr x) { return exponential_linear(x, kSeluAlpha, kSeluScale); }))
      .vjp(derivative([](const Vjp& d, Value) {
        return exponential_linear_gradient(d, kSeluAlpha, kSeluScale);
      }))
      .not_smooth();
}

Expr gelu(Expr x, bool approximate) {
  if (!approximate) return 0.5 * x * (1.0 + erf(x * (1 / std::numbers::sqrt2)));
  const Expr inner = kSqrtTwoOverPi * (x + kGeluCubic * (x * x * x));
  return 0.5 * x * (1.0 + tanh(inner));
}

Value gelu_slope(Value x, bool approximate) {
  if (!approximate) {
    const Value cumulative = 0.5 * (1.0 + erf(x * (1 / std::numbers::sqrt2)));
    const Value density = 0.5 * kSqrtTwoOverPi * exp(-0.5 * square(x));
    return cumulative + x * density;
  }
  const Value squared = square(x);
  const Value t = tanh(kSqrtTwoOverPi * x * (1.0 + kGeluCubic * squared));
  const Value inner_slope = kSqrtTwoOverPi * (1.0 + 3 * kGeluCubic * squared);
  return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - square(t)) * inner_slope;
}

Op gelu_op() {
  return unary("gelu", kFloating)
      .attributes<GeluAttributes>()
      .doc("x times the normal distribution function of x, exactly (erf) or by tanh.")
      .expr([](const ExprContext& context) {
        return gelu(context.in(0), context.as<GeluAttributes>().approximate);
      })
      .vjp([](const Vjp& d) -> std::vector<Value> {
        const bool approximate = d.as<GeluAttributes>().approximate;
        return {scaled_by_slope(d, [&](Value x) { return gelu_slope(x, approximate); })};
      });
}

Op silu_op() {
  return unary("silu", kFloating)
      .doc("x * sigmoid(x).")
      .expr(on_scalars([](Expr x) { return x * sigmoid(x); }))
      .vjp(slope([](Value x) {
        const Value s = sigmoid(x);
        return s * (1.0 + x * (1.0 - s));
      }));
}

Op softplus_op() {
  return unary("softplus", kFloating)
      .doc("log(1 + exp(x)).")
      .expr(on_scalars([](Expr x) { return softplus(x); }))
      .vjp(derivative([](const Vjp& d, Value g) { return g * sigmoid(d.in(0)); }));
}

Op softsign_op() {
  return unary("softsign", kFloating)
      .doc("x / (1 + |x|).")
      .expr(on_scalars([](Expr x) { return x / (1.0 + abs(x)); }))
      .vjp(slope([](Value x) { return reciprocal(square(1.0 + abs(x))); }))
      .not_smooth();
}

Op hard_sigmoid_op() {
  return unary("hard_sigmoid", kFloating)
      .doc("relu6(x + 3) / 6.")
      .expr(on_scalars([](Expr x) { return hard_sigmoid(x); }))
      .vjp(derivative([](const Vjp& d, Value g) {
        const Value inside =
            logical_and(greater(d.out(), zero_like(g)), less(d.out(), constant_beside(g, 1)));
        return zero_unless(inside, g * (1.0 / 6.0));
      }))
      .not_smooth();
}

Op hard_silu_op() {
  return unary("hard_silu", kFloating)
      .doc("x * relu6(x + 3) / 6.")
      .expr(on_scalars([](Expr x) { return x * hard_sigmoid(x); }))
      .vjp(slope([](Value x) {
        const Value inner = x * (1.0 / 3.0) + 0.5;
        const Value one = constant_beside(x, 1);
        return select(greater(x, constant_beside(x, 3)), one,
                      zero_unless(greater(x, constant_beside(x, -3)), inner));
      }))
      .not_smooth();
}

Op mish_op() {
  return unary("mish", kFloating)
      .doc("x * tanh(softplus(x)).")
      .expr(on_scalars([](Expr x) { return x * tanh(softplus(x)); }))
      .vjp(slope([](Value x) {
        const Value t = tanh(brisk::softplus(x));
        return t + x * (1.0 - square(t)) * sigmoid(x);
      }));
}

}  // namespace

void add_activation_ops(OpSet& set) {
  for (auto make : {relu_op, relu6_op, leaky_relu_op, elu_op, selu_op, gelu_op, silu_op,
                    softplus_op, softsign_op, hard_sigmoid_op, hard_silu_op, mish_op})
    set.add(make());
}

Value relu(Value x) {
  return emit_unary("relu", x);
}
Value relu6(Value x) {
  return emit_unary("relu6", x);
}
Value leaky_relu(Value x, double negative_slope) {
  return emit_unary("leaky_relu", x, AlphaAttributes{negative_slope});
}
Value elu(Value x, double alpha) {
  return emit_unary("elu", x, AlphaAttributes{alpha});
}
Value selu(Value x) {
  return emit_unary("selu", x);
}
Value gelu(Value x, bool approximate) {
  return emit_unary("gelu", x, GeluAttributes{approximate});
}
Value silu(Value x) {
  return emit_unary("silu", x);
}
Value softplus(Value x) {
  return emit_unary("softplus", x);
}
Value softsign(Value x) {
  return emit_unary("softsign", x);
}
Value hard_sigmoid(Value x) {
  return emit_unary("hard_sigmoid", x);
}
Value hard_silu(Value x) {
  return emit_unary("hard_silu", x);
}
Value mish(Value x) {
  return emit_unary("mish", x);
}

}  // namespace brisk
