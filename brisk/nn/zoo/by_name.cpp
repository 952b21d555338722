#include "brisk/base/edit_distance.h"
#include "brisk/nn/zoo/zoo.h"

namespace brisk::zoo {

std::vector<std::string> names() {
  return {"mlp", "small_cnn", "airbench", "resnet18", "resnet50"};
}

Model by_name(const std::string& name, const std::vector<int64_t>& input, int64_t classes,
              double dropout, const std::vector<int64_t>& resize) {
  require(resize.empty() || name.starts_with("resnet"),
          "model '{}' takes images as they come and resizes none; resnet18 and resnet50 do", name);
  if (name == "mlp") {
    MlpOptions options{.input = input, .classes = classes};
    if (dropout >= 0) options.dropout = dropout;
    return mlp(options);
  }
  if (name == "small_cnn") {
    CnnOptions options{.input = input, .classes = classes};
    if (dropout >= 0) options.dropout = dropout;
    return small_cnn(options);
  }
  if (name == "airbench" || name == "resnet18" || name == "resnet50")
    require(dropout < 0, "model '{}' has no dropout, so its rate cannot be {}", name, dropout);
  if (name == "airbench") return airbench({.input = input, .classes = classes});
  // A stem that halves twice leaves nothing of a small image.
  const std::vector<int64_t>& size = resize.empty() ? input : resize;
  const bool small = !size.empty() && size[0] <= 64;
  if (name == "resnet18")
    return resnet18({.input = input, .classes = classes, .small_stem = small, .resize = resize});
  if (name == "resnet50")
    return resnet50({.input = input, .classes = classes, .small_stem = small, .resize = resize});
  refuse("there is no model '{}'{}; there are: {}", name, did_you_mean(name, names()),
         fmt::join(names(), ", "));
}

}  // namespace brisk::zoo
