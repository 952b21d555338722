#pragma once

/// The inner loops of products with weights in 8-bit integers and activations in floats. One set
/// for each instruction set; the one with dot products of bf16 takes pairs along k.

#include <cstddef>
#include <cstdint>

namespace brisk::cpu {

/// `columns` columns of the weights lie together as a panel i8 [k / depth, columns, depth], rounded
/// up with zeros. A panel is multiplied as it is, or expanded to floats first, which pays where
/// many rows meet it.
struct WeightOnlyTile {
  const std::byte* lhs;  ///< floats [rows, k]
  int64_t rows, k;
  const int8_t* panel;
  const std::byte* expanded;  ///< the panel's floats, or null
  const float* scale;         ///< [columns]
  int64_t columns;            ///< of the panel that are there
  float* result;              ///< [rows, stride], from the panel's first column on
  int64_t stride;
};

struct WeightOnlyLoops {
  int64_t columns;      ///< of a panel
  int64_t depth;        ///< weights along k that lie together
  int64_t rows;         ///< computed together
  bool bf16;            ///< lhs is bf16, else f32
  int64_t float_bytes;  ///< of an expanded weight
  void (*expand)(const int8_t* panel, int64_t k, std::byte* expanded);
  void (*multiply)(const WeightOnlyTile& tile);
};

/// For lhs in bf16 with `bf16`, which only some processors have, else in f32.
const WeightOnlyLoops& weight_only_loops(bool bf16);

}  // namespace brisk::cpu
