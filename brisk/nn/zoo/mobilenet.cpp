#include "brisk/base/error.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"

// Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks" (2018), table 2: a block
// widens, convolves each channel by itself, and narrows without an activation.

namespace brisk::zoo {
namespace {

struct InvertedResiduals {
  ModelBuilder& model;

  Value normalised(Value x, const std::string& name) const {
    return model(BatchNormalization{.momentum = 0.9, .epsilon = 1e-3, .name = name}, x);
  }

  Value relu6(Value x, const std::string& name) const {
    return model(ReLU{.max_value = 6, .name = name}, x);
  }

  Value convolution(Value x, int64_t filters, int64_t kernel, int64_t stride,
                    const std::string& name) const {
    return model(Conv2D{.filters = filters,
                        .kernel_size = {kernel, kernel},
                        .strides = {stride, stride},
                        .padding = "same",
                        .use_bias = false,
                        .kernel_initializer = "he_normal",
                        .name = name},
                 x);
  }

  Value depthwise(Value x, int64_t stride, const std::string& name) const {
    x = model(DepthwiseConv2D{.strides = {stride, stride},
                              .padding = "same",
                              .use_bias = false,
                              .depthwise_initializer = "he_normal",
                              .name = name + "depthwise"},
              x);
    return relu6(normalised(x, name + "depthwise_BN"), name + "depthwise_relu");
  }

  /// `expansion` 1 does not widen.
  Value inverted_residual(Value x, int64_t expansion, int64_t filters, int64_t stride,
                          const std::string& name) const {
    const int64_t channels = x.shape().size(3);
    Value y = x;
    if (expansion > 1) {
      y = convolution(y, expansion * channels, 1, 1, name + "expand");
      y = relu6(normalised(y, name + "expand_BN"), name + "expand_relu");
    }
    y = depthwise(y, stride, name);
    y = normalised(convolution(y, filters, 1, 1, name + "project"), name + "project_BN");
    if (stride > 1 || channels != filters) return y;
    return model(Add{.name = name + "add"}, {x, y});
  }
};

struct Stage {
  int64_t expansion, filters, blocks, stride;
};
constexpr Stage kStages[] = {{1, 16, 1, 1}, {6, 24, 2, 2},  {6, 32, 3, 2}, {6, 64, 4, 2},
                             {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1}};
constexpr int64_t kFirstThatHalves = 24;

}  // namespace

Model mobilenet_v2(const MobileNetOptions& options) {
  ModelBuilder model("mobilenet_v2");
  const InvertedResiduals layers{model};
  Value x = model.input("image", options.input);
  x = layers.convolution(x, 32, 3, options.small_stem ? 1 : 2, "Conv1");
  x = layers.relu6(layers.normalised(x, "bn_Conv1"), "Conv1_relu");
  int number = 0;
  for (const Stage& stage : kStages)
    for (int64_t i = 0; i < stage.blocks; ++i, ++number) {
      const bool keeps = i > 0 || (options.small_stem && stage.filters == kFirstThatHalves);
      const std::string name =
          number == 0 ? std::string("expanded_conv_") : fmt::format("block_{}_", number);
      x = layers.inverted_residual(x, stage.expansion, stage.filters, keeps ? 1 : stage.stride,
                                   name);
    }
  x = layers.convolution(x, 1280, 1, 1, "Conv_1");
  x = layers.relu6(layers.normalised(x, "Conv_1_bn"), "out_relu");
  x = model(GlobalAveragePooling2D{.name = "global_average_pooling2d"}, x);
  return model.finish(
      {{"logits", model(Dense{.units = options.classes, .name = "predictions"}, x)}});
}

}  // namespace brisk::zoo
