#include "brisk/nn/metrics.h"

#include <charconv>

#include "brisk/base/edit_distance.h"
#include "brisk/nn/floating.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

/// Labels i32 from labels or from one-hot (dense) targets.
Value labels_of(Value predictions, Value targets) {
  if (!is_floating(targets.dtype()) && targets.rank() == predictions.rank() - 1)
    return cast(targets, DType::i32);
  return argmax(targets, -1);
}

Value accuracy(Value predictions, Value targets) {
  if (predictions.shape().size(predictions.rank() - 1) == 1)  // one logit per example
    return mean_per_example(
        cast(equal(greater(predictions, predictions * 0.0),
                   greater(cast(targets, predictions.dtype()), predictions * 0.0 + 0.5)),
             DType::f32));
  return mean_per_example(
      cast(equal(argmax(predictions, -1), labels_of(predictions, targets)), DType::f32));
}

/// In the top k when fewer than k logits are larger than the label's.
Value top_k(Value predictions, Value targets, int64_t k) {
  const Value logits = in_f32(predictions);
  const Value labels = labels_of(predictions, targets);
  const Value own = take_along_axis(logits, expand_dims(labels, labels.rank()), logits.rank() - 1);
  const Value larger = cast(greater(logits, broadcast_to(own, logits.shape())), DType::f32);
  const Value count = reduce_sum(larger, {-1});
  return mean_per_example(cast(less(count, count * 0.0 + static_cast<double>(k)), DType::f32));
}

Value squared(Value predictions, Value targets) {
  const Value p = in_f32(predictions);
  return mean_per_example(square(p - cast(targets, p.dtype())));
}

Value absolute(Value predictions, Value targets) {
  const Value p = in_f32(predictions);
  return mean_per_example(abs(p - cast(targets, p.dtype())));
}

struct NamedMetric {
  std::string_view name;
  Value (*apply)(Value, Value);
};

constexpr NamedMetric kMetrics[] = {
    {"accuracy", accuracy},
    {"sparse_categorical_accuracy", accuracy},
    {"categorical_accuracy", accuracy},
    {"mean_squared_error", squared},
    {"mse", squared},
    {"mean_absolute_error", absolute},
    {"mae", absolute},
};

/// k of "top_k_accuracy"; 0 for other names.
int64_t top_of(const std::string& name) {
  if (!name.starts_with("top_") || !name.ends_with("_accuracy") || name.size() < 14) return 0;
  int64_t k = 0;
  const char* last = name.data() + name.size() - 9;
  return std::from_chars(name.data() + 4, last, k).ptr == last && k > 0 ? k : 0;
}

/// The metric of that name; null for top_k_accuracy.
const NamedMetric* find_metric(const std::string& name) {
  std::vector<std::string> names;
  for (const NamedMetric& metric : kMetrics) {
    if (metric.name == name) return &metric;
    names.emplace_back(metric.name);
  }
  if (top_of(name) > 0) return nullptr;
  names.emplace_back("top_5_accuracy");
  refuse("there is no metric '{}'{}; there are: {}", name, did_you_mean(name, names),
         fmt::join(names, ", "));
}

}  // namespace

void require_metric(const std::string& name) {
  find_metric(name);
}

Value per_example_metric(const std::string& name, Value predictions, Value targets) {
  const NamedMetric* metric = find_metric(name);
  return metric != nullptr ? metric->apply(predictions, targets)
                           : top_k(predictions, targets, top_of(name));
}

}  // namespace brisk
