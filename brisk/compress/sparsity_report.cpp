#include "brisk/compress/sparsity_report.h"

#include <algorithm>

#include "brisk/compress/prunable_parameters.h"
#include "brisk/formats/gzip/deflate.h"

namespace brisk {
namespace {

int64_t count_zeros(const Tensor& tensor) {
  if (tensor.dtype() == DType::f32) {
    const auto values = tensor.data<float>();
    return std::count(values.begin(), values.end(), 0.0f);
  }
  int64_t zeros = 0;
  for (int64_t i = 0; i < tensor.num_elements(); ++i) zeros += tensor.get(i) == 0 ? 1 : 0;
  return zeros;
}

}  // namespace

SparsityReport sparsity_report(const Model& model) {
  require(model.weights.size() == model.program.state.size(), "model '{}' has no weights yet",
          model.name);
  const std::vector<std::string> prunable = prunable_parameters(model);
  SparsityReport report;
  for (size_t i = 0; i < model.weights.size(); ++i) {
    const Tensor& weights = model.weights[i];
    const std::string& name = model.program.state[i].name;
    const bool pruned = std::find(prunable.begin(), prunable.end(), name) != prunable.end();
    ParameterSparsity parameter{name, weights.describe(), weights.num_elements(),
                                count_zeros(weights), pruned};
    if (pruned) report.elements += parameter.elements, report.zeros += parameter.zeros;
    report.bytes += weights.num_bytes();
    report.gzipped_bytes +=
        gzipped_size({weights.bytes(), static_cast<size_t>(weights.num_bytes())});
    report.parameters.push_back(std::move(parameter));
  }
  return report;
}

}  // namespace brisk
