#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"

// Activations. Formulas are computed in f32 for short floats and rounded once.

namespace brisk::onnx {
namespace {

Value constant_like(Value x, double value) {
  return filled(*x.builder, x.dtype(), x.shape(), value);
}

void relu_op(Call& c) {
  c.out(is_floating(c.in(0).dtype()) ? relu(c.in(0)) : maximum(c.in(0), constant_like(c.in(0), 0)));
}
void sigmoid_op(Call& c) {
  c.out(sigmoid(c.in(0)));
}
void tanh_op(Call& c) {
  c.out(tanh(c.in(0)));
}
void softplus_op(Call& c) {
  c.out(softplus(c.in(0)));
}
void softsign_op(Call& c) {
  c.out(softsign(c.in(0)));
}
void mish_op(Call& c) {
  c.out(mish(c.in(0)));
}
void leaky_relu_op(Call& c) {
  c.out(leaky_relu(c.in(0), c.real("alpha", 0.01F)));
}
void elu_op(Call& c) {
  c.out(elu(c.in(0), c.real("alpha", 1.0F)));
}
void gelu_op(Call& c) {
  c.out(gelu(c.in(0), c.text("approximate", "none") == "tanh"));
}

void selu_op(Call& c) {
  const double alpha = c.real("alpha", 1.67326319217681884765625F),
               gamma = c.real("gamma", 1.05070102214813232421875F);
  formula(c, [&](Value x) {
    const Value zero = constant_like(x, 0);
    return select(greater(x, zero), x, expm1(minimum(x, zero)) * alpha) * gamma;
  });
}
void celu_op(Call& c) {
  const double alpha = c.real("alpha", 1.0F);
  formula(c, [&](Value x) {
    const Value zero = constant_like(x, 0);
    return maximum(x, zero) + minimum(zero, expm1(x * (1 / alpha)) * alpha);
  });
}
void thresholded_relu(Call& c) {
  const double alpha = c.real("alpha", 1.0F);
  const Value x = c.in(0);
  c.out(select(greater(x, constant_like(x, alpha)), x, constant_like(x, 0)));
}
void hard_sigmoid_op(Call& c) {
  const double alpha = c.real("alpha", 0.2F), beta = c.real("beta", 0.5F);
  formula(c, [&](Value x) { return clamp(x * alpha + beta, 0, 1); });
}
void hard_swish(Call& c) {
  formula(c, [](Value x) { return x * clamp(x * (1.0 / 6) + 0.5, 0, 1); });
}
void swish(Call& c) {
  const double alpha = c.real("alpha", 1.0F);
  if (alpha == 1) return c.out(silu(c.in(0)));
  formula(c, [&](Value x) { return x * sigmoid(x * alpha); });
}
void shrink(Call& c) {
  const double bias = c.real("bias", 0.0F), lambda = c.real("lambd", 0.5F);
  const Value x = c.in(0);
  const Value low = select(less(x, constant_like(x, -lambda)), x + bias, constant_like(x, 0));
  c.out(select(greater(x, constant_like(x, lambda)), x - bias, low));
}

void prelu(Call& c) {
  const Value x = c.in(0);
  Value slope = c.in(1);
  if (slope.rank() == 1 && x.rank() > 2 && c.opset < 7) slope = along(slope, 1, x.rank());
  c.out(select(less(x, constant_like(x, 0)), x * slope, x));
}

/// Until opset 13: x is read as [product before axis, product from axis].
template <typename F>
void over_axis(Call& c, F f) {
  const Value x = c.in(0);
  if (c.opset >= 13) return c.out(f(x, checked_axis(c.integer("axis", -1), x.rank())));
  const int64_t axis = checked_axis(c.integer("axis", 1), std::max<int64_t>(x.rank(), 1));
  if (axis == x.rank() - 1) return c.out(f(x, axis));
  Shape flat(std::vector<Extent>(x.shape().begin(), x.shape().begin() + axis));
  flat.push_back(Extent(int64_t{-1}));
  c.out(reshape(f(reshape(x, flat), axis), x.shape()));
}

void softmax_op(Call& c) {
  over_axis(c, [](Value x, int64_t axis) { return softmax(x, axis); });
}
void log_softmax_op(Call& c) {
  over_axis(c, [](Value x, int64_t axis) { return log_softmax(x, axis); });
}
void hardmax(Call& c) {
  over_axis(c, [](Value x, int64_t axis) {
    return axis_from_end(one_hot(argmax(x, axis), size_of(x, axis), x.dtype()), axis);
  });
}

constexpr OpRow kActivationRows[] = {
    {"Relu", relu_op},
    {"Sigmoid", sigmoid_op},
    {"Tanh", tanh_op},
    {"Softplus", softplus_op},
    {"Softsign", softsign_op},
    {"Mish", mish_op},
    {"LeakyRelu", leaky_relu_op},
    {"Elu", elu_op},
    {"Gelu", gelu_op},
    {"Selu", selu_op},
    {"Celu", celu_op},
    {"ThresholdedRelu", thresholded_relu},
    {"HardSigmoid", hard_sigmoid_op},
    {"HardSwish", hard_swish},
    {"Swish", swish},
    {"Shrink", shrink},
    {"PRelu", prelu},
    {"Softmax", softmax_op},
    {"LogSoftmax", log_softmax_op},
    {"Hardmax", hardmax},
};

}  // namespace

std::span<const OpRow> activation_ops() {
  return kActivationRows;
}

}  // namespace brisk::onnx
