#include "brisk/backends/cuda/kernels/narrow_wide_gradient.h"

#include "brisk/backends/cuda/kernels/warpgroup_matrix.h"

// In TF32 `wgmma` reads both factors along the depth alone, which are the places of a tile. So the
// result's gradient is transposed where it lies, four places of a channel to 16 bytes; each
// warpgroup has a whole tile in registers meanwhile. The left factor is read out of the image's
// rows word by word: of each pair of rows under the filter eight columns of four channels.

namespace brisk::cuda {
namespace {

constexpr std::string_view kMultiply = R"(
  f32 products[kSteps][32] = {};
  const u32 side = warp % 2u, in_group = warp % 4u;
  const u32 window = (in_group / 2u) * kPitch + lane / 16u * kPlane + (lane % 4u + in_group % 2u * 2u) * 16u + lane / 4u % 4u * 4u;
  free_until(begin + group);
  for (u32 unit = begin + group; unit < end; unit += kGroups) {
    const u32 n = unit - begin, i = stage_of(unit) - first;
    u8* const tile = tiles + n % kTiles * kTileBytes;
    wait(tile_filled(n), n / kTiles % 2u);
    {
      f32 values[kTile / 8u][4];
      EACH(q, kTile / 8u) EACH(c, 4) {
        const u32 place = (q * 2u + in_group / 2u) * 4u + c;
        values[q][c] = *(const f32*)(tile + side * (kTile * 128u) + place * 128u + (lane / 4u ^ place % 8u) * 16u + lane % 4u * 4u);
      }
      asm volatile("bar.sync %0, 128;" :: "r"(1u + group) : "memory");
      EACH(q, kTile / 8u) {
        Words<16> four;
        EACH(c, 4) asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(four.at[c]) : "f"(values[q][c]));
        store_words<16>(tile + (q * 2u + in_group / 2u) * 1024u + side * 512u + lane * 16u, four);
      }
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
      asm volatile("bar.sync %0, 128;" :: "r"(1u + group) : "memory");
    }
    wait_stages(i);
    const u64 depth = (u64)((shared_address(tile) & 0x3ffffu) >> 4) | 64ull << 16 | 8ull << 32;
    const u8* lines[kSteps];
    EACH(m, kSteps) lines[m] = ring + (i + m) % kStages * kStage + window;
    EACH(s, kTile / 8u) {
      u32 factors[kSteps][4];
      EACH(m, kSteps) EACH(part, 4) factors[m][part] = *(const u32*)(lines[m] + (s * 8 + part / 2 * 4 + part % 2) * 16);
      asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
      EACH(m, kSteps) {
        const u32 (&left)[4] = factors[m];
        const u64 right = depth + s * 128;
)";

constexpr std::string_view kEnd = R"(
      }
      asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
      asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
    }
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    EACH(m, kSteps) EACH(p, 32) asm volatile("" : "+f"(products[m][p]) :: "memory");
    arrive(tile_emptied(n));
    free_until(unit + kGroups);
  }
  // Both equally often, as in warpgroup_text.cpp.
  if (group == 1u && (end - begin) % kGroups != 0u) EACH(i, 2) asm volatile("bar.sync 2, 128;" ::: "memory");
  __syncthreads();
  f32* const shared = (f32*)tiles;
  if (group == 1u) EACH(m, kSteps) EACH(p, 32) shared[(m * 32 + p) * 128u + threadIdx.x % 128u] = products[m][p];
  __syncthreads();
  if (group == 0u) EACH(m, kSteps) EACH(p, 32) ((f32*)workspace)[((u64)blockIdx.x * (kSteps * 32u) + m * 32 + p) * 128u + threadIdx.x] = products[m][p] + shared[(m * 32 + p) * 128u + threadIdx.x];
)";

constexpr std::string_view kPlace = R"(
  const u32 thread = place % 128u, p = place / 128u % 32u, m = place / (128u * 32u);
  const u32 row = thread / 32u * 16u + thread % 32u / 4u + p / 2u % 2u * 8u, number = p / 4u * 8u + thread % 4u * 2u + p % 2u;
  const u32 ky = m * 2u + row / 32u, x = row / 4u % 8u, channel = row % 4u;
)";

}  // namespace

std::string narrow_wide_multiply_text() {
  std::string code(kMultiply);
  code += "        ";
  code += warpgroup_matrix_text({.type = DType::f32,
                                 .columns = 64,
                                 .sums = "products[m]",
                                 .left = {"left[0]", "left[1]", "left[2]", "left[3]"},
                                 .right = "right",
                                 .adds = "1"});
  return code.append(kEnd);
}

std::string_view narrow_wide_place_text() {
  return kPlace;
}

}  // namespace brisk::cuda
