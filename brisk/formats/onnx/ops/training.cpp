#include "brisk/autodiff/gradient.h"
#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"

// ONNX's preview of training: optimizers as ops, and gradients of a value that the graph has made.

namespace brisk::onnx {
namespace {

/// rate, step, then `kinds` groups of tensors: weights, gradients, and the optimizer's own.
struct Step {
  Call& c;
  size_t kinds, count;
  Step(Call& call, size_t groups)
      : c(call), kinds(groups), count((call.num_inputs() - 2) / groups) {
    require(c.num_inputs() >= 2 + groups && (c.num_inputs() - 2) % groups == 0, "it has {} inputs",
            c.num_inputs());
  }
  Value of(size_t kind, size_t i) const { return c.in(2 + kind * count + i); }
  void give(size_t kind, size_t i, Value x) const {
    c.out(kind * count + i, cast(x, of(kind == 0 ? 0 : kind + 1, i).dtype()));
  }
  Value rate(DType type) const { return reshape(cast(c.in(0), type), {}); }
  Value steps(DType type) const { return reshape(cast(c.in(1), type), {}); }
  /// Whether this is not the first step.
  Value later(DType type) const { return greater(steps(type), c.builder().scalar(type, 0)); }
};

void adagrad(Call& c) {
  const Step step(c, 3);
  for (size_t i = 0; i < step.count; ++i) {
    const Value x = step.of(0, i), g = step.of(1, i) + x * c.real("norm_coefficient", 0),
                old = step.of(2, i);
    const Value rate =
        step.rate(x.dtype()) / (step.steps(x.dtype()) * c.real("decay_factor", 0) + 1.0);
    const Value squares = old + square(g);
    step.give(0, i, x - rate * g / (sqrt(squares) + c.real("epsilon", 1e-6F)));
    step.give(1, i, squares);
  }
}

void adam(Call& c) {
  const Step step(c, 4);
  const double alpha = c.real("alpha", 0.9F), beta = c.real("beta", 0.999F);
  for (size_t i = 0; i < step.count; ++i) {
    const Value x = step.of(0, i), g = step.of(1, i) + x * c.real("norm_coefficient", 0);
    const DType type = x.dtype();
    const Value first = step.of(2, i) * alpha + g * (1 - alpha),
                second = step.of(3, i) * beta + square(g) * (1 - beta);
    const auto powered = [&](double base) {
      return pow(c.builder().scalar(type, base), step.steps(type));
    };
    const Value corrected = step.rate(type) * sqrt(1.0 - powered(beta)) / (1.0 - powered(alpha));
    const Value rate = select(step.later(type), corrected, step.rate(type));
    const Value next = x - rate * (first / (sqrt(second) + c.real("epsilon", 1e-6F)));
    step.give(0, i, next * (1 - c.real("norm_coefficient_post", 0)));
    step.give(1, i, first);
    step.give(2, i, second);
  }
}

void momentum(Call& c) {
  const Step step(c, 3);
  const double alpha = c.real("alpha", 0), beta = c.real("beta", 1);
  const bool nesterov = c.text("mode", "standard") == "nesterov";
  for (size_t i = 0; i < step.count; ++i) {
    const Value x = step.of(0, i), g = step.of(1, i) + x * c.real("norm_coefficient", 0);
    const DType type = x.dtype();
    const Value share =
        select(step.later(type), c.builder().scalar(type, beta), c.builder().scalar(type, 1));
    const Value velocity = step.of(2, i) * alpha + share * g;
    step.give(0, i, x - step.rate(type) * (nesterov ? g + velocity * alpha : velocity));
    step.give(1, i, velocity);
  }
}

/// d y / d x for the named x: y is found by the name it has in this graph, which the walk resolves.
void gradient_op(Call& c) {
  const std::vector<std::string> xs = c.texts("xs"), zs = c.texts("zs");
  require(c.num_inputs() == xs.size() + zs.size(), "it has {} inputs for {} names", c.num_inputs(),
          xs.size() + zs.size());
  const Item y = c.find_value(c.text("y", ""));
  require(y != nullptr, "its 'y' names nothing");
  std::vector<Value> wrt;
  for (size_t i = 0; i < xs.size(); ++i) wrt.push_back(c.in(i));
  const Value value = c.trace.value(y);
  const std::vector<Value> found = vector_jacobian_product(
      std::vector<Value>{value},
      std::vector<Value>{filled(c.builder(), value.dtype(), value.shape(), 1)}, wrt);
  for (size_t i = 0; i < found.size(); ++i) c.out(i, found[i]);
}

constexpr OpRow kTrainingRows[] = {
    {"Adagrad", adagrad, 1, kTraining},
    {"Adam", adam, 1, kTraining},
    {"Momentum", momentum, 1, kTraining},
    {"Gradient", gradient_op, 1, kTraining},
};

}  // namespace

std::span<const OpRow> training_ops() {
  return kTrainingRows;
}

}  // namespace brisk::onnx
