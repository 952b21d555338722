#include "brisk/base/error.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/composite/shifted_exponentials.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

// With z = logits - max, L = log(sum(exp(z))) and t the (smoothed) targets, which need not sum up
// to one:  loss = sum(t * (L - z)) = L * sum(t) - sum(t * z).  For t >= 0 both terms are >= 0, so
// nothing cancels, and all three sums fall into one loop.

namespace brisk {
namespace {

constexpr std::string_view kName = "softmax_cross_entropy";

std::vector<Type> infer(const InferContext& context) {
  const TensorType& logits = context.tensor(0);
  const TensorType& targets = context.tensor(1);
  const double smoothing = context.as<CrossEntropyAttributes>().label_smoothing;
  require(is_floating(logits.dtype) && logits.shape.rank() >= 1,
          "[{}] logits must be floating [..., classes], but are {}", kName,
          context.operands[0].to_string());
  require(is_floating(targets.dtype) && targets.shape == logits.shape,
          "[{}] logits {} need floating targets of their shape, not {}", kName,
          context.operands[0].to_string(), context.operands[1].to_string());
  require(smoothing >= 0 && smoothing <= 1, "[{}] label_smoothing {} is not in [0, 1]", kName,
          smoothing);
  std::vector<Extent> rows = logits.shape.extents();
  rows.pop_back();
  return {Type(compute_type(logits.dtype), Shape(std::move(rows)))};
}

/// (1 - smoothing) * targets + smoothing / classes, in the logits' compute type.
Value smoothed(Value targets, Value logits, double smoothing) {
  const Value wide = cast(targets, compute_type(logits.dtype()));
  if (smoothing == 0) return wide;
  const auto classes = static_cast<double>(logits.shape().size(logits.rank() - 1));
  return wide * (1 - smoothing) + smoothing / classes;
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const Value& logits = context.in(0);
  const int64_t axis = logits.rank() - 1;
  const auto parts = shifted_exponentials(logits, {axis});
  const Value t =
      smoothed(context.in(1), logits, context.as<CrossEntropyAttributes>().label_smoothing);
  return {squeeze(log(parts.sum), axis) * reduce_sum(t, {axis}) -
          reduce_sum(t * parts.shifted, {axis})};
}

std::vector<Value> vjp(const Vjp& d) {
  const Value &logits = d.in(0), &targets = d.in(1);
  const double smoothing = d.as<CrossEntropyAttributes>().label_smoothing;
  const int64_t axis = logits.rank() - 1;
  const auto parts = shifted_exponentials(logits, {axis});
  const Value g = expand_dims(d.grad(), axis);
  std::vector<Value> gradients(2);
  if (d.needs(0)) {
    const Value t = smoothed(targets, logits, smoothing);
    const Value probability = parts.exp / parts.sum;
    gradients[0] = cast((probability * reduce_sum(t, {axis}, true) - t) * g, logits.dtype());
  }
  if (d.needs(1))
    gradients[1] = cast((log(parts.sum) - parts.shifted) * (g * (1 - smoothing)), targets.dtype());
  return gradients;
}

}  // namespace

Op softmax_cross_entropy_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "-sum(targets * log(softmax(logits))) for each row of logits and targets "
          "[..., classes], optionally with smoothed targets.")
      .operands(2)
      .attributes<CrossEntropyAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

Value softmax_cross_entropy(Value logits, Value targets, double label_smoothing) {
  return logits.builder->emit_one(kName, {logits, targets},
                                  CrossEntropyAttributes{label_smoothing});
}

}  // namespace brisk
