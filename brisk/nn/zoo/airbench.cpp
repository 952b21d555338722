#include "brisk/base/error.h"
#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"

// Pooling comes before batch normalisation, which then sees a quarter of the places. The moving
// statistics follow within a few steps, since a whole training has some hundred.

namespace brisk::zoo {
namespace {

struct Layers {
  ModelBuilder& model;

  Value convolution(Value x, int64_t filters, bool pool, const std::string& name) const {
    x = model(Conv2D{.filters = filters,
                     .kernel_size = {3, 3},
                     .padding = "same",
                     .use_bias = false,
                     .kernel_initializer = "he_normal",
                     .name = name + "_conv"},
              x);
    if (pool) x = model(MaxPooling2D{.name = name + "_pool"}, x);
    x = model(BatchNormalization{.momentum = 0.6, .epsilon = 1e-5, .name = name + "_bn"}, x);
    return model(ReLU{.name = name + "_relu"}, x);
  }
};

}  // namespace

Model airbench(const AirbenchOptions& options) {
  require(options.input.size() == 3 && options.input[0] >= 8 && options.input[1] >= 8,
          "model 'airbench' halves its images three times, so they must be [height, width, "
          "channels] of at least 8 by 8, not [{}]",
          fmt::join(options.input, ", "));
  ModelBuilder model("airbench");
  const Layers layers{model};
  Value x = model.input("image", options.input);
  x = layers.convolution(x, 64, false, "stem");
  for (const int64_t filters : {128, 256, 512}) {
    const std::string name = fmt::format("group{}", filters);
    x = layers.convolution(x, filters, true, name + "_1");
    x = layers.convolution(x, filters, false, name + "_2");
  }
  x = model(GlobalMaxPooling2D{.name = "max_pool"}, x);
  return model.finish(
      {{"logits", model(Dense{.units = options.classes, .name = "predictions"}, x)}});
}

}  // namespace brisk::zoo
