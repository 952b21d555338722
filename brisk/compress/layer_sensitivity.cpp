#include <algorithm>
#include <cmath>

#include "brisk/compress/quantize_model.h"
#include "brisk/runtime/backend.h"

namespace brisk {
namespace {

Tensor first_output(const Model& model, std::span<const Tensor> batch) {
  const auto executable =
      compile(bind_dimensions(model.program, {{"batch", batch[0].sizes().at(0)}}),
              **find_backend("cpu"))
          .executable;
  executable->bind_state(model.weights);
  return executable->run(batch.first(model.program.num_batch_inputs()))[0].clone();
}

double decibels_between(const Tensor& wanted, const Tensor& found) {
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < wanted.num_elements(); ++i) {
    const double y = wanted.get(i), error = y - found.get(i);
    signal += y * y;
    noise += error * error;
  }
  return noise > 0 ? 10 * std::log10(signal / noise) : INFINITY;
}

}  // namespace

double output_sqnr(const Model& wanted, const Model& found, std::span<const Tensor> batch) {
  return decibels_between(first_output(wanted, batch), first_output(found, batch));
}

std::vector<LayerSensitivity> layer_sensitivity(const Model& folded, const Quantize& quantize,
                                                std::span<const Tensor> batch) {
  std::set<std::string, std::less<>> labels;
  for (const QuantizedLayer& layer : quantize({}).layers)
    if (layer.quantized) labels.insert(layer.label);
  const Tensor wanted = first_output(folded, batch);
  std::vector<LayerSensitivity> result;
  for (const std::string& label : labels) {
    std::set<std::string, std::less<>> others = labels;
    others.erase(label);
    result.push_back(
        {label, decibels_between(wanted, first_output(quantize(others).model, batch))});
  }
  std::stable_sort(result.begin(), result.end(),
                   [](const auto& a, const auto& b) { return a.sqnr < b.sqnr; });
  return result;
}

}  // namespace brisk
