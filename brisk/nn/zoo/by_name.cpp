#include "brisk/base/edit_distance.h"
#include "brisk/nn/zoo/zoo.h"

namespace brisk::zoo {

namespace {

struct Architecture {
  std::string_view name;
  std::vector<int64_t> input;  ///< that it is known by
  int64_t classes;
};

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> known = {
      {"mlp", {28, 28, 1}, 10},          {"small_cnn", {28, 28, 1}, 10},
      {"airbench", {32, 32, 3}, 10},     {"resnet18", {224, 224, 3}, 1000},
      {"resnet50", {224, 224, 3}, 1000}, {"mobilenet_v2", {224, 224, 3}, 1000},
      {"gpt2", {1024}, 50304},           {"bert_base", {128}, 2}};
  return known;
}

const Architecture& architecture_of(const std::string& name) {
  for (const Architecture& architecture : architectures())
    if (architecture.name == name) return architecture;
  refuse("there is no model '{}'{}; there are: {}", name, did_you_mean(name, names()),
         fmt::join(names(), ", "));
}

int64_t steps_of(const std::string& name, const std::vector<int64_t>& input) {
  require(input.size() == 1, "model '{}' takes [steps], but the input is [{}]", name,
          fmt::join(input, ", "));
  return input[0];
}

}  // namespace

std::vector<std::string> names() {
  std::vector<std::string> result;
  for (const Architecture& architecture : architectures()) result.emplace_back(architecture.name);
  return result;
}

Model by_name(const std::string& name, int64_t steps) {
  const Architecture& known = architecture_of(name);
  require(steps <= 0 || known.input.size() == 1, "model '{}' takes images, so it has no steps",
          name);
  return by_name(name, steps > 0 ? std::vector{steps} : known.input, known.classes);
}

Model by_name(const std::string& name, const std::vector<int64_t>& input, int64_t classes,
              double dropout, const std::vector<int64_t>& resize) {
  architecture_of(name);
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
  if (name == "gpt2") {
    Gpt2Options options{.steps = steps_of(name, input), .vocabulary = classes};
    if (dropout >= 0) options.dropout = dropout;
    return gpt2(options);
  }
  if (name == "bert_base") {
    BertOptions options{.steps = steps_of(name, input), .classes = classes};
    if (dropout >= 0) options.dropout = dropout;
    return bert_base(options);
  }
  require(dropout < 0, "model '{}' has no dropout, so its rate cannot be {}", name, dropout);
  if (name == "airbench") return airbench({.input = input, .classes = classes});
  // A stem that halves twice leaves nothing of a small image.
  const std::vector<int64_t>& size = resize.empty() ? input : resize;
  const bool small = !size.empty() && size[0] <= 64;
  if (name == "mobilenet_v2")
    return mobilenet_v2({.input = input, .classes = classes, .small_stem = small});
  const ResNetOptions options{
      .input = input, .classes = classes, .small_stem = small, .resize = resize};
  return name == "resnet18" ? resnet18(options) : resnet50(options);
}

}  // namespace brisk::zoo
