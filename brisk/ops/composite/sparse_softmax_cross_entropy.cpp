#include <limits>

#include "brisk/base/error.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/composite/composite_ops.h"
#include "brisk/ops/composite/shifted_exponentials.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

// With z = logits - max, s the label smoothing and C classes:
//
//   loss = log(sum(exp(z))) - (1 - s) z[label] - (s / C) sum(z)
//
// z[label] is a sum over (class == label ? z : 0) and not a gather, so that it falls into the same
// loop as the other sums. A label outside [0, C) multiplies the loss by NaN, which reaches the
// gradient too.

namespace brisk {
namespace {

constexpr std::string_view kName = "sparse_softmax_cross_entropy";

std::vector<Type> infer(const InferContext& context) {
  const TensorType& logits = context.tensor(0);
  const TensorType& labels = context.tensor(1);
  const double smoothing = context.as<CrossEntropyAttributes>().label_smoothing;
  require(is_floating(logits.dtype) && logits.shape.rank() >= 1,
          "[{}] logits must be floating [..., classes], but are {}", kName,
          context.operands[0].to_string());
  require(is_integer(labels.dtype), "[{}] labels must be integers, but are {}", kName,
          context.operands[1].to_string());
  require(smoothing >= 0 && smoothing <= 1, "[{}] label_smoothing {} is not in [0, 1]", kName,
          smoothing);
  std::vector<Extent> rows = logits.shape.extents();
  rows.pop_back();
  require(labels.shape == Shape(rows), "[{}] logits {} need labels {}, not {}", kName,
          logits.shape.to_string(), Shape(rows).to_string(), labels.shape.to_string());
  return {Type(compute_type(logits.dtype), Shape(std::move(rows)))};
}

struct Rows {
  ShiftedExponentials logits;
  Value hit;     ///< bool, logits' shape: the class is the label
  Value poison;  ///< 1 for a good label, else NaN; the labels' shape
  int64_t axis;  ///< of the classes
};

Rows rows_of(Value logits, Value labels) {
  Builder& builder = *logits.builder;
  const int64_t axis = logits.rank() - 1;
  // Labels of narrow types cannot count all classes.
  const DType type =
      labels.dtype() == DType::i64 || labels.dtype() == DType::u64 || labels.dtype() == DType::u32
          ? DType::i64
          : DType::i32;
  const DType wide = compute_type(logits.dtype());
  const Value label = cast(labels, type);
  const Value classes = iota(builder, type, logits.shape(), axis);
  const Value limit = builder.scalar(type, static_cast<double>(logits.shape().size(axis)));
  const Value good = logical_and(less_equal(builder.scalar(type, 0), label), less(label, limit));
  return {shifted_exponentials(logits, {axis}), equal(classes, expand_dims(label, axis)),
          select(good, builder.scalar(wide, 1),
                 builder.scalar(wide, std::numeric_limits<double>::quiet_NaN())),
          axis};
}

std::vector<Value> decompose(const DecomposeContext& context) {
  const Value& logits = context.in(0);
  const double smoothing = context.as<CrossEntropyAttributes>().label_smoothing;
  const Rows rows = rows_of(logits, context.in(1));
  const Value& z = rows.logits.shifted;
  const Value zero = context.builder.scalar(z.dtype(), 0);
  const Value at_label = reduce_sum(select(rows.hit, z, zero), {rows.axis});
  Value loss = squeeze(log(rows.logits.sum), rows.axis) - at_label * (1 - smoothing);
  if (smoothing > 0) {
    const auto classes = static_cast<double>(logits.shape().size(rows.axis));
    loss = loss - reduce_sum(z, {rows.axis}) * (smoothing / classes);
  }
  return {loss * rows.poison};
}

std::vector<Value> vjp(const Vjp& d) {
  const Value& logits = d.in(0);
  const double smoothing = d.as<CrossEntropyAttributes>().label_smoothing;
  const Rows rows = rows_of(logits, d.in(1));
  const DType wide = rows.poison.dtype();
  const double other = smoothing / static_cast<double>(logits.shape().size(rows.axis));
  const Value g = expand_dims(d.grad() * rows.poison, rows.axis);
  // Quotients and products with the gradient are taken once a row.
  const auto spread = [&](Value x) { return broadcast_to(x, logits.shape()); };
  const Value target = select(rows.hit, spread(g * (1 - smoothing + other)),
                              smoothing > 0 ? spread(g * other) : d.builder.scalar(wide, 0));
  return {cast(rows.logits.exp * (g / rows.logits.sum) - target, logits.dtype()), Value{}};
}

}  // namespace

Op sparse_softmax_cross_entropy_op() {
  return Op{.name = std::string(kName), .kind = OpKind::composite}
      .doc(
          "-log(softmax(logits))[label] for each row of logits [..., classes], optionally with "
          "smoothed labels; NaN for a label outside the classes.")
      .operands(2)
      .attributes<CrossEntropyAttributes>()
      .infer(infer)
      .vjp(vjp)
      .decompose(decompose);
}

Value sparse_softmax_cross_entropy(Value logits, Value labels, double label_smoothing) {
  return logits.builder->emit_one(kName, {logits, labels}, CrossEntropyAttributes{label_smoothing});
}

}  // namespace brisk
