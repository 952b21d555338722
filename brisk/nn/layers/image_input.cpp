#include "brisk/nn/layers/image_input.h"

#include "brisk/base/error.h"

namespace brisk {

void require_image_input(const Value& x) {
  bool fits = x.rank() == 4;
  for (int64_t axis = 1; fits && axis < 4; ++axis) fits = !x.shape()[axis].is_named();
  require(fits, "the input must be [batch, height, width, channels], but is {}", x.type().to_string());
}

void require_two(std::string_view argument, const std::vector<int64_t>& values) {
  require(values.size() == 2 && values[0] > 0 && values[1] > 0,
          "{} must be two positive numbers, but is [{}]", argument, fmt::join(values, ", "));
}

bool is_same_padding(const std::string& padding) {
  require(padding == "same" || padding == "valid", "padding must be 'valid' or 'same', but is '{}'", padding);
  return padding == "same";
}

std::vector<int64_t> spatial_sizes(const Value& x) { return {x.shape().size(1), x.shape().size(2)}; }

}  // namespace brisk
