#pragma once

/// The inner loops of products with weights in 8- or 4-bit integers and activations in floats. One
/// set for each instruction set; the one with dot products of bf16 takes pairs along k.

#include <cstddef>
#include <cstdint>

namespace brisk::cpu {

/// `columns` columns of the weights lie together as a panel, rounded up with zeros. 8-bit integers
/// lie as [k / depth, columns, depth]: a step along k is `depth` rows. Of 4-bit integers
/// `packed_steps` steps make a register: of columns v * lanes + i, rows d of step s, element number
/// s * columns / lanes + v of the 32 / depth bits at place i * depth + d, first in the low bits.
/// A panel is multiplied as it is, or expanded to floats first, which pays where many rows meet it.
struct WeightOnlyTile {
  const std::byte* lhs = nullptr;  ///< floats [rows, k]
  int64_t rows = 0, k = 0;
  const std::byte* panel = nullptr;
  bool packed = false;                  ///< 4-bit integers
  const std::byte* expanded = nullptr;  ///< the panel's floats, or null
  int64_t block = 0;  ///< rows of a scale: at least k, or a multiple of kBlockMultiple
  const std::byte* scale = nullptr;  ///< f32 [ceil(k / block), columns of a panel]
  bool short_scale = false;          ///< ... or bf16
  int64_t columns = 0;               ///< of the panel that are there
  float* result = nullptr;           ///< [rows, stride], from the panel's first column on
  int64_t stride = 0;
};

inline constexpr int64_t kBlockMultiple = 4;

struct WeightOnlyLoops {
  int64_t columns;       ///< of a panel
  int64_t lanes;         ///< columns of a vector
  int64_t depth;         ///< weights along k that lie together
  int64_t packed_steps;  ///< of 4-bit integers in a register
  int64_t rows;          ///< computed together
  bool bf16;             ///< lhs is bf16, else f32
  int64_t float_bytes;   ///< of an expanded weight
  void (*expand)(const std::byte* panel, bool packed, int64_t k, std::byte* expanded);
  void (*multiply)(const WeightOnlyTile& tile);
};

/// For lhs in bf16 with `bf16`, which only some processors have, else in f32.
const WeightOnlyLoops& weight_only_loops(bool bf16);

}  // namespace brisk::cpu
