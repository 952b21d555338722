#include "brisk/nn/layers.h"
#include "brisk/nn/zoo/zoo.h"

namespace brisk::zoo {

Model mlp(const MlpOptions& options) {
  ModelBuilder model("mlp");
  Value x = model.input("image", options.input);
  x = model(Flatten{}, x);
  for (const int64_t width : options.hidden) {
    x = model(Dense{.units = width, .activation = "relu", .kernel_initializer = "he_normal"}, x);
    if (options.dropout > 0) x = model(Dropout{.rate = options.dropout}, x);
  }
  return model.finish({{"logits", model(Dense{.units = options.classes}, x)}});
}

Model small_cnn(const CnnOptions& options) {
  ModelBuilder model("small_cnn");
  Value x = model.input("image", options.input);
  x = model(Conv2D{.filters = 32, .kernel_size = {3, 3}, .activation = "relu"}, x);
  x = model(MaxPooling2D{}, x);
  x = model(Conv2D{.filters = 64, .kernel_size = {3, 3}, .activation = "relu"}, x);
  x = model(MaxPooling2D{}, x);
  x = model(Flatten{}, x);
  if (options.dropout > 0) x = model(Dropout{.rate = options.dropout}, x);
  return model.finish({{"logits", model(Dense{.units = options.classes}, x)}});
}

}  // namespace brisk::zoo
