#pragma once

/// The dense network of the trainings that TFMOT wrote down.

#include "brisk/base/json.h"
#include "brisk/data/memory_source.h"
#include "brisk/nn/layers.h"

namespace brisk::test {

/// 12 features, 16 hidden units, 5 logits. `first`: layer to {"kernel", "bias"}, row-major lists.
inline Model tfmot_network(const Json& first, const std::string& activation = "tanh") {
  ModelBuilder model("dense");
  Value x = model.input("x", {12});
  x = model(Dense{.units = 16, .activation = activation, .name = "hidden"}, x);
  Model result = model.finish({{"y", model(Dense{.units = 5, .name = "logits"}, x)}});
  result.initialize();
  for (const auto& [layer, json] : first.items())
    for (const char* weight : {"kernel", "bias"}) {
      Tensor& tensor = result.weights[result.program.state_index(layer + "/" + weight)];
      tensor = Tensor::of<float>(tensor.sizes(), json.at(weight).get<std::vector<float>>());
    }
  return result;
}

/// Its examples in batches: {"features", "labels", "batch"}.
inline Dataset tfmot_examples(const Json& json) {
  const auto labels = json.at("labels").get<std::vector<int32_t>>();
  const auto count = static_cast<int64_t>(labels.size());
  return from_tensor_slices(
             {Tensor::of<float>({count, 12}, json.at("features").get<std::vector<float>>()),
              Tensor::of<int32_t>({count}, labels)})
      .batch(json.at("batch"));
}

}  // namespace brisk::test
