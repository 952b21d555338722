#include "brisk/data/source.h"

#include <cstring>

namespace brisk {

bool Source::view(int64_t, std::span<const std::byte*>) const {
  return false;
}

void Source::copy(int64_t index, std::span<std::byte* const> components) const {
  const std::vector<ComponentSpec> specs = this->components();
  std::vector<const std::byte*> views(specs.size());
  Example example;
  if (!view(index, views)) {
    example = at(index);
    invariant(example.size() == specs.size(), "example {} has {} components instead of {}", index,
              example.size(), specs.size());
  }
  for (size_t i = 0; i < specs.size(); ++i) {
    const int64_t bytes = num_bytes(specs[i]);
    if (!example.empty()) {
      invariant(example[i].num_bytes() == bytes, "example {}'s component `{}` is {} instead of {}",
                index, specs[i].name, example[i].describe(), describe(specs[i]));
      views[i] = example[i].bytes();
    }
    std::memcpy(components[i], views[i], static_cast<size_t>(bytes));
  }
}

}  // namespace brisk
