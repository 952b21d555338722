#pragma once

/// Examples that lie in memory, or are made up.

#include <memory>
#include <string>
#include <vector>

#include "brisk/data/dataset.h"

namespace brisk {

/// Examples whose component i is a row of `arrays[i]`: f32[100, 3] gives 100 examples of f32[3].
/// The arrays need the same first size; they are shared, not copied. Names default to "image" and
/// "label" for two arrays, else to component_0, ...
std::shared_ptr<const Source> memory_source(std::vector<Tensor> arrays,
                                            std::vector<std::string> names = {},
                                            std::vector<std::string> class_names = {});

/// What tf.data.Dataset.from_tensor_slices does.
Dataset from_tensor_slices(std::vector<Tensor> arrays);

/// Random images {image u8[height, width, channels], label i32[]} with labels below `num_classes`,
/// a function of (seed, index): for benchmarks and tests, which must not read files.
struct SyntheticImages {
  int64_t count = 1024;
  int64_t height = 224;
  int64_t width = 224;
  int64_t channels = 3;
  int64_t num_classes = 1000;
  uint64_t seed = 0;
};
std::shared_ptr<const Source> synthetic_source(const SyntheticImages& images);

}  // namespace brisk
