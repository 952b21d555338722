#pragma once

/// Small graphs built and evaluated in one expression.

#include <functional>
#include <span>
#include <vector>

#include "brisk/autodiff/gradient.h"
#include "brisk/backends/reference/evaluate.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"

namespace brisk::testing {

using BuildOne = std::function<Value(Builder&, std::span<const Value>)>;

inline std::vector<Value> inputs_for(Builder& builder, std::span<const Tensor> inputs) {
  std::vector<Value> values;
  for (const Tensor& input : inputs)
    values.push_back(builder.input(fmt::format("input{}", values.size()),
                                   Type(input.dtype(), Shape(input.sizes()))));
  return values;
}

/// What `build` makes of the inputs.
inline Tensor computed(const std::vector<Tensor>& inputs, const BuildOne& build) {
  Builder builder(standard_ops());
  const std::vector<Value> values = inputs_for(builder, inputs);
  const Value result = build(builder, values);
  return reference::evaluate(builder.finish({{"result", result}}), inputs)[0];
}

/// The gradient of the sum of what `build` makes with respect to each input.
inline std::vector<Tensor> gradients(const std::vector<Tensor>& inputs, const BuildOne& build) {
  Builder builder(standard_ops());
  const std::vector<Value> values = inputs_for(builder, inputs);
  std::vector<Builder::Output> outputs;
  for (const Value& g : gradient(reduce_sum(build(builder, values)), values))
    outputs.push_back({fmt::format("gradient{}", outputs.size()), g});
  return reference::evaluate(builder.finish(outputs), inputs);
}

inline Tensor f64s(std::vector<double> values) {
  const auto count = static_cast<int64_t>(values.size());
  return Tensor::of<double>({count}, values);
}

inline std::vector<double> as_doubles(const Tensor& tensor) {
  std::vector<double> values;
  for (int64_t i = 0; i < tensor.num_elements(); ++i) values.push_back(tensor.get(i));
  return values;
}

}  // namespace brisk::testing
