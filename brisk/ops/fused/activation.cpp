#include "brisk/ops/fused/activation.h"

#include <array>

#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

std::span<const std::string_view> enum_names(Activation) {
  static constexpr std::array<std::string_view, 3> kNames = {"none", "relu", "relu6"};
  return kNames;
}

Value activate(Value x, Activation activation) {
  switch (activation) {
    case Activation::relu:
      return relu(x);
    case Activation::relu6:
      return relu6(x);
    case Activation::none:
      break;
  }
  return x;
}

}  // namespace brisk
