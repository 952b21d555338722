#include "brisk/nn/metrics.h"

#include <charconv>

#include "brisk/base/edit_distance.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

Value mean_per_example(Value x) {
  std::vector<int64_t> axes;
  for (int64_t axis = 1; axis < x.rank(); ++axis) axes.push_back(axis);
  return axes.empty() ? x : reduce_mean(x, axes);
}

/// Labels i32 from labels or from one-hot (dense) targets.
Value labels_of(Value predictions, Value targets) {
  if (!is_floating(targets.dtype()) && targets.rank() == predictions.rank() - 1) return cast(targets, DType::i32);
  return argmax(targets, -1);
}

Value accuracy(Value predictions, Value targets) {
  if (predictions.shape().size(predictions.rank() - 1) == 1)  // one logit per example
    return mean_per_example(cast(equal(greater(predictions, predictions * 0.0), greater(cast(targets, predictions.dtype()), predictions * 0.0 + 0.5)), DType::f32));
  return mean_per_example(cast(equal(argmax(predictions, -1), labels_of(predictions, targets)), DType::f32));
}

/// In the top k when fewer than k logits are larger than the label's.
Value top_k(Value predictions, Value targets, int64_t k) {
  const Value logits = predictions.dtype() == DType::f64 ? predictions : cast(predictions, DType::f32);
  const Value labels = labels_of(predictions, targets);
  const Value own = take_along_axis(logits, expand_dims(labels, labels.rank()), logits.rank() - 1);
  const Value larger = cast(greater(logits, broadcast_to(own, logits.shape())), DType::f32);
  const Value count = reduce_sum(larger, {-1});
  return mean_per_example(cast(less(count, count * 0.0 + static_cast<double>(k)), DType::f32));
}

}  // namespace

Value per_example_metric(const std::string& name, Value predictions, Value targets) {
  if (name == "accuracy" || name == "sparse_categorical_accuracy" || name == "categorical_accuracy")
    return accuracy(predictions, targets);
  if (name.starts_with("top_") && name.ends_with("_accuracy")) {
    int64_t k = 0;
    const char* last = name.data() + name.size() - 9;
    if (std::from_chars(name.data() + 4, last, k).ptr == last && k > 0) return top_k(predictions, targets, k);
  }
  const Value p = predictions.dtype() == DType::f64 ? predictions : cast(predictions, DType::f32);
  if (name == "mean_squared_error" || name == "mse") return mean_per_example(square(p - cast(targets, p.dtype())));
  if (name == "mean_absolute_error" || name == "mae") return mean_per_example(abs(p - cast(targets, p.dtype())));
  const std::vector<std::string> names = {"accuracy", "top_5_accuracy", "mean_squared_error", "mean_absolute_error"};
  refuse("there is no metric '{}'{}; there are: {}", name, did_you_mean(name, names), fmt::join(names, ", "));
}

}  // namespace brisk
