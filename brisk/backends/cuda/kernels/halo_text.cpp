#include "brisk/backends/cuda/kernels/halo_text.h"

#include <algorithm>

#include "brisk/backends/cuda/kernels/tile_sums.h"
#include "brisk/backends/cuda/kernels/warpgroup_matrix.h"
#include "brisk/backends/cuda/loop/line_writer.h"

// A tile is some lines of one image. A copy of a box of 64 channels puts them into shared memory
// with a place of halo on each side, line after line: `kPitch` rows of 128 bytes for a line of
// kPitch - 2 places. Place p of that numbering wants, for the filter's place (r, s), the box's row
// p + r kPitch + s: the same rows for all positions, moved by a constant. So a product reads the
// box as it lies, from an address a few rows further on: the tensor cores' swizzle is of the
// address itself, wherever an operand begins. The two positions of each line that lie in the halo
// are multiplied, too, and left out of what is stored and summed (3 % of a line of 56): they read
// and write rows of their own behind the tile's.
//
// Products are [64 channels of the result, positions of the tile]: the filter is the left operand,
// in whichever order it lies, so that the instruction is as wide as the tile and reads shared
// memory less often than two of 64 x 64 would. A thread has two channels and sums their places by
// itself. Results go transposed (`stmatrix`) over what the epilogue reads of the same places
// (`ldmatrix`), and from there by a copy to memory.
//
// Two warpgroups multiply; of a third, warps 0 and 1 fill the rings, 2 and 3 bring and take away
// the epilogues' images. With 64 channels of the result each warpgroup has tiles of its own, the
// filter stays, and one multiplies while the other one ends its tile: they take turns (forward, 93
// us instead of 104). With more, both share a tile, 64 channels each, and slices of the filter, 64
// of its depth at one place, come through a ring.
//
// Turns are mbarriers: racecheck believes in no barrier of the block any more where warps came to
// named ones unequally often (benchmarks/cuda/barriers_under_racecheck.cu).
//
// An input gradient behind a stride of 2 has four phases, one for the places of each parity: of
// the nine places of the filter 1, 2, 2 and 4 belong to them, and each phase is a convolution
// without strides.

namespace brisk::cuda {
namespace {

constexpr std::string_view kSetup = R"(
  constexpr u32 kLine = 128u, kUnit = 64u * kLine, kEights = kPositions / 8u, kWarps = 8u, kPixels = kLines * kWidth;
  constexpr u32 kAbreast = 2u / kTeam, kRing = kAbreast * kStages, kTileColumns = kTeam * 64u;
  extern __shared__ u8 convolution_shared[];
  const auto shared_address = [](const void* p) { return (u32)__cvta_generic_to_shared(p); };
  u8* const ring = convolution_shared + (1024u - shared_address(convolution_shared) % 1024u) % 1024u;
  const u32 slices = shared_address(ring) + kRing * kStage, staging = slices + kSlices * kTeam * kUnit, barriers = staging + 2u * kStagingBytes;
  const u32 lane = threadIdx.x % 32u, warp = threadIdx.x / 32u, group = warp / 4u % 2u;
  const u32 chunk = blockIdx.x % kChunks, part = blockIdx.x / kChunks, column0 = chunk * kTileColumns;
  const u32 own = kTeam == 2u ? 0u : warp < kWarps ? group : warp % 2u, first_tile = part + own * kParts, step = kAbreast * kParts;
  const auto wait = [](u32 barrier, u32 parity) {
    u32 done;
    do asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}" : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
    while (done == 0u);
  };
  const auto tile_place = [&](u32 n) { return own * kStages + n % kStages; };
  const auto tile_of = [&](u32 n) { return shared_address(ring) + tile_place(n) * kStage; };
  const auto tile_filled = [&](u32 n) { return barriers + tile_place(n) * 16u; };
  const auto tile_emptied = [&](u32 n) { return barriers + tile_place(n) * 16u + 8u; };
  const auto slice_of = [&](u32 n) { return slices + n % kSlices * (kTeam * kUnit); };
  const auto slice_filled = [&](u32 n) { return barriers + (kRing + n % kSlices) * 16u; };
  const auto slice_emptied = [&](u32 n) { return barriers + (kRing + n % kSlices) * 16u + 8u; };
  const auto image_there = [&](u32 group) { return barriers + (kRing + kSlices + group) * 16u; };
  const auto result_there = [&](u32 group) { return barriers + (kRing + kSlices + group) * 16u + 8u; };
  const auto turn_of = [&](u32 group) { return barriers + (kRing + kSlices + 2u) * 16u + group * 8u; };
  const auto arrive = [](u32 barrier) { asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(barrier) : "memory"); };
)";

