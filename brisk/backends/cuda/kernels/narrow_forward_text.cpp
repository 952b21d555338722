#include "brisk/backends/cuda/kernels/narrow_stages.h"
#include "brisk/backends/cuda/kernels/narrow_text.h"
#include "brisk/backends/cuda/kernels/tile_sums.h"
#include "brisk/backends/cuda/kernels/warpgroup_matrix.h"
#include "brisk/backends/cuda/loop/line_writer.h"

// The filter is the product's left factor and stays in registers; the columns of the product are
// the places of a tile, and their channels, in rows, go to memory transposed through shared memory.
// So a thread has two channels of all tiles, and sums over places are sums over its own registers.
//
// In shared memory is a tile of each warpgroup, in lines of 128 bytes whose 16-byte pieces are
// exchanged by the place.

namespace brisk::cuda {
namespace {

constexpr std::string_view kRoles = R"(
  if (warp >= kWarps) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 56;");
    if (threadIdx.x == kWarps * 32u)
      for (u32 i = 0; i < total; ++i) fetch_image(i);
    if (kRaw > 0u && warp > kWarps) widen_rows();
  } else {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 224;");
)";

constexpr std::string_view kFilterShort = R"(
  constexpr u32 kFactors = kHalves;  // fragments of a row of the filter
  u32 filter[kKernel * kFactors][4];
  EACH(ky, kKernel) EACH(half, kFactors) EACH(part, 4) {
    u32 pair = 0;
    EACH(e, 2) {
      const u32 k = half * 16u + part / 2 * 8u + lane % 4u * 2u + e, x = k / 4u, channel = k % 4u;
      const u32 number = warp % 4u * 16u + part % 2 * 8u + lane / 4u;
      if (x >= kBefore && x < kBefore + kKernel && channel < kChannels)
        pair |= (u32)bits_of(w[((ky * kKernel + x - kBefore) * kChannels + channel) * kFilters + number]) << (16 * e);
    }
    filter[ky * kFactors + half][part] = pair;
  }
  constexpr u64 kDistances = 1ull << 16 | 8ull << 32, kFactorStep = 2u;
)";

// A column of a pair in either half of a fragment.
constexpr std::string_view kFilterWide = R"(
  constexpr u32 kFactors = kPairs;
  u32 filter[kKernel * kFactors][4];
  EACH(ky, kKernel) EACH(j, kFactors) EACH(part, 4) {
    const u32 x = j * 2 + part / 2, channel = lane % 4u, number = warp % 4u * 16u + part % 2 * 8u + lane / 4u;
    f32 value = 0;
    if (x >= kBefore && x < kBefore + kKernel && channel < kChannels)
      value = w[((ky * kKernel + x - kBefore) * kChannels + channel) * kFilters + number];
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(filter[ky * kFactors + j][part]) : "f"(value));
  }
  constexpr u64 kDistances = (u64)(kPlane / 16u) << 16 | 8ull << 32, kFactorStep = 1u;
)";

constexpr std::string_view kMultiply = R"(
  f32 sums[2][2] = {};
  u8* const tile = tiles + group * kTileBytes;
  const u32 taken = tile_filled(group), written = tile_emptied(group);
  u32 turn = 0;
  free_until(begin + group);
  for (u32 unit = begin + group; unit < end; unit += kGroups, ++turn) {
    const u32 i = stage_of(unit) - first;
    f32 products[kTile / 2u];
    wait_stages(i);
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    EACH(ky, kKernel) {
      const u32 line = shared_address(ring + (i + ky / 2) % kStages * kStage + ky % 2 * kPitch);
      const u64 row = (u64)((line & 0x3ffffu) >> 4) | kDistances;
      EACH(factor, kFactors) {
        const u32 (&left)[4] = filter[ky * kFactors + factor];
)";

constexpr std::string_view kProducts = R"(
      }
    }
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    EACH(p, kTile / 2u) asm volatile("" : "+f"(products[p]) :: "memory");
    free_until(unit + kGroups);
    if (threadIdx.x % 128u == 0u) {
      asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
      arrive(taken);
    }
    wait(taken, turn % 2u);
    const u32 column0 = unit / kRows % kStrips * kTile;
)";

constexpr std::string_view kKeepShort = R"(
    EACH(two, kTile / 16u) {
      u32 pairs[4];
      EACH(p, 4) {
        const f32* const some = products + two * 8 + p * 2;
        pairs[p] = bits_of(narrow<T>(finish(some[0], p % 2))) | (u32)bits_of(narrow<T>(finish(some[1], p % 2))) << 16;
        if (kSums > 0u) EACH(e, 2) {
          f32 value = widen(FromBits<T>::of(pairs[p] >> (16 * e) & 0xffffu));
          if (kOutColumns % kTile != 0u && column0 + (two * 2 + p / 2) * 8 + lane % 4u * 2u + e >= kOutColumns) value = 0;
          sums[0][p % 2] += value;
          sums[1][p % 2] += value * value;
        }
      }
      const u32 pixel = two * 16u + lane / 16u * 8u + lane % 8u, piece = warp % 4u * 2u + lane / 8u % 2u;
      asm volatile("stmatrix.sync.aligned.m8n8.x4.trans.shared.b16 [%0], {%1, %2, %3, %4};" :: "r"(shared_address(tile) + pixel * 128u + (piece ^ lane % 8u) * 16u), "r"(pairs[0]), "r"(pairs[1]), "r"(pairs[2]), "r"(pairs[3]) : "memory");
    }
)";

