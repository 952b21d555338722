#include "brisk/backends/cuda/kernels/halo_plan.h"

#include <algorithm>

#include "brisk/base/rounding.h"

namespace brisk::cuda {
namespace {

constexpr int64_t kMostPositions = 256;  // of the instruction
constexpr int64_t kMostOfABox = 256;     // along each axis
constexpr int64_t kMostSlices = 8;
constexpr int64_t kFewestSlices = 3;
constexpr int64_t kMostParts = 1024;
constexpr int64_t kAlignment = 1024;
constexpr int64_t kBarriers = 16;     // bytes of a pair of them
constexpr int64_t kOfCombining = 64;  // static shared memory
/// Positions that are a place of the result, of those multiplied.
constexpr double kFewestUseful = 0.75;
/// Each slice of the filter is multiplied by all positions of a tile: with fewer, what comes
/// through L2 is the limit.
constexpr int64_t kFewestPositions = 96;
constexpr int64_t kFewestPositionsASlice = 192;

/// The gradient at place `at` of an axis takes filter place r from result (at + pad - r) / stride.
void add_taps(HaloPlan& plan, const HaloConvolution& convolution) {
  const int64_t stride = convolution.stride;
  const auto& [high, left] = convolution.pad;
  const auto from = [&](int64_t at, int64_t pad, int64_t r) -> std::optional<int64_t> {
    if (!convolution.gradient) return r - pad + 1;
    const int64_t there = at + pad - r + stride;  // a halo of one before it
    if (there % stride != 0) return std::nullopt;
    return there / stride;
  };
  for (int64_t phase = 0; phase < stride * stride; ++phase) {
    for (int64_t place = 0; place < 9; ++place) {
      const auto line = from(phase / stride, high, place / 3);
      const auto column = from(phase % stride, left, place % 3);
      if (line && column) plan.taps.push_back({place, *line, *column});
    }
    plan.first_of.push_back(static_cast<int64_t>(plan.taps.size()));
  }
}

}  // namespace

int64_t HaloPlan::stage_bytes() const {
  // The last position's neighbours: multiplied, though for no result.
  return round_up((positions + 2 * pitch + 2) * kLine, kAlignment);
}

int64_t HaloPlan::staging_bytes(int64_t width) const {
  // Two rows more: what positions in the halo read, and what they write.
  return round_up((lines * width + 2) * kLine, kAlignment);
}

int64_t HaloPlan::shared_bytes(int64_t width) const {
  return kAlignment + rings() * stages * (stage_bytes() + kBarriers) +
         slices * (team * kUnit + kBarriers) + 2 * (staging_bytes(width) + kBarriers) + kBarriers;
}

// Measured on an H100, batch 256 in f16 (us): 56 x 56, 64 to 64: forward, 4 lines and one box 93, 2
// lines and two boxes 100; the gradient, which memory limits, 127 and 119. 28 x 28, 128 to 128: the
// gradient, 3 boxes and 4 slices 107, 2 and 6 113.
std::optional<HaloPlan> halo_plan(const HaloConvolution& convolution,
                                  const DeviceProperties& device) {
  HaloPlan plan;
  plan.team = convolution.columns() == 64 ? 1 : 2;
  plan.stages = !plan.resident() ? 3 : convolution.gradient ? 2 : 1;
  plan.pitch = convolution.width + 2;
  if (plan.pitch > kMostOfABox) return std::nullopt;
  plan.chunks = convolution.columns() / (64 * plan.team);
  add_taps(plan, convolution);
  const int64_t most = device.shared_bytes_per_block - kOfCombining;
  for (plan.lines = convolution.height; plan.lines > 0; --plan.lines) {
    plan.positions = round_up(plan.lines * plan.pitch - 2, 8);
    if (convolution.height % plan.lines != 0 || plan.positions > kMostPositions) continue;
    plan.slices = plan.resident() ? 9 : kMostSlices;
    while (plan.slices > kFewestSlices && !plan.resident() &&
           plan.shared_bytes(convolution.width) > most)
      --plan.slices;
    if (plan.shared_bytes(convolution.width) <= most) break;
  }
  if (plan.positions < (plan.resident() ? kFewestPositions : kFewestPositionsASlice) ||
      static_cast<double>(plan.lines * convolution.width) <
          kFewestUseful * static_cast<double>(plan.positions))
    return std::nullopt;
  plan.tiles = convolution.images * convolution.height / std::max<int64_t>(plan.lines, 1);
  plan.parts = std::clamp<int64_t>(device.multiprocessors / plan.chunks, 1,
                                   std::clamp<int64_t>(plan.tiles, 1, kMostParts));
  return plan;
}

}  // namespace brisk::cuda
