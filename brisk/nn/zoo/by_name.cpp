#include "brisk/base/edit_distance.h"
#include "brisk/nn/zoo/zoo.h"

namespace brisk::zoo {

std::vector<std::string> names() { return {"mlp", "small_cnn", "resnet18", "resnet50"}; }

Model by_name(const std::string& name, const std::vector<int64_t>& input, int64_t classes) {
  if (name == "mlp") return mlp({.input = input, .classes = classes});
  if (name == "small_cnn") return small_cnn({.input = input, .classes = classes});
  // A stem that halves twice leaves nothing of a small image.
  const bool small = !input.empty() && input[0] <= 64;
  if (name == "resnet18") return resnet18({.input = input, .classes = classes, .small_stem = small});
  if (name == "resnet50") return resnet50({.input = input, .classes = classes, .small_stem = small});
  refuse("there is no model '{}'{}; there are: {}", name, did_you_mean(name, names()), fmt::join(names(), ", "));
}

}  // namespace brisk::zoo
