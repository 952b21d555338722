#pragma once

/// Images of three bands of which one is bright, and a model that tells which.

#include <filesystem>
#include <fstream>
#include <string>

#include "brisk/base/philox.h"
#include "brisk/nn/layers.h"

namespace brisk::test {

inline std::string big_endian(int64_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

/// IDX files of images u8[count, 9, 8] in three bands.
inline void write_bands(const std::filesystem::path& directory, const std::string& name,
                        int64_t count, uint64_t seed) {
  PhiloxSequence random(seed);
  std::string images = big_endian(0x803) + big_endian(count) + big_endian(9) + big_endian(8);
  std::string labels = big_endian(0x801) + big_endian(count);
  for (int64_t n = 0; n < count; ++n) {
    const auto label = static_cast<int64_t>(random.next_below(3));
    labels += static_cast<char>(label);
    for (int64_t p = 0; p < 72; ++p)
      images += static_cast<char>(random.next_below(120) + (p / 24 == label ? 120 : 0));
  }
  std::ofstream(directory / (name + "-images"), std::ios::binary) << images;
  std::ofstream(directory / (name + "-labels"), std::ios::binary) << labels;
}

/// Images of 9 by 8; a sum of each band, and no more: it is always right. Its classes have long
/// names, so that the size of a package can be chosen.
inline Model bands_model(int64_t name_bytes) {
  ModelBuilder builder("bands");
  Value x = builder.input("image", {9, 8, 1});
  x = builder(Flatten{}, x);
  Model model = builder.finish({{"logits", builder(Dense{.units = 3}, x)}});
  model.initialize();
  Tensor &kernel = model.weights[0], &bias = model.weights[1];
  for (int64_t p = 0; p < 72; ++p)
    for (int64_t c = 0; c < 3; ++c) kernel.set(p * 3 + c, p / 24 == c ? 1 : 0);
  for (int64_t c = 0; c < 3; ++c) bias.set(c, 0);
  for (const char c : {'a', 'b', 'c'})
    model.class_names.push_back(std::string(static_cast<size_t>(name_bytes), c));
  return model;
}

}  // namespace brisk::test
