#include "brisk/backends/cuda/kernels/warpgroup_plan.h"

#include <algorithm>

#include "brisk/base/rounding.h"

namespace brisk::cuda {
namespace {

constexpr int64_t kMostStages = 64;
constexpr int64_t kMostParts = 1024;
constexpr int64_t kAlignment = 1024;
constexpr int64_t kBarrier = 8;
constexpr int64_t kOfCombining = 64;  // static shared memory

/// What the epilogue reads of two units of columns: the results of one lie there until they are in
/// memory.
int64_t least_stages(const PointwiseProduct& product) {
  return std::max<int64_t>(2 * static_cast<int64_t>(product.images.size()), 4);
}

}  // namespace

int64_t WarpgroupPlan::shared_bytes(const PointwiseProduct& product) const {
  return kAlignment + resident_bytes() + rings() * stages * (stage_bytes() + 2 * kBarrier) +
         static_cast<int64_t>(product.vectors.size()) * tile_columns * 4 + kBarrier;
}

std::optional<WarpgroupPlan> warpgroup_plan(const PointwiseProduct& product,
                                            const WarpgroupForm& form,
                                            const DeviceProperties& device) {
  if (product.columns % form.tile_columns != 0) return std::nullopt;
  WarpgroupPlan plan{form};
  const int64_t element = byte_size(product.type);
  plan.pieces = std::min(form.team, form.tile_columns * element / WarpgroupPlan::kLine);
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

std::optional<WarpgroupPlan> warpgroup_plan(const PointwiseProduct& product,
                                            const DeviceProperties& device) {
  constexpr int64_t kEnoughStages = 6;
  const auto wide = warpgroup_plan(product, {256, 1}, device);
  if (wide && wide->stages >= kEnoughStages) return wide;
  for (const WarpgroupForm& form :
       {WarpgroupForm{128, 1}, WarpgroupForm{256, 2}, WarpgroupForm{64, 1}, WarpgroupForm{128, 2},
        WarpgroupForm{64, 2}})
    if (auto plan = warpgroup_plan(product, form, device)) return plan;
  return std::nullopt;
}

}  // namespace brisk::cuda
