#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"

// Losses over [batch, classes, ...] and class indices [batch, ...].

namespace brisk::onnx {
namespace {

/// The loss of log probabilities, reduced as the node says.
Value negative_log_likelihood(Call& c, Value log_probability, size_t weight_input) {
  Builder& builder = c.builder();
  Value target = cast(c.in(1), DType::i64);
  const int64_t classes = size_of(log_probability, 1);
  const DType type = log_probability.dtype();
  const Value zero = filled(builder, type, target.shape(), 0),
              one = filled(builder, type, target.shape(), 1);
  Value weight = one, ignored;
  if (c.has_attribute("ignore_index")) {  // which need be no class
    ignored = equal(target, filled(builder, DType::i64, target.shape(),
                                   static_cast<double>(c.integer("ignore_index"))));
    target = select(ignored, filled(builder, DType::i64, target.shape(), 0), target);
  }
  if (c.has(weight_input)) weight = gather(c.in(weight_input), positions(target, classes), 0);
  if (ignored.defined()) weight = select(ignored, zero, weight);
  const Value picked =
      squeeze(take_along_axis(log_probability, expand_dims(positions(target, classes), 1), 1), 1);
  const Value ignored_is_zero = select(equal(weight, zero), zero, picked);  // 0 * -inf is no number
  const Value loss = -(ignored_is_zero * weight);
  const std::string reduction = c.text("reduction", "mean");
  if (reduction == "none") return loss;
  const Value total = reduce_sum(loss);
  if (reduction == "sum") return total;
  require(reduction == "mean", "its reduction is '{}'", reduction);
  return total / reduce_sum(weight);
}

void nll_loss(Call& c) {
  const Value x = c.in(0);
  c.out(cast(negative_log_likelihood(c, widened(x), 2), x.dtype()));
}

void softmax_cross_entropy_loss(Call& c) {
  const Value x = c.in(0);
  const Value log_probability = log_softmax(widened(x), 1);
  c.out(0, cast(negative_log_likelihood(c, log_probability, 2), x.dtype()));
  c.out(1, cast(log_probability, x.dtype()));
}

constexpr OpRow kLossRows[] = {
    {"NegativeLogLikelihoodLoss", nll_loss},
    {"SoftmaxCrossEntropyLoss", softmax_cross_entropy_loss},
};

}  // namespace

std::span<const OpRow> loss_ops() {
  return kLossRows;
}

}  // namespace brisk::onnx