constexpr std::string_view kKeepWide = R"(
    EACH(j, kTile / 8u) EACH(p, 4) {
      f32 value = finish(products[j * 4 + p], p / 2);
      const u32 place = j * 8u + lane % 4u * 2u + p % 2u, channel = warp % 4u * 16u + p / 2 * 8u + lane / 4u;
      *(f32*)(tile + channel / 32u * (kTile * 128u) + place * 128u + (channel % 32u / 4u ^ place % 8u) * 16u + channel % 4u * 4u) = value;
      if (kSums > 0u) {
        if (kOutColumns % kTile != 0u && column0 + place >= kOutColumns) value = 0;
        sums[0][p / 2] += value;
        sums[1][p / 2] += value * value;
      }
    }
)";

constexpr std::string_view kStore = R"(
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncwarp();
    arrive(written);
    if (threadIdx.x % 128u == 0u) {
      wait(written, turn % 2u);
      EACH(line, kFilters * (u32)sizeof(T) / 128u)
        asm volatile("cp.async.bulk.tensor.3d.global.shared::cta.bulk_group [%0, {%1, %2, %3}], [%4];" :: "l"(&map_y), "r"(line * 32), "r"(column0), "r"(unit / kRows / kStrips * kRows + unit % kRows), "r"(shared_address(tile) + line * (kTile * 128u)) : "memory");
      asm volatile("cp.async.bulk.commit_group;" ::: "memory");
    }
    __syncwarp();
  }
  if (threadIdx.x % 128u == 0u) asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
)";

constexpr std::string_view kCombine = R"(
  meet();
  f32* const partial = (f32*)workspace;
  f32* const shared = (f32*)ring;
  EACH(q, 2) EACH(h, 2) {
    f32 sum = sums[q][h];
    sum += __shfl_xor_sync(0xffffffffu, sum, 1);
    sum += __shfl_xor_sync(0xffffffffu, sum, 2);
    if (lane % 4u == 0u) shared[(q * kGroups + group) * kFilters + warp % 4u * 16u + h * 8u + lane / 4u] = sum;
  }
  f32* const totals[] = {y1, y2};
  constexpr u32 kSumRows = kGroups, kSumThreads = kGroups * 128u, kTileColumns = kFilters, kColumns = kFilters;
  const u32 part = blockIdx.x, chunk = 0u, column0 = 0u;
)";

/// What becomes of a product in channel `h` of the thread's two; a NaN stays one.
std::string finish_text(const NarrowConvolution& convolution) {
  std::string code;
  if (convolution.bias)
    code +=
        "  f32 biases[2];\n"
        "  EACH(h, 2) biases[h] = widen(bias[warp % 4u * 16u + h * 8u + lane / 4u]);\n";
  code += "  const auto finish = [&](f32 result, u32 h) {\n";
  if (convolution.bias) code += "    result += biases[h];\n";
  if (convolution.relu) code += "    result = result < 0.f ? 0.f : result;\n";
  return code + "    return result;\n  };\n";
}

}  // namespace

std::string narrow_forward_text(const NarrowConvolution& convolution, const NarrowPlan& plan) {
  const std::string type = storage_text(convolution.type);
  std::string code = fmt::format(
      "\nstruct alignas(128) $name_map {{ u64 words[16]; }};\n"
      "extern \"C\" __global__ void __launch_bounds__({}, 1) $name({}, const {}* w, {}const "
      "__grid_constant__ $name_map map_y, {}u8* workspace, u32* counters) {{\n",
      NarrowPlan::kThreads, narrow_image_parameter(convolution), type,
      convolution.bias ? fmt::format("const {}* bias, ", type) : "",
      convolution.sums ? "f32* y1, f32* y2, " : "");
  code += narrow_setup_text(convolution, plan);
  code += fmt::format("  constexpr u32 kSums = {}u;\n", convolution.sums ? 2 : 0);
  const bool wide = convolution.wide();
  code.append(kRoles).append(wide ? kFilterWide : kFilterShort).append(finish_text(convolution));
  code.append(kMultiply).append("        ");
  code += warpgroup_matrix_text({.type = convolution.type,
                                 .columns = plan.tile,
                                 .sums = "products",
                                 .left = {"left[0]", "left[1]", "left[2]", "left[3]"},
                                 .right = "row + kFactorStep * (u32)factor",
                                 .adds = "ky != 0 || factor != 0"});
  code.append(kProducts).append(wide ? kKeepWide : kKeepShort).append(kStore);
  if (convolution.sums) code.append(kBlockMeets).append(kCombine).append(kTileSums);
  return code + "  }\n}\n";
}

}  // namespace brisk::cuda
