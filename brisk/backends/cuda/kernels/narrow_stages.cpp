#include "brisk/backends/cuda/kernels/narrow_stages.h"

#include "brisk/backends/cuda/loop/line_writer.h"

// With four channels in 16 bits, two columns of the image are 16 bytes, and with strides of 2 the
// windows of neighbouring places of the result are 16 bytes apart: eight places by two columns are
// 128 bytes that lie in one piece, one of the 8 x 8 blocks that `wgmma` reads. So it reads windows
// out of the image's rows as they lie, and no window is ever written. Blocks of neighbouring pairs
// of columns overlap.
//
// A stage of the ring holds two rows of the image under a strip of the result (a tile across, all
// the way down). A unit is a tile of one row of the result, under which lie `kSteps` stages; the
// next unit down has all but one of them and a new one. A block of the grid makes some units beside
// each other in that order, its warpgroups in turn.
//
// In f32, rounded to TF32, a pixel is 16 bytes: even and odd columns lie in planes of their own, in
// which the windows of neighbouring places are as far apart, and a block has one column.
//
// Short images of four channels are copied as boxes, zeros around them. Others come as whole rows,
// and three warps spread their pixels to four channels, a pair at a time.
//
// A barrier tells two phases apart: each warp waits for every stage in order, also for those that
// it needs not. A lane arrives for its warp; all of them do where threads read what other threads
// wrote themselves (kArriving).

namespace brisk::cuda {
namespace {

constexpr std::string_view kSetup = R"(
  constexpr u32 kWarps = kGroups * 4u, kPass = kRows + kSteps - 1u, kStage = 2u * kPitch;
  extern __shared__ u8 narrow_shared[];
  const auto shared_address = [](const void* p) { return (u32)__cvta_generic_to_shared(p); };
  u8* const tiles = narrow_shared + (1024u - shared_address(narrow_shared) % 1024u) % 1024u;
  u8* const ring = tiles + kTiles * kTileBytes;
  u8* const raw = ring + (kStages + kRepeated) * kStage;
  const u32 barriers = shared_address(tiles) + kBarriersAt;
  const u32 lane = threadIdx.x % 32u, warp = threadIdx.x / 32u, group = warp / 4u;
  const auto wait = [](u32 barrier, u32 parity) {
    u32 done;
    do asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}" : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
    while (done == 0u);
  };
  const auto arrive = [&](u32 barrier) {
    if (lane < kArriving) asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(barrier) : "memory");
  };
  const auto expect = [](u32 barrier, u32 bytes) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(barrier), "r"(bytes) : "memory"); };
  const auto fetch = [](const $name_map& map, i32 x, i32 y, i32 z, u32 to, u32 barrier) {
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4}], [%5];" :: "r"(to), "l"(&map), "r"(x), "r"(y), "r"(z), "r"(barrier) : "memory");
  };
  const auto filled = [&](u32 i) { return barriers + i % kStages * 16u; };
  const auto emptied = [&](u32 i) { return barriers + i % kStages * 16u + 8u; };
  const auto tile_filled = [&](u32 i) { return barriers + (kStages + i % kTiles) * 16u; };
  const auto tile_emptied = [&](u32 i) { return barriers + (kStages + i % kTiles) * 16u + 8u; };
  if (threadIdx.x == 0) {
    for (u32 i = 0; i < kStages + kTiles + kRaw; ++i) {
      asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(barriers + i * 16u), "r"(i < kStages && kRaw > 0u ? 3u * kArriving : 1u));
      asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(barriers + i * 16u + 8u), "r"((i < kStages ? kWarps : i < kStages + kTiles ? 4u : 3u) * kArriving));
    }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  after_previous();
  const u32 begin = (u32)((u64)blockIdx.x * kUnits / kParts), end = (u32)((u64)(blockIdx.x + 1u) * kUnits / kParts);
  const auto stage_of = [](u32 unit) { return unit / kRows * kPass + unit % kRows; };
  const u32 first = stage_of(begin), total = stage_of(end - 1u) + kSteps - first;
)";

// Images of four channels.
constexpr std::string_view kBoxes = R"(
  const auto widen_rows = [] {};
  const auto fetch_image = [&](u32 i) {
    const u32 strip = (first + i) / kPass;
    const i32 x = (i32)(strip % kStrips * kTile) * 2 - kLeft, y = (i32)((first + i) % kPass) * 2 - kTop;
    if (i >= kStages) wait(emptied(i), (i / kStages + 1u) % 2u);
    const u32 slot = i % kStages;
    expect(filled(i), slot < kRepeated ? 2u * kStage : kStage);
    fetch(map_x, x, y, (i32)(strip / kStrips), shared_address(ring + slot * kStage), filled(i));
    if (slot < kRepeated) fetch(map_x, x, y, (i32)(strip / kStrips), shared_address(ring + (kStages + slot) * kStage), filled(i));
  };
)";

