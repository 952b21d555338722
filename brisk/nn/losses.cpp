#include "brisk/nn/losses.h"

#include "brisk/base/edit_distance.h"
#include "brisk/nn/floating.h"
#include "brisk/nn/logits.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

constexpr double kClip = 1e-7;  ///< Keras's epsilon for probabilities

Value sparse_categorical(Value predictions, Value targets, const LossSpec& spec) {
  if (spec.from_logits)
    return mean_per_example(
        sparse_softmax_cross_entropy(predictions, targets, spec.label_smoothing));
  const Value log_p = log(clamp(in_f32(predictions), kClip, 1 - kClip));
  const int64_t classes = predictions.shape().size(predictions.rank() - 1);
  const Value picked = reduce_sum(log_p * one_hot(targets, classes, log_p.dtype()), {-1});
  if (spec.label_smoothing == 0) return mean_per_example(-picked);
  const double share = spec.label_smoothing / static_cast<double>(classes);
  return mean_per_example(-((1 - spec.label_smoothing) * picked + share * reduce_sum(log_p, {-1})));
}

Value categorical(Value predictions, Value targets, const LossSpec& spec) {
  const Value p = in_f32(predictions), y = cast(targets, p.dtype());
  if (spec.from_logits) return mean_per_example(softmax_cross_entropy(p, y, spec.label_smoothing));
  const auto classes = static_cast<double>(p.shape().size(p.rank() - 1));
  const Value smoothed = y * (1 - spec.label_smoothing) + spec.label_smoothing / classes;
  return mean_per_example(-reduce_sum(smoothed * log(clamp(p, kClip, 1 - kClip)), {-1}));
}

Value binary(Value predictions, Value targets, const LossSpec& spec) {
  const Value p = in_f32(predictions);
  const Value y =
      cast(targets, p.dtype()) * (1 - spec.label_smoothing) + 0.5 * spec.label_smoothing;
  if (spec.from_logits) return mean_per_example(relu(p) - p * y + softplus(-abs(p)));
  const Value q = clamp(p, kClip, 1 - kClip);
  return mean_per_example(-(y * log(q) + (1.0 - y) * log(1.0 - q)));
}

Value huber(Value predictions, Value targets, const LossSpec& spec) {
  const Value p = in_f32(predictions);
  const Value error = abs(p - cast(targets, p.dtype()));
  const Value inside = minimum(error, error * 0.0 + spec.delta);
  return mean_per_example(0.5 * inside * inside + spec.delta * (error - inside));
}

Value squared(Value predictions, Value targets, const LossSpec&) {
  const Value p = in_f32(predictions);
  return mean_per_example(square(p - cast(targets, p.dtype())));
}

Value absolute(Value predictions, Value targets, const LossSpec&) {
  const Value p = in_f32(predictions);
  return mean_per_example(abs(p - cast(targets, p.dtype())));
}

struct NamedLoss {
  std::string_view name;
  std::string_view activation;  ///< that makes its probabilities; empty where it takes no logits
  bool sparse, smooths_labels;
  Value (*apply)(Value, Value, const LossSpec&);
};

constexpr NamedLoss kLosses[] = {
    {"sparse_categorical_crossentropy", "softmax", true, true, sparse_categorical},
    {"categorical_crossentropy", "softmax", false, true, categorical},
    {"binary_crossentropy", "sigmoid", false, true, binary},
    {"mean_squared_error", "", false, false, squared},
    {"mse", "", false, false, squared},
    {"mean_absolute_error", "", false, false, absolute},
    {"mae", "", false, false, absolute},
    {"huber", "", false, false, huber},
};

const NamedLoss& find_loss(const std::string& name) {
  for (const NamedLoss& loss : kLosses)
    if (loss.name == name) return loss;
  const std::vector<std::string> names = loss_names();
  refuse("there is no loss '{}'{}; there are: {}", name, did_you_mean(name, names),
         fmt::join(names, ", "));
}

}  // namespace

std::vector<std::string> loss_names() {
  std::vector<std::string> names;
  for (const NamedLoss& loss : kLosses) names.emplace_back(loss.name);
  return names;
}

Value per_example_loss(Value predictions, Value targets, const LossSpec& spec) {
  require(spec.label_smoothing >= 0 && spec.label_smoothing < 1,
          "label_smoothing is {}, but must be in [0, 1)", spec.label_smoothing);
  const NamedLoss& loss = find_loss(spec.name);
  require(spec.label_smoothing == 0 || loss.smooths_labels,
          "loss '{}' takes no label_smoothing, but it is {}", spec.name, spec.label_smoothing);
  const Type expected_type = target_type(predictions.type(), spec);
  const Shape& expected = expected_type.shape();
  require(targets.shape() == expected,
          "loss '{}' of predictions {} takes targets {}, but {} are given", spec.name,
          predictions.type().to_string(), expected.to_string(), targets.shape().to_string());
  if (!loss.activation.empty())
    if (const auto logits = logits_of(predictions, loss.activation)) {
      LossSpec of_logits = spec;
      of_logits.from_logits = true;
      return loss.apply(*logits, targets, of_logits);
    }
  return loss.apply(predictions, targets, spec);
}

Type target_type(const Type& predictions, const LossSpec& spec) {
  if (!find_loss(spec.name).sparse) return Type(DType::f32, predictions.shape());
  std::vector<Extent> extents = predictions.shape().extents();
  require(!extents.empty(), "loss '{}' needs predictions [batch, classes], not {}", spec.name,
          predictions.to_string());
  extents.pop_back();
  return Type(DType::i32, Shape(extents));
}

}  // namespace brisk