constexpr std::string_view kCopies = R"(
  if (threadIdx.x == 0) {
    const auto initialise = [](u32 barrier, u32 count) { asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(barrier), "r"(count)); };
    for (u32 s = 0; s < kRing + kSlices; ++s) { initialise(barriers + s * 16u, 1u); initialise(barriers + s * 16u + 8u, kTeam * 4u); }
    for (u32 g = 0; g < 2u; ++g) { initialise(image_there(g), 1u); initialise(result_there(g), 4u); initialise(turn_of(g), 4u); }
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  after_previous();
  __syncthreads();
  if (warp >= kWarps) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    const auto expect = [](u32 barrier, u32 bytes) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(barrier), "r"(bytes) : "memory"); };
    const auto fetch_slice = [&](u32 n, u32 block, u32 place) {
      expect(slice_filled(n), kTeam * kUnit);
      EACH(half, kTeam) {
        const u32 result_channel = column0 + half * 64u, depth = block * 64u;
        const u32 channel = kGradient ? result_channel : depth, filter = kGradient ? depth : result_channel;
        const u32 row = place * kChannels + channel;
        asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" :: "r"(slice_of(n) + half * kUnit), "l"(&map_filter), "r"(kOrdered ? row : filter), "r"(kOrdered ? filter : row), "r"(slice_filled(n)) : "memory");
      }
    };
    if (warp < kWarps + kAbreast && lane == 0u) {
      u32 b = 0, n = 0;
      if (kResident && warp == kWarps) for (u32 tap = 0; tap < 9u; ++tap) fetch_slice(tap, 0u, place_of(tap));
      for (u32 tile = first_tile; tile < kTiles; tile += step) {
        const u32 image = tile / (kHeight / kLines), line = tile % (kHeight / kLines) * kLines;
        for (u32 phase = 0; phase < kPhases; ++phase)
          for (u32 block = 0; block < kBlocks; ++block, ++b) {
            if (b >= kStages) wait(tile_emptied(b), (b / kStages + 1u) % 2u);
            expect(tile_filled(b), kBoxBytes);
            asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], [%6];" :: "r"(tile_of(b)), "l"(&map_input), "r"(block * 64u), "r"(-1), "r"((i32)line - 1), "r"(image), "r"(tile_filled(b)) : "memory");
            if (!kResident) for (u32 tap = first_tap(phase); tap < first_tap(phase + 1u); ++tap, ++n) {
              if (n >= kSlices) wait(slice_emptied(n), (n / kSlices + 1u) % 2u);
              fetch_slice(n, block, place_of(tap));
            }
          }
      }
    }
    if (warp >= kWarps + 2u && lane == 0u) {
      const u32 group = warp % 2u, place = staging + group * kStagingBytes, column = column0 + (kTeam - 1u) * group * 64u;
      u32 t = 0;
      for (u32 tile = first_tile; tile < kTiles; tile += step)
        for (u32 phase = 0; phase < kPhases; ++phase, ++t) {
          const u32 across = phase % kStride, down = phase / kStride;
          if (kGradient) {
            expect(image_there(group), kPixels * kLine);
            asm volatile("cp.async.bulk.tensor.5d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5, %6}], [%7];" :: "r"(place), "l"(&IMAGE), "r"(column), "r"(across), "r"(0u), "r"(down), "r"(tile * kLines), "r"(image_there(group)) : "memory");
          } else arrive(image_there(group));
          wait(result_there(group), t % 2u);
          asm volatile("cp.async.bulk.tensor.5d.global.shared::cta.bulk_group [%0, {%1, %2, %3, %4, %5}], [%6];" :: "l"(&map_y), "r"(column), "r"(across), "r"(0u), "r"(down), "r"(tile * kLines), "r"(place) : "memory");
          asm volatile("cp.async.bulk.commit_group;" ::: "memory");
          asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
        }
      asm volatile("cp.async.bulk.wait_group 0;" ::: "memory");
    }
    return;
  }
)";

