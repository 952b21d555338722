#pragma once

/// A small network with all that quantization meets, images for it, and what it makes of them.

#include <cmath>
#include <string>
#include <vector>

#include "brisk/base/philox.h"
#include "brisk/nn/layers.h"
#include "brisk/runtime/backend.h"

namespace brisk {

/// Batch normalizations that do something: scales and variances around 1, the rest around 0.
inline void vary_normalizations(Model& model) {
  PhiloxSequence random(11);
  for (size_t i = 0; i < model.weights.size(); ++i) {
    const std::string& name = model.program.state[i].name;
    const bool positive = name.ends_with("gamma") || name.ends_with("moving_variance");
    if (!positive && !name.ends_with("beta") && !name.ends_with("moving_mean")) continue;
    for (int64_t j = 0; j < model.weights[i].num_elements(); ++j)
      model.weights[i].set(j, positive ? 0.5 + random.next_unit() : 0.3 * random.next_normal());
  }
}

/// A residual network in small: batch norms, a pool between convolutions, a depthwise layer, relu6.
inline Model residual_model() {
  ModelBuilder model("residual");
  Value x = model.input("image", {12, 12, 3});
  const auto normalized = [&](Value y, const std::string& name) {
    return model(BatchNormalization{.name = name + "_norm"}, y);
  };
  x = normalized(
      model(Conv2D{.filters = 16, .padding = "same", .use_bias = false, .name = "first"}, x),
      "first");
  x = model(MaxPooling2D{}, model(ReLU{}, x));
  Value y = normalized(
      model(Conv2D{.filters = 16, .padding = "same", .use_bias = false, .name = "a"}, x), "a");
  y = model(ReLU{}, y);
  y = normalized(model(Conv2D{.filters = 16, .padding = "same", .use_bias = false, .name = "b"}, y),
                 "b");
  x = model(ReLU{}, model(Add{}, {x, y}));
  x = normalized(
      model(DepthwiseConv2D{.padding = "same", .use_bias = false, .name = "depthwise"}, x),
      "depthwise");
  x = model(ReLU{.max_value = 6}, x);
  x = model(GlobalAveragePooling2D{}, x);
  Model result = model.finish({{"logits", model(Dense{.units = 5, .name = "logits"}, x)}});
  result.initialize(3);
  vary_normalizations(result);
  return result;
}

inline std::vector<Tensor> images(int64_t count) {
  PhiloxSequence random(4);
  Tensor images(DType::f32, {count, 12, 12, 3});
  for (int64_t i = 0; i < images.num_elements(); ++i) images.set(i, random.next_normal());
  return {images};
}

inline Tensor run(const Model& model, const std::string& backend, const Tensor& input) {
  const Program program =
      bind_dimensions(for_inference(model.program), {{"batch", input.sizes()[0]}});
  const auto executable = compile(program, **find_backend(backend)).executable;
  executable->bind_state(model.weights);
  return executable->run(std::vector{input})[0].clone();
}

inline double largest(const Tensor& x) {
  double result = 0;
  for (int64_t i = 0; i < x.num_elements(); ++i) result = std::max(result, std::fabs(x.get(i)));
  return result;
}
/// max |a - b| over max |a|.
inline double difference(const Tensor& a, const Tensor& b) {
  double result = 0;
  for (int64_t i = 0; i < a.num_elements(); ++i)
    result = std::max(result, std::fabs(a.get(i) - b.get(i)));
  return result / largest(a);
}

}  // namespace brisk
