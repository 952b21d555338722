#include "brisk/ops/fused/activation.h"

#include <array>

#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

std::span<const std::string_view> enum_names(Activation) {
  static constexpr std::array<std::string_view, 2> kNames = {"none", "relu"};
  return kNames;
}

Value activate(Value x, Activation activation) {
  return activation == Activation::relu ? relu(x) : x;
}

}  // namespace brisk
