#include "brisk/backends/cpu/kernels/weight_only/weight_panels.h"

#include <algorithm>
#include <cstring>

#include "brisk/base/packed_integers.h"
#include "brisk/base/rounding.h"
#include "brisk/base/tensor.h"

namespace brisk::cpu {

WeightPanels::WeightPanels(const WeightOnlyLoops& loops, DType weights, int64_t k, int64_t n,
                           DType scale, int64_t block)
    : loops_(loops),
      packed_(weights == DType::i4),
      short_scale_(scale == DType::bf16),
      k_(k),
      n_(n),
      block_(block == 0 ? k : block),
      blocks_(ceil_div(k, block_)),
      count_(ceil_div(n, loops.columns)),
      steps_(round_up(ceil_div(k, loops.depth), packed_ ? loops.packed_steps : 1)),
      panel_bytes_(steps_ * loops.depth * loops.columns / (packed_ ? 2 : 1)),
      scale_bytes_(blocks_ * loops.columns * (short_scale_ ? 2 : 4)),
      weights_(allocate_aligned(count_ * panel_bytes_)),
      scales_(allocate_aligned(count_ * scale_bytes_)) {}

void WeightPanels::describe(int64_t panel, WeightOnlyTile& tile) const {
  tile.k = k_;
  tile.panel = weights_.get() + panel * panel_bytes_;
  tile.packed = packed_;
  tile.block = block_;
  tile.scale = scales_.get() + panel * scale_bytes_;
  tile.short_scale = short_scale_;
  tile.columns = std::min(loops_.columns, n_ - panel * loops_.columns);
}

void WeightPanels::expand(int64_t panel, std::byte* expanded) const {
  loops_.expand(weights_.get() + panel * panel_bytes_, packed_, k_, expanded);
}

void WeightPanels::pack_weights(const std::byte* weights) {
  std::memset(weights_.get(), 0, static_cast<size_t>(count_ * panel_bytes_));
  packed_ ? pack_halves(weights) : pack_bytes(reinterpret_cast<const int8_t*>(weights));
}

void WeightPanels::pack_bytes(const int8_t* weights) {
  const int64_t depth = loops_.depth;
  auto* packed = reinterpret_cast<int8_t*>(weights_.get());
  for (int64_t row = 0; row < k_; ++row)
    for (int64_t panel = 0; panel < count_; ++panel) {
      const int64_t column = panel * loops_.columns;
      const int64_t columns = std::min(loops_.columns, n_ - column);
      const int8_t* from = weights + row * n_ + column;
      int8_t* to =
          packed + panel * panel_bytes_ + row / depth * depth * loops_.columns + row % depth;
      for (int64_t c = 0; c < columns; ++c) to[c * depth] = from[c];
    }
}

void WeightPanels::pack_halves(const std::byte* weights) {
  const int64_t depth = loops_.depth, lanes = loops_.lanes, vectors = loops_.columns / lanes,
                place_bytes = 4 / depth, register_bytes = lanes * 4;
  for (int64_t row = 0; row < k_; ++row) {
    const int64_t step = row / depth, part = step % loops_.packed_steps;
    std::byte* to =
        weights_.get() + step / loops_.packed_steps * register_bytes + row % depth * place_bytes;
    for (int64_t column = 0; column < n_; ++column) {
      const int64_t panel = column / loops_.columns, inside = column % loops_.columns;
      const int64_t number = part * vectors + inside / lanes;
      std::byte& pair = to[panel * panel_bytes_ + inside % lanes * 4 + number / 2];
      const auto bits = static_cast<uint8_t>(packed_element(weights, row * n_ + column) & 0xF);
      pair |= std::byte(bits << (number % 2 * 4));
    }
  }
}

void WeightPanels::pack_scales(const std::byte* scales) {
  std::memset(scales_.get(), 0, static_cast<size_t>(count_ * scale_bytes_));
  const int64_t bytes = short_scale_ ? 2 : 4;
  for (int64_t panel = 0; panel < count_; ++panel) {
    const int64_t column = panel * loops_.columns;
    const int64_t columns = std::min(loops_.columns, n_ - column);
    for (int64_t block = 0; block < blocks_; ++block)
      std::memcpy(scales_.get() + panel * scale_bytes_ + block * loops_.columns * bytes,
                  scales + (block * n_ + column) * bytes, static_cast<size_t>(columns * bytes));
  }
}

}  // namespace brisk::cpu