constexpr std::string_view kMultiplySetup = R"(
  asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
  const auto descriptor = [](u32 address) { return (u64)((address & 0x3ffffu) >> 4) | 1ull << 16 | 64ull << 32 | 1ull << 62; };
  const auto release = [&](u32 barrier) { if (lane == 0u) arrive(barrier); };
  const auto pass = [&](u32 group) { if (kTurns) release(turn_of(group)); };
  const u32 channel = warp % 4u * 16u + lane / 4u, column = column0 + (kTeam - 1u) * group * 64u + channel;
  f32 sums[2][2] = {};
)";

constexpr std::string_view kMultiply = R"(
  if (group == 1u) pass(0u);
  if (kResident) for (u32 s = 0; s < 9u; ++s) wait(slice_filled(s), 0u);
  u32 b = 0, n = 0, t = 0;
  for (u32 tile = first_tile; tile < kTiles; tile += step)
    _Pragma("unroll 1") for (u32 phase = 0; phase < kPhases; ++phase, ++t) {
    f32 products[kPositions / 2u];
    const u32 begin = first_tap(phase), end = first_tap(phase + 1u);
    bool more = false;
    if (kTurns) wait(turn_of(group), t % 2u);
    _Pragma("unroll 1") for (u32 block = 0; block < kBlocks; ++block, ++b) {
      wait(tile_filled(b), b / kStages % 2u);
      _Pragma("unroll 1") for (u32 tap = begin; tap < end; ++tap, ++n) {
        if (!kResident) wait(slice_filled(n), n / kSlices % 2u);
        const u64 left = descriptor(kResident ? slices + tap * kUnit : slice_of(n) + (kTeam - 1u) * group * kUnit), right = descriptor(tile_of(b)) + shift_of(tap) * (kLine / 16u);
        asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
        EACH(quarter, 4) { MATRIX }
        asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
        asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
        if (more && !kResident) release(slice_emptied(n - 1u));
        if (more && tap == begin) release(tile_emptied(b - 1u));
        more = true;
      }
    }
    pass(1u - group);
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    EACH(i, kPositions / 2u) asm volatile("" : "+f"(products[i]) :: "memory");
    if (!kResident) release(slice_emptied(n - 1u));
    release(tile_emptied(b - 1u));
    wait(image_there(group), t % 2u);
    EACH(pair, (kEights + 1u) / 2u) {
      const u32 p = pair * 16u + lane / 16u * 8u + lane % 8u, line = p / kPitch, place = p % kPitch;
      const bool inside = place < kWidth && line < kLines;
      const u32 row = inside ? line * kWidth + place : kPixels;
      const u32 at = staging + group * kStagingBytes + row * kLine + ((warp % 4u * 2u + lane / 8u % 2u) ^ row % 8u) * 16u;
      Vector<T, 2> images[2][2];
      if (kGradient)
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(images[0][0].words.at[0]), "=r"(images[0][1].words.at[0]), "=r"(images[1][0].words.at[0]), "=r"(images[1][1].words.at[0]) : "r"(at) : "memory");
      u32 results[2][2] = {};
      EACH(half, 2) {
        const u32 eight = pair * 2 + half;
        if (eight < kEights) {
          const u32 low = eight * 8u, high = low + 7u, position = low + lane % 4u * 2u;
          const bool sure = high / kPitch < kLines && low / kPitch == high / kPitch && high % kPitch < kWidth;
          EACH(h, 2) {
            f32 two[2];
            EACH(e, 2) {
              const bool counts = sure || ((position + e) % kPitch < kWidth && (position + e) / kPitch < kLines);
              const f32 product = products[eight * 4u + h * 2 + e];
              f32 result;
              EPILOGUE
              two[e] = result;
            }
            results[half][h] = narrowed<T, 2>(two).words.at[0];
          }
        }
      }
      asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" :: "r"(inside ? at : at + kLine), "r"(results[0][0]), "r"(results[0][1]), "r"(results[1][0]), "r"(results[1][1]) : "memory");
    }
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncwarp();
    release(result_there(group));
  }
)";

