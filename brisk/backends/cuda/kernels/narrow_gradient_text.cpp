#include "brisk/backends/cuda/kernels/narrow_stages.h"
#include "brisk/backends/cuda/kernels/narrow_text.h"
#include "brisk/backends/cuda/kernels/narrow_wide_gradient.h"
#include "brisk/backends/cuda/kernels/warpgroup_matrix.h"
#include "brisk/backends/cuda/loop/line_writer.h"

// The depth are the places of a tile. The left factor is the result's gradient, transposed on its
// way into registers; the columns of the product are one pair of columns under all rows of the
// filter: blocks of 8 elements, a row of the image apart. Window after window of 2 `kSteps` rows
// must lie in one piece, so that stages at the ring's beginning are behind its end once more.
//
// In TF32 it goes otherwise (narrow_wide_gradient.cpp).
//
// Each block of the grid has a whole gradient in its registers, which a second kernel adds up.

namespace brisk::cuda {
namespace {

constexpr std::string_view kFill = R"(
  if (warp >= kWarps) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 56;");
    if (threadIdx.x == kWarps * 32u) {
      u32 i = 0;
      for (u32 unit = begin; unit < end; ++unit) {
        for (const u32 until = stage_of(unit) - first + kSteps; i < until; ++i) fetch_image(i);
        const u32 n = unit - begin, strip = unit / kRows;
        if (n >= kTiles) wait(tile_emptied(n), (n / kTiles + 1u) % 2u);
        expect(tile_filled(n), kTileBytes);
        EACH(line, kFilters * (u32)sizeof(T) / 128u)
          fetch(map_dy, line * 32, (i32)(strip % kStrips * kTile), (i32)(strip / kStrips * kRows + unit % kRows), shared_address(tiles + n % kTiles * kTileBytes + line * (kTile * 128u)), tile_filled(n));
      }
    }
    if (kRaw > 0u && warp > kWarps) widen_rows();
  } else {
  asm volatile("setmaxnreg.inc.sync.aligned.u32 224;");
)";

constexpr std::string_view kMultiply = R"(
  constexpr u32 kPlaces = kPairs * kKernel * 4u;
  f32 products[kPairs][kSteps * 8u] = {};
  free_until(begin + group);
  for (u32 unit = begin + group; unit < end; unit += kGroups) {
    const u32 n = unit - begin, i = stage_of(unit) - first;
    wait(tile_filled(n), n / kTiles % 2u);
    u32 gradients[kTile / 16u][4];
    EACH(s, kTile / 16u) {
      const u32 pixel = s * 16u + lane / 16u * 8u + lane % 8u, piece = warp % 4u * 2u + lane / 8u % 2u;
      asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];" : "=r"(gradients[s][0]), "=r"(gradients[s][1]), "=r"(gradients[s][2]), "=r"(gradients[s][3]) : "r"(shared_address(tiles + n % kTiles * kTileBytes) + pixel * 128u + (piece ^ lane % 8u) * 16u) : "memory");
    }
    __syncwarp();
    arrive(tile_emptied(n));
    wait_stages(i);
    const u32 lines = shared_address(ring + i % kStages * kStage);
    const u64 window = (u64)((lines & 0x3ffffu) >> 4) | 8ull << 16 | (u64)(kPitch / 16u) << 32;
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
    EACH(s, kTile / 16u) EACH(j, kPairs) {
      const u32 (&left)[4] = gradients[s];
      const u64 right = window + (s * 16 + j);
)";

constexpr std::string_view kEnd = R"(
    }
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    EACH(j, kPairs) EACH(p, kSteps * 8u) asm volatile("" : "+f"(products[j][p]) :: "memory");
    free_until(unit + kGroups);
  }
  __syncthreads();
  f32* const shared = (f32*)tiles;
  for (u32 g = 1; g < kGroups; ++g) {
    if (group == g) EACH(j, kPairs) EACH(p, kKernel * 4u) shared[(j * (kKernel * 4u) + p) * 128u + threadIdx.x % 128u] = products[j][p];
    __syncthreads();
    if (group == 0u) EACH(j, kPairs) EACH(p, kKernel * 4u) products[j][p] += shared[(j * (kKernel * 4u) + p) * 128u + threadIdx.x];
    __syncthreads();
  }
  if (group == 0u) EACH(j, kPairs) EACH(p, kKernel * 4u) ((f32*)workspace)[((u64)blockIdx.x * kPlaces + j * (kKernel * 4u) + p) * 128u + threadIdx.x] = products[j][p];
)";

