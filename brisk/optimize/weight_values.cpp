#include "brisk/optimize/weight_values.h"

#include <cmath>
#include <set>

#include "brisk/compress/prunable_parameters.h"

namespace brisk {
namespace {

const Tensor& weights_of(const Model& model, const std::string& parameter) {
  return model.weights[model.program.state_index(parameter)];
}

}  // namespace

void require_finite(const Model& model) {
  for (size_t i = 0; i < model.weights.size(); ++i) {
    const Tensor& weights = model.weights[i];
    for (int64_t k = 0; k < weights.num_elements(); ++k)
      require(std::isfinite(weights.get(k)),
              "model '{}' is broken: '{}' has the value {}; its training diverged, so train it "
              "again with a smaller learning rate",
              model.name, model.program.state[i].name, weights.get(k));
  }
}

int64_t classes_of(const Model& model) {
  const Shape& shape = model.program.graph.output_type(0).shape();
  return shape.rank() > 1 && !shape[shape.rank() - 1].is_named() ? shape.size(shape.rank() - 1) : 0;
}

double share_of_zeros(const Model& model) {
  int64_t zeros = 0, elements = 0;
  for (const std::string& name : prunable_parameters(model)) {
    const Tensor& weights = weights_of(model, name);
    elements += weights.num_elements();
    for (int64_t i = 0; i < weights.num_elements(); ++i) zeros += weights.get(i) == 0 ? 1 : 0;
  }
  return elements > 0 ? static_cast<double>(zeros) / static_cast<double>(elements) : 0;
}

int64_t most_values(const Model& model, int64_t limit) {
  int64_t most = 0;
  for (const std::string& name : prunable_parameters(model)) {
    const Tensor& weights = weights_of(model, name);
    std::set<double> values;
    for (int64_t i = 0; i < weights.num_elements(); ++i) {
      values.insert(weights.get(i));
      if (static_cast<int64_t>(values.size()) > limit) return limit + 1;
    }
    most = std::max(most, static_cast<int64_t>(values.size()));
  }
  return most;
}

}  // namespace brisk