// Among the warps that multiply alone: a barrier of the whole block would wait for those that copy,
// which end when the last store is through.
constexpr std::string_view kCombine = R"(
  const auto meet = [] { asm volatile("barrier.sync 3, 256;" ::: "memory"); };
  meet();
  f32* const partial = (f32*)workspace;
  f32* const shared = (f32*)ring;
  constexpr u32 kSums = 2u, kSumRows = kAbreast, kSumThreads = 256u;
  EACH(q, 2) EACH(h, 2) {
    EACH(by, 2) sums[q][h] += __shfl_xor_sync(0xffffffffu, sums[q][h], 1 << by);
    if (lane % 4u == 0u) shared[(q * kSumRows + own) * kTileColumns + (kTeam - 1u) * group * 64u + channel + h * 8u] = sums[q][h];
  }
  f32* const totals[] = {y1, y2};
)";

std::string boolean(bool value) {
  return value ? "true" : "false";
}

std::string constants_text(const HaloConvolution& convolution, const HaloPlan& plan) {
  return fmt::format(
             "  typedef {} T;\n  typedef u64 ix;\n"
             "  constexpr u32 kWidth = {}u, kHeight = {}u, kLines = {}u, kPitch = {}u, kPositions "
             "= "
             "{}u;\n"
             "  constexpr u32 kTiles = {}u, kParts = {}u, kChunks = {}u, kBlocks = {}u, kColumns = "
             "{}u, kChannels = {}u;\n",
             storage_text(convolution.type), convolution.width, convolution.height, plan.lines,
             plan.pitch, plan.positions, plan.tiles, plan.parts, plan.chunks,
             convolution.depth() / 64, convolution.columns(), convolution.channels) +
         fmt::format(
             "  constexpr u32 kTeam = {}u, kStage = {}u, kStages = {}u, kBoxBytes = {}u, "
             "kStagingBytes = {}u, kSlices = {}u, kPhases = {}u, kStride = {}u;\n"
             "  constexpr bool kGradient = {}, kOrdered = {}, kResident = {}, kTurns = {};\n",
             plan.team, plan.stage_bytes(), plan.stages, plan.box_bytes(),
             plan.staging_bytes(convolution.width), plan.slices, plan.phases(), convolution.stride,
             boolean(convolution.gradient), boolean(convolution.ordered), boolean(plan.resident()),
             boolean(plan.turns()));
}

/// Short lists of numbers below 16 as words.
std::string tables_text(const HaloPlan& plan) {
  uint64_t firsts = 0, places = 0, shifts = 0;
  for (size_t i = 0; i < plan.first_of.size(); ++i)
    firsts |= static_cast<uint64_t>(plan.first_of[i]) << (4 * i);
  for (size_t i = 0; i < plan.taps.size(); ++i) {
    const HaloPlan::Tap& tap = plan.taps[i];
    places |= static_cast<uint64_t>(tap.place) << (4 * i);
    shifts |= static_cast<uint64_t>(tap.line * 4 + tap.column) << (4 * i);
  }
  return fmt::format(
      "  const auto nibble = [](u64 list, u32 i) {{ return (u32)(list >> (4u * i)) & 15u; }};\n"
      "  const auto first_tap = [&](u32 phase) {{ return nibble({}ull, phase); }};\n"
      "  const auto place_of = [&](u32 tap) {{ return nibble({}ull, tap); }};\n"
      "  const auto shift_of = [&](u32 tap) {{ const u32 shift = nibble({}ull, tap); return shift "
      "/ "
      "4u * kPitch + shift % 4u; }};\n",
      firsts, places, shifts);
}

