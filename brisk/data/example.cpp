#include "brisk/data/example.h"

#include "brisk/base/shape.h"

namespace brisk {

int64_t num_bytes(const ComponentSpec& spec) {
  for (const int64_t size : spec.sizes) {
    if (size < 0) return -1;
  }
  return byte_size(spec.dtype, checked_product(spec.sizes));
}

std::string describe(const ComponentSpec& spec) {
  std::string sizes;
  for (const int64_t size : spec.sizes) {
    if (!sizes.empty()) sizes += ", ";
    sizes += size < 0 ? "?" : std::to_string(size);
  }
  return fmt::format("{} {}[{}]", spec.name, name(spec.dtype), sizes);
}

std::string describe(const std::vector<ComponentSpec>& specs) {
  std::string text;
  for (const ComponentSpec& spec : specs) {
    if (!text.empty()) text += ", ";
    text += describe(spec);
  }
  return "{" + text + "}";
}

}  // namespace brisk
