#include "brisk/backends/cuda/kernels/warpgroup_plan.h"

#include <algorithm>

#include "brisk/base/rounding.h"

namespace brisk::cuda {
namespace {

constexpr int64_t kMostStages = 64;
constexpr int64_t kMostParts = 1024;
constexpr int64_t kAlignment = 1024;
constexpr int64_t kBarrier = 8;
constexpr int64_t kStaged = 2;        // one is written while the other goes to memory
constexpr int64_t kOfCombining = 64;  // static shared memory

/// What the epilogue reads of two units of columns: the results of one lie there until they are in
/// memory.
int64_t least_stages(const PointwiseProduct& product) {
  return std::max<int64_t>(2 * static_cast<int64_t>(product.images.size()), 4);
}

/// Columns that the busiest block goes through, tile by tile.
int64_t longest(const WarpgroupPlan& plan) {
  return ceil_div(plan.tiles, plan.parts) * plan.tile_columns;
}

}  // namespace

int64_t WarpgroupPlan::shared_bytes(const PointwiseProduct& product) const {
  return kAlignment + resident_bytes() + rings() * stages * (stage_bytes() + 2 * kBarrier) +
         kGroups * staged * kUnit +
         static_cast<int64_t>(product.vectors.size()) * tile_columns * 4 + kBarrier;
}

std::optional<WarpgroupPlan> warpgroup_plan(const PointwiseProduct& product,
                                            const WarpgroupForm& form,
                                            const DeviceProperties& device) {
  if (product.columns % form.tile_columns != 0) return std::nullopt;
  WarpgroupPlan plan{form};
  const int64_t element = byte_size(product.type);
  // Two at most: a tile's units are a power of two.
  plan.pieces = std::min({form.tile_columns * element / WarpgroupPlan::kLine,
                          plan.stage_bytes() / (form.team * WarpgroupPlan::kUnit), int64_t{2}});
  plan.staged = product.images.empty() ? kStaged : 0;
  plan.slices = product.depth() * element / WarpgroupPlan::kLine;
  plan.tiles = ceil_div(product.rows, 64 * form.team);
  plan.chunks = product.columns / form.tile_columns;
  plan.parts = std::clamp<int64_t>(device.multiprocessors / plan.chunks, 1,
                                   std::clamp<int64_t>(plan.tiles, 1, kMostParts));
  const int64_t room = device.shared_bytes_per_block - kOfCombining - plan.shared_bytes(product);
  plan.stages = room / plan.rings() / (plan.stage_bytes() + 2 * kBarrier);
  plan.stages = std::min(plan.stages, kMostStages);
  if (plan.stages < least_stages(product)) return std::nullopt;
  return plan;
}

// Measured on an H100 (us; R: the columns stay in shared memory): f16 200704x512x128 R256 251, R128
// 260; 50176x1024x256 R256 123, R128 140, 256 127, 128 125; 12544x2048x512 R128 82, 128 83, 256 90;
// 200704x128x640 R128 131, 128 135; 50176x256x1280 256 83, R64 108; TF32 50176x1024x256 128 249,
// R64 250, R128 273, 256 293; 12544x2048x512 128 216, R64 228; 200704x128x640 128 267, R64 300;
// 50176x256x1280 256 167, 128 216. Without images, f16 with sums 50176x512x1024 256 90, 128 108;
// 12544x2048x512 256 58, 128 65; 12544x512x2048 256 57, 128 56 (in a step 52, 46); 200704x128x512
// R128 98, R64 96, 128 100; two terms of 64 802816x256x128 R256 243, R128 251.
std::optional<WarpgroupPlan> warpgroup_plan(const PointwiseProduct& product,
                                            const DeviceProperties& device) {
  constexpr int64_t kEnoughStages = 6;
  const auto wide = warpgroup_plan(product, {256, 1}, device);
  if (wide && wide->stages >= kEnoughStages) return wide;
  std::vector<WarpgroupForm> forms;
  if (product.columns == 256) forms.push_back({256, 2});
  if (product.images.empty()) {
    const auto wide_team = warpgroup_plan(product, {256, 2}, device);
    const auto team = warpgroup_plan(product, {128, 2}, device);
    if (wide_team && team) return longest(*wide_team) <= longest(*team) ? wide_team : team;
  }
  for (const int64_t columns : {128, 64}) {
    if (product.type != DType::f32) forms.push_back({columns, 1});
    forms.push_back({columns, 2});
  }
  for (const WarpgroupForm& form : forms)
    if (auto plan = warpgroup_plan(product, form, device)) return plan;
  return std::nullopt;
}

}  // namespace brisk::cuda
