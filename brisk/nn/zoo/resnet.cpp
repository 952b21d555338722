#include "brisk/base/error.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"

// He et al., "Deep Residual Learning for Image Recognition" (2015), in the form known as v1.5: a
// bottleneck's stride sits in its 3x3 convolution. Padding is explicit and symmetric, as in the
// published checkpoints; Keras's "same" would put the odd pixel elsewhere.

namespace brisk::zoo {
namespace {

struct Block {
  ModelBuilder& model;

  Value convolution(Value x, int64_t filters, int64_t kernel, int64_t stride,
                    const std::string& name) const {
    if (kernel > 1) {
      const int64_t edge = (kernel - 1) / 2;
      x = model(ZeroPadding2D{.padding = {{edge, edge}, {edge, edge}}, .name = name + "_pad"}, x);
    }
    x = model(Conv2D{.filters = filters,
                     .kernel_size = {kernel, kernel},
                     .strides = {stride, stride},
                     .use_bias = false,
                     .kernel_initializer = "he_normal",
                     .name = name + "_conv"},
              x);
    return model(BatchNormalization{.momentum = 0.9, .epsilon = 1e-5, .name = name + "_bn"}, x);
  }

  Value activated(Value x, int64_t filters, int64_t kernel, int64_t stride,
                  const std::string& name) const {
    return model(ReLU{.name = name + "_relu"}, convolution(x, filters, kernel, stride, name));
  }

  Value join(Value x, Value shortcut, const std::string& name) const {
    return model(ReLU{.name = name + "_out"}, model(Add{.name = name + "_add"}, {x, shortcut}));
  }

  Value basic(Value x, int64_t filters, int64_t stride, bool project,
              const std::string& name) const {
    const Value shortcut = project ? convolution(x, filters, 1, stride, name + "_0") : x;
    Value y = activated(x, filters, 3, stride, name + "_1");
    y = convolution(y, filters, 3, 1, name + "_2");
    return join(y, shortcut, name);
  }

  Value bottleneck(Value x, int64_t filters, int64_t stride, bool project,
                   const std::string& name) const {
    const Value shortcut = project ? convolution(x, 4 * filters, 1, stride, name + "_0") : x;
    Value y = activated(x, filters, 1, 1, name + "_1");
    y = activated(y, filters, 3, stride, name + "_2");
    y = convolution(y, 4 * filters, 1, 1, name + "_3");
    return join(y, shortcut, name);
  }
};

Model resnet(const std::string& name, const ResNetOptions& options, std::span<const int> depths,
             bool bottleneck) {
  ModelBuilder model(name);
  const Block block{model};
  Value x = model.input("image", options.input);
  if (!options.resize.empty()) {
    require(options.resize.size() == 2, "images are resized to [height, width], not [{}]",
            fmt::join(options.resize, ", "));
    x = model(Resizing{.height = options.resize[0], .width = options.resize[1], .name = "resize"},
              x);
  }
  if (options.small_stem) {
    x = block.activated(x, 64, 3, 1, "conv1");
  } else {
    x = block.activated(x, 64, 7, 2, "conv1");
    x = model(ZeroPadding2D{.padding = {{1, 1}, {1, 1}}, .name = "pool1_pad"}, x);
    x = model(MaxPooling2D{.pool_size = {3, 3}, .strides = {2, 2}, .name = "pool1"}, x);
  }
  for (size_t stage = 0; stage < depths.size(); ++stage) {
    const int64_t filters = int64_t{64} << stage;
    for (int i = 0; i < depths[stage]; ++i) {
      const int64_t stride = i == 0 && stage > 0 ? 2 : 1;
      const bool project = i == 0 && (stride != 1 || bottleneck);
      const std::string block_name = fmt::format("conv{}_block{}", stage + 2, i + 1);
      x = bottleneck ? block.bottleneck(x, filters, stride, project, block_name)
                     : block.basic(x, filters, stride, project, block_name);
    }
  }
  x = model(GlobalAveragePooling2D{.name = "avg_pool"}, x);
  x = model(Dense{.units = options.classes, .name = "predictions"}, x);
  return model.finish({{"logits", x}});
}

}  // namespace

Model resnet18(const ResNetOptions& options) {
  constexpr int kDepths[] = {2, 2, 2, 2};
  return resnet("resnet18", options, kDepths, false);
}

Model resnet50(const ResNetOptions& options) {
  constexpr int kDepths[] = {3, 4, 6, 3};
  return resnet("resnet50", options, kDepths, true);
}

}  // namespace brisk::zoo
