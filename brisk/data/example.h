#pragma once

/// What a dataset is made of: examples, their components, and functions over them.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "brisk/base/tensor.h"

namespace brisk {

/// One element: its components, for example {image u8[28, 28, 1], label i32[]}.
using Example = std::vector<Tensor>;

/// What a component looks like: name, element type, sizes (without the batch; -1 where they differ
/// from example to example).
struct ComponentSpec {
  std::string name;
  DType dtype;
  std::vector<int64_t> sizes;

  friend bool operator==(const ComponentSpec&, const ComponentSpec&) = default;
};

/// Bytes of one such component; -1 where a size is not known.
int64_t num_bytes(const ComponentSpec& spec);
/// "image u8[28, 28, 1]", with "?" for an unknown size.
std::string describe(const ComponentSpec& spec);
/// "{image u8[28, 28, 1], label i32[]}".
std::string describe(const std::vector<ComponentSpec>& specs);

/// What a map function may base its randomness on: `key` is unique to (seed, map, epoch, index).
struct ExampleContext {
  uint64_t key;
  int64_t epoch;
  int64_t index;  ///< within the epoch, as the map sees it (after a shuffle before it)
};

/// From example to example, pure in (example, context); called from several threads at once. The
/// tensors it is given belong to it: it may write into them.
using MapFunction = std::function<Example(Example, const ExampleContext&)>;

}  // namespace brisk
