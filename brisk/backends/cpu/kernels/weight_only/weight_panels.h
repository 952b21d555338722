#pragma once

/// The weights of a weight_only_dot in the order in which its loops read them.

#include <memory>

#include "brisk/backends/cpu/kernels/weight_only/weight_only_loops.h"
#include "brisk/base/dtype.h"

namespace brisk::cpu {

class WeightPanels {
 public:
  /// Of weights i8 or i4 [k, n] whose scales, f32 or bf16, each hold for `block` rows.
  WeightPanels(const WeightOnlyLoops& loops, DType weights, int64_t k, int64_t n, DType scale,
               int64_t block);

  void pack_weights(const std::byte* weights);
  void pack_scales(const std::byte* scales);

  int64_t count() const { return count_; }
  /// Fills in what a tile has of panel `panel`.
  void describe(int64_t panel, WeightOnlyTile& tile) const;
  /// Of an expanded panel.
  int64_t expanded_bytes() const {
    return steps_ * loops_.depth * loops_.columns * loops_.float_bytes;
  }
  void expand(int64_t panel, std::byte* expanded) const;

 private:
  void pack_bytes(const int8_t* weights);
  void pack_halves(const std::byte* weights);

  const WeightOnlyLoops& loops_;
  bool packed_, short_scale_;
  int64_t k_, n_, block_, blocks_, count_, steps_, panel_bytes_, scale_bytes_;
  std::shared_ptr<std::byte[]> weights_, scales_;
};

}  // namespace brisk::cpu
