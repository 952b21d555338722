#pragma once

/// Networks whose channels hang together in different ways, with weights of a trained look.

#include <string>

#include "brisk/base/philox.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"

namespace brisk::test {

/// Drawn weights; normalizations that scale, shift and have seen something.
inline Model drawn(Model model, uint64_t seed = 3) {
  model.initialize(seed);
  PhiloxSequence random(seed + 100);
  for (size_t i = 0; i < model.weights.size(); ++i) {
    if (model.program.state[i].type.rank() != 1) continue;
    const std::string& name = model.program.state[i].name;
    const bool positive = name.ends_with("gamma") || name.ends_with("moving_variance");
    for (int64_t j = 0; j < model.weights[i].num_elements(); ++j)
      model.weights[i].set(j, positive ? 0.5 + random.next_unit() : 0.3 * random.next_normal());
  }
  return model;
}

inline Value conv_norm(ModelBuilder& model, Value x, int64_t filters, int64_t kernel,
                       int64_t stride, const std::string& name, int64_t groups = 1) {
  x = model(Conv2D{.filters = filters,
                   .kernel_size = {kernel, kernel},
                   .strides = {stride, stride},
                   .padding = "same",
                   .groups = groups,
                   .use_bias = false,
                   .kernel_initializer = "he_normal",
                   .name = name},
            x);
  return model(BatchNormalization{.epsilon = 1e-3, .name = name + "_norm"}, x);
}

inline Model classified(ModelBuilder& model, Value x, int64_t classes = 10) {
  x = model(GlobalAveragePooling2D{}, x);
  return drawn(model.finish({{"logits", model(Dense{.units = classes, .name = "logits"}, x)}}));
}

/// MobileNet v2's blocks (Sandler et al. 2018): expand, depthwise, project, and a sum where shapes
/// allow it.
inline Model mobile_network() {
  ModelBuilder model("mobile");
  Value x = model.input("image", {32, 32, 3});
  const auto relu6 = [&](Value y) { return model(ReLU{.max_value = 6}, y); };
  x = relu6(conv_norm(model, x, 16, 3, 2, "stem"));
  int64_t width = 16;
  int number = 0;
  const auto block = [&](int64_t filters, int64_t stride) {
    const std::string name = "block" + std::to_string(number++);
    Value y = relu6(conv_norm(model, x, 6 * width, 1, 1, name + "_expand"));
    y = model(DepthwiseConv2D{.strides = {stride, stride},
                              .padding = "same",
                              .use_bias = false,
                              .name = name + "_depthwise"},
              y);
    y = relu6(model(BatchNormalization{.name = name + "_depthwise_norm"}, y));
    y = conv_norm(model, y, filters, 1, 1, name + "_project");
    x = stride == 1 && filters == width ? model(Add{.name = name + "_add"}, {x, y}) : y;
    width = filters;
  };
  block(16, 1), block(24, 2), block(24, 1), block(24, 1), block(32, 2), block(32, 1);
  return classified(model, relu6(conv_norm(model, x, 64, 1, 1, "top")));
}

/// DenseNet's blocks (Huang et al. 2017): each layer reads all that were before it, concatenated.
inline Model dense_network() {
  ModelBuilder model("dense");
  Value x = model(Conv2D{.filters = 24, .padding = "same", .use_bias = false, .name = "stem"},
                  model.input("image", {16, 16, 3}));
  for (int block = 0; block < 2; ++block) {
    for (int layer = 0; layer < 3; ++layer) {
      const std::string name = fmt::format("block{}_{}", block, layer);
      Value y = model(ReLU{}, model(BatchNormalization{.name = name + "_norm"}, x));
      y = model(ReLU{}, conv_norm(model, y, 32, 1, 1, name + "_1"));
      y = model(Conv2D{.filters = 16, .padding = "same", .use_bias = false, .name = name + "_2"},
                y);
      x = model(Concatenate{}, {x, y});
    }
    const std::string name = fmt::format("transition{}", block);
    x = model(ReLU{}, model(BatchNormalization{.name = name + "_norm"}, x));
    x = model(Conv2D{.filters = 32, .kernel_size = {1, 1}, .use_bias = false, .name = name}, x);
    x = model(AveragePooling2D{}, x);
  }
  return classified(model, x);
}

/// Grouped convolutions, a channel shuffle between them, squeeze and excitation, a transposed
/// convolution, a depthwise one that makes two channels of each, a layer called twice.
inline Model odd_network() {
  ModelBuilder model("odd");
  Value x = model(ReLU{}, conv_norm(model, model.input("image", {16, 16, 3}), 32, 3, 1, "stem"));
  x = model(ReLU{}, conv_norm(model, x, 64, 3, 1, "grouped", 2));
  x = model(Reshape{.target_shape = {16, 16, 2, 32}, .name = "split"}, x);
  x = model(Permute{.dims = {1, 2, 4, 3}}, x);
  x = model(Reshape{.target_shape = {16, 16, 64}, .name = "shuffled"}, x);
  x = model(ReLU{}, conv_norm(model, x, 64, 3, 2, "grouped_again", 2));
  Value s = model(GlobalAveragePooling2D{.keepdims = true}, x);
  s = model(Conv2D{.filters = 16, .kernel_size = {1, 1}, .activation = "relu", .name = "squeeze"},
            s);
  s = model(Conv2D{.filters = 64, .kernel_size = {1, 1}, .activation = "sigmoid", .name = "excite"},
            s);
  x = model(Multiply{}, {x, s});
  x = model(DepthwiseConv2D{.padding = "same", .depth_multiplier = 2, .name = "doubling"}, x);
  x = model(SeparableConv2D{.filters = 32, .padding = "same", .name = "separable"}, x);
  x = model(Conv2DTranspose{.filters = 24,
                            .kernel_size = {2, 2},
                            .strides = {2, 2},
                            .activation = "relu",
                            .name = "wider"},
            x);
  x = model(MaxPooling2D{.pool_size = {4, 4}}, x);
  x = model(Flatten{}, x);
  x = model(Dense{.units = 32, .activation = "gelu", .name = "hidden"}, x);
  return drawn(model.finish({{"logits", model(Dense{.units = 10, .name = "logits"}, x)}}));
}

/// A transformer's feed-forward block: what is inside may shrink, what is normalized by layer may
/// not.
inline Model feed_forward_network() {
  ModelBuilder model("feed_forward");
  Value x = model(Dense{.units = 32, .name = "in"}, model.input("tokens", {6, 12}));
  Value y = model(LayerNormalization{.name = "norm"}, x);
  y = model(Dense{.units = 64, .activation = "gelu", .name = "widen"}, y);
  y = model(Dense{.units = 32, .name = "narrow"}, y);
  x = model(LayerNormalization{.name = "last_norm"}, model(Add{}, {x, y}));
  return drawn(model.finish({{"logits", model(Dense{.units = 5, .name = "logits"}, x)}}));
}

}  // namespace brisk::test