constexpr std::string_view kAdd = R"(
  constexpr u32 kFolds = 4u;
  __shared__ f32 shared[256];
  const u32 place = blockIdx.x * 64u + threadIdx.x % 64u, fold = threadIdx.x / 64u;
  f32 sum = 0;
  _Pragma("unroll 8") for (u32 p = fold; p < kParts; p += kFolds) sum += ((const f32*)workspace)[(u64)p * kPlaces + place];
  shared[threadIdx.x] = sum;
  __syncthreads();
  if (fold != 0u) return;
  sum = 0;
  EACH(f, kFolds) sum += shared[f * 64 + threadIdx.x];
)";

constexpr std::string_view kPlace = R"(
  const u32 thread = place % 128u, rest = place / 128u, p = rest % (kKernel * 4u), j = rest / (kKernel * 4u);
  const u32 element = thread % 4u * 2u + p % 2u, x = j * 2u + element / 4u, channel = element % 4u;
  const u32 number = thread / 32u * 16u + p / 2u % 2u * 8u + thread % 32u / 4u, ky = p / 4u;
)";

constexpr std::string_view kKeep = R"(
  if (ky < kKernel && x >= kBefore && x < kBefore + kKernel && channel < kChannels)
    dw[((ky * kKernel + x - kBefore) * kChannels + channel) * kFilters + number] = narrow<T>(sum);
)";

}  // namespace

std::string narrow_gradient_text(const NarrowConvolution& convolution, const NarrowPlan& plan) {
  std::string code = fmt::format(
      "\nstruct alignas(128) $name_map {{ u64 words[16]; }};\n"
      "extern \"C\" __global__ void __launch_bounds__({}, 1) $name({}, const __grid_constant__ "
      "$name_map map_dy, u8* workspace) {{\n",
      NarrowPlan::kThreads, narrow_image_parameter(convolution));
  code.append(narrow_setup_text(convolution, plan)).append(kFill);
  if (convolution.wide()) {
    code += narrow_wide_multiply_text();
  } else {
    code.append(kMultiply).append("      ");
    code += warpgroup_matrix_text({.type = convolution.type,
                                   .columns = 16 * plan.steps,
                                   .sums = "products[j]",
                                   .left = {"left[0]", "left[1]", "left[2]", "left[3]"},
                                   .right = "right",
                                   .adds = "1",
                                   .right_turned = true});
    code += kEnd;
  }
  return code.append("  }\n}\n");
}

std::string narrow_combine_text(const NarrowConvolution& convolution, const NarrowPlan& plan) {
  const std::string type = storage_text(convolution.type);
  std::string code = fmt::format(
      "\nextern \"C\" __global__ void __launch_bounds__(256) $name(const u8* workspace, {}* dw) "
      "{{\n  after_previous();\n  typedef {} T;\n"
      "  constexpr u32 kFilters = {}u, kChannels = {}u, kKernel = {}u, kBefore = {}u, kParts = "
      "{}u, kPlaces = {}u;\n",
      type, type, NarrowConvolution::kFilters, convolution.channels, convolution.kernel,
      convolution.before(), plan.parts, plan.partial_elements(convolution));
  code.append(kAdd).append(convolution.wide() ? narrow_wide_place_text() : kPlace).append(kKeep);
  return code.append("}\n");
}

}  // namespace brisk::cuda