constexpr std::string_view kRows = R"(
  const auto rows_filled = [&](u32 i) { return barriers + (kStages + kTiles + i % kRaw) * 16u; };
  const auto rows_emptied = [&](u32 i) { return barriers + (kStages + kTiles + i % kRaw) * 16u + 8u; };
  const auto fetch_image = [&](u32 i) {
    const u32 strip = (first + i) / kPass;
    const i32 y = (i32)((first + i) % kPass) * 2 - kTop;
    const u32 begins = y < 0 ? (u32)-y : 0u, ends = y + 2 > (i32)kHeight ? (u32)max((i32)kHeight - y, 0) : 2u;
    if (i >= kRaw) wait(rows_emptied(i), (i / kRaw + 1u) % 2u);
    if (begins >= ends) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(rows_filled(i)) : "memory"); return; }
    expect(rows_filled(i), (ends - begins) * kRow);
    const u8* const from = (const u8*)x + ((u64)(strip / kStrips) * kHeight + (u64)(y + (i32)begins)) * kRow;
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" :: "r"(shared_address(raw + (i % kRaw * 2u + begins) * kRow)), "l"(from), "r"((ends - begins) * kRow), "r"(rows_filled(i)) : "memory");
  };
  const auto widen_rows = [&] {
    for (u32 i = 0; i < total; ++i) {
      const u32 slot = i % kStages;
      const i32 left = (i32)((first + i) / kPass % kStrips * kTile) * 2 - kLeft, y = (i32)((first + i) % kPass) * 2 - kTop;
      wait(rows_filled(i), i / kRaw % 2u);
      if (i >= kStages) wait(emptied(i), (i / kStages + 1u) % 2u);
      for (u32 item = threadIdx.x - (kWarps + 1u) * 32u; item < 2u * kAcross; item += 96u) {
        const u32 row = item / kAcross;
        const i32 column = left + (i32)(item % kAcross) * 2;
        const bool inside = (u32)(y + (i32)row) < kHeight && (u32)column < kWidth;
        const u32* const from = (const u32*)(raw + (i % kRaw * 2u + row) * kRow) + (u32)column * kChannels * (u32)sizeof(T) / 4u;
        u8* const to = ring + slot * kStage + row * kPitch + item % kAcross * 16u;
)";

// Two pixels of 8 bytes.
constexpr std::string_view kSpreadShort = R"(
        Words<16> pair = {};
        if (inside) {
          if constexpr (kChannels == 1u) { const u32 a = from[0]; pair.at[0] = a & 0xffffu; pair.at[2] = a >> 16; }
          if constexpr (kChannels == 2u) { pair.at[0] = from[0]; pair.at[2] = from[1]; }
          if constexpr (kChannels == 3u) {
            const u32 a = from[0], b = from[1], c = from[2];
            pair.at[0] = a; pair.at[1] = b & 0xffffu; pair.at[2] = b >> 16 | c << 16; pair.at[3] = c >> 16;
          }
        }
        store_words<16>(to, pair);
        if (slot < kRepeated) store_words<16>(to + kStages * kStage, pair);
)";

// One of 16 in each plane.
constexpr std::string_view kSpreadWide = R"(
        Words<16> even = {}, odd = {};
        if (inside) EACH(c, kChannels) {
          asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(even.at[c]) : "r"(from[c]));
          asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(odd.at[c]) : "r"(from[kChannels + c]));
        }
        store_words<16>(to, even);
        store_words<16>(to + kPlane, odd);
)";

constexpr std::string_view kSpread = R"(
      }
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
      __syncwarp();
      arrive(filled(i));
      arrive(rows_emptied(i));
    }
  };
)";

constexpr std::string_view kStages = R"(
  u32 freed = 0;
  const auto free_until = [&](u32 unit) {
    const u32 until = unit < end ? stage_of(unit) - first : total;
    for (; freed < until; ++freed) {
      wait(filled(freed), freed / kStages % 2u);
      arrive(emptied(freed));
    }
  };
  const auto wait_stages = [&](u32 i) { EACH(s, kSteps) wait(filled(i + s), (i + s) / kStages % 2u); };
  __syncthreads();
)";

}  // namespace

std::string narrow_image_parameter(const NarrowConvolution& convolution) {
  return convolution.boxes() ? "const __grid_constant__ $name_map map_x"
                             : fmt::format("const {}* x", storage_text(convolution.type));
}

std::string narrow_setup_text(const NarrowConvolution& convolution, const NarrowPlan& plan) {
  std::string code = fmt::format(
      "  typedef {} T;\n  typedef u64 ix;\n  constexpr u32 kFilters = {}u, kHeight = {}u, kWidth = "
      "{}u, kChannels = {}u, kRow = {}u;\n",
      storage_text(convolution.type), NarrowConvolution::kFilters, convolution.height,
      convolution.width, convolution.channels, convolution.row_bytes());
  code += fmt::format(
      "  constexpr u32 kKernel = {}u, kBefore = {}u, kPairs = {}u, kHalves = {}u, kRows = {}u, "
      "kOutColumns = {}u;\n  constexpr i32 kTop = {}, kLeft = {};\n",
      convolution.kernel, convolution.before(), convolution.pairs(), convolution.halves(),
      convolution.rows, convolution.columns, convolution.top,
      convolution.left + convolution.before());
  code += fmt::format(
      "  constexpr u32 kStrips = {}u, kTile = {}u, kTileBytes = {}u, kSteps = {}u, kPlane = {}u, "
      "kPitch = {}u, kAcross = kPlane / 16u, kUnits = {}u;\n",
      plan.strips, plan.tile, plan.tile_bytes(convolution), plan.steps, plan.plane, plan.pitch,
      plan.units);
  code += fmt::format(
      "  constexpr u32 kGroups = {}u, kStages = {}u, kRepeated = {}u, kTiles = {}u, kRaw = {}u, "
      "kParts = {}u, kBarriersAt = {}u, kArriving = {}u;\n",
      NarrowPlan::kGroups, plan.stages, plan.repeated, plan.tiles, plan.raw, plan.parts,
      plan.barriers_at(convolution), convolution.gradient && convolution.wide() ? 32 : 1);
  code += kSetup;
  if (convolution.boxes())
    code += kBoxes;
  else
    code.append(kRows).append(convolution.wide() ? kSpreadWide : kSpreadShort).append(kSpread);
  return code.append(kStages);
}

}  // namespace brisk::cuda