std::string parameters_text(const HaloConvolution& convolution) {
  const std::string map = "const __grid_constant__ $name_map map_";
  std::string text = map + "input, " + map + "filter, ";
  if (convolution.gradient) text += map + "before, ";
  text += map + "y, ";
  if (convolution.gradient) text += "const f32* vector_scale, const f32* vector_shift, ";
  if (convolution.bias)
    text += fmt::format("const {}* vector_bias, ", storage_text(convolution.type));
  if (convolution.sums) return text + "f32* y1, f32* y2, u8* workspace, u32* counters";
  return text.substr(0, text.size() - 2);
}

/// products += 64 channels x the tile's positions x 16 of the depth.
std::string matrix_text(const HaloConvolution& convolution, const HaloPlan& plan) {
  // The filter's rows are its depth where what is innermost in it are the result's channels.
  const bool turned = convolution.gradient == convolution.ordered;
  return warpgroup_matrix_text({.type = convolution.type,
                                .columns = plan.positions,
                                .sums = "products",
                                .left = {turned ? "left + 128u * quarter" : "left + 2u * quarter"},
                                .right = "right + 2u * quarter",
                                .adds = "more || quarter != 0",
                                .left_turned = turned});
}

/// `text` with `value` wherever `name` stands.
std::string filled(std::string_view text, std::string_view name, std::string_view value) {
  std::string code(text);
  for (size_t at = code.find(name); at != std::string::npos;
       at = code.find(name, at + value.size()))
    code.replace(at, name.size(), value);
  return code;
}

constexpr std::string_view kVectors = R"(
  const f32 scales[2] = {vector_scale[column], vector_scale[column + 8u]}, shifts[2] = {vector_shift[column], vector_shift[column + 8u]};
)";

constexpr std::string_view kBias = R"(
  const f32 biases[2] = {widen(vector_bias[column]), widen(vector_bias[column + 8u])};
)";

constexpr std::string_view kGradientEnd =
    "const f32 before = images[half][h].get(e); "
    "result = counts && before * scales[h] + shifts[h] > 0.f ? product : 0.f; "
    "sums[0][h] += counts ? result * before : 0.f; sums[1][h] += result;";

constexpr std::string_view kForwardEnd =
    "result = counts ? product : 0.f; sums[0][h] += result; sums[1][h] += result * result;";

std::string end_text(const HaloConvolution& convolution) {
  if (convolution.gradient) return std::string(kGradientEnd);
  if (convolution.sums) return std::string(kForwardEnd);
  return fmt::format("const f32 sum = product{}; {}", convolution.bias ? " + biases[h]" : "",
                     convolution.epilogue);
}

}  // namespace

std::string halo_text(const HaloConvolution& convolution, const HaloPlan& plan) {
  const bool gradient = convolution.gradient;
  std::string code = fmt::format(
      "\nstruct alignas(128) $name_map {{ u64 words[16]; }};\n"
      "extern \"C\" __global__ void __launch_bounds__({}, 1) $name({}) {{\n",
      HaloPlan::kThreads, parameters_text(convolution));
  code += constants_text(convolution, plan) + std::string(kSetup) + tables_text(plan);
  code += filled(kCopies, "IMAGE", gradient ? "map_before" : "map_y");
  code += std::string(kMultiplySetup);
  if (gradient) code += kVectors;
  if (convolution.bias) code += kBias;
  code += filled(filled(kMultiply, "MATRIX", matrix_text(convolution, plan)), "EPILOGUE",
                 end_text(convolution));
  if (convolution.sums) code.append(kCombine).append(kTileSums);
  return code + "}\n";
}

}  // namespace brisk::cuda
