#include "brisk/nn/layers/feature_preprocessing.h"

#include "brisk/nn/floating.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

namespace brisk {
namespace {

/// `numbers` (one, or one for each index of the last axes) as a constant beside x.
Value numbers_beside(Value x, const std::vector<double>& numbers, const Shape& shape) {
  Tensor tensor(x.dtype(), shape.sizes());
  require(numbers.size() == 1 || std::ssize(numbers) == tensor.num_elements(),
          "{} numbers do not fit {}", numbers.size(), shape.to_string());
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(i, numbers[numbers.size() == 1 ? 0 : static_cast<size_t>(i)]);
  return x.builder->constant(tensor);
}

}  // namespace

Value Normalization::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = as_float(inputs[0]);
  Shape kept, beside(std::vector<int64_t>(static_cast<size_t>(x.rank()), 1));
  for (const int64_t a : axis) {
    const int64_t at = normalize_axis(a, x.rank(), "Normalization");
    kept.push_back(x.shape()[at]);
    beside[at] = x.shape()[at];
  }
  require(mean.empty() == variance.empty(), "mean and variance must be given together");
  Value m, v;
  if (mean.empty()) {
    m = context.state("mean", Type(x.dtype(), kept), StateRole::statistic, "zeros");
    v = context.state("variance", Type(x.dtype(), kept), StateRole::statistic, "ones");
    context.state("count", Type(DType::i32, {}), StateRole::statistic, "zeros");
  } else {
    m = numbers_beside(x, mean, mean.size() == 1 ? Shape() : kept);
    v = numbers_beside(x, variance, variance.size() == 1 ? Shape() : kept);
  }
  if (m.rank() > 0) m = reshape(m, beside);
  if (v.rank() > 0) v = reshape(v, beside);
  const Value deviation = maximum(sqrt(v), context.builder().scalar(x.dtype(), 1e-7));
  return invert ? m + x * deviation : (x - m) / deviation;
}

Value Rescaling::build(LayerContext&, std::span<const Value> inputs) const {
  const Value x = as_float(inputs[0]);
  require(!scale.empty() && !offset.empty(), "scale and offset must be numbers");
  const auto beside = [&](const std::vector<double>& numbers) {
    return numbers_beside(x, numbers,
                          numbers.size() == 1 ? Shape() : Shape{x.shape()[x.rank() - 1]});
  };
  return x * beside(scale) + beside(offset);
}

Value CategoryEncoding::build(LayerContext& context, std::span<const Value> inputs) const {
  Value x = inputs[0].dtype() == DType::i64 ? inputs[0] : cast(inputs[0], DType::i32);
  require(num_tokens > 0, "num_tokens is {}, but must be positive", num_tokens);
  if (output_mode == "one_hot") {
    if (x.rank() > 1 && !x.shape()[x.rank() - 1].is_named() && x.shape().size(x.rank() - 1) == 1)
      x = squeeze(x, x.rank() - 1);
    return one_hot(x, num_tokens);
  }
  require(output_mode == "multi_hot" || output_mode == "count",
          "output_mode must be one_hot, multi_hot or count, but is '{}'", output_mode);
  if (x.rank() == 1) x = expand_dims(x, 1);
  const Value counts = reduce_sum(one_hot(x, num_tokens), {x.rank() - 1});
  return output_mode == "count" ? counts : minimum(counts, context.builder().scalar(DType::f32, 1));
}

Value Discretization::build(LayerContext& context, std::span<const Value> inputs) const {
  require(output_mode == "int", "output_mode must be int, but is '{}'", output_mode);
  require(!bin_boundaries.empty(),
          "bin_boundaries are not known: adapt the layer before the model is saved");
  const Value x = as_float(inputs[0]);
  Value bin =
      cast(greater_equal(x, context.builder().scalar(x.dtype(), bin_boundaries[0])), DType::i32);
  for (size_t i = 1; i < bin_boundaries.size(); ++i)
    bin = bin + cast(greater_equal(x, context.builder().scalar(x.dtype(), bin_boundaries[i])),
                     DType::i32);
  return bin;
}

}  // namespace brisk
