#include <algorithm>

#include "brisk/backends/cuda/kernels/small_convolution.h"
#include "brisk/backends/cuda/loop/line_writer.h"
#include "brisk/base/rounding.h"

// A tile is 32 places by 32 filters: two by four fragments of mma.m16n8k16. Which channels of a
// chunk its columns stand for is free where both sides agree, so thread q of a quad takes channels
// 8 q to 8 q + 7 of a place and of a filter, 16 bytes each: these are its parts of two fragments.

namespace brisk::cuda {
namespace {

constexpr std::string_view kSetup = R"(
  const u32 lane = threadIdx.x % 32u, warp = threadIdx.x / 32u, row = lane / 4u, quad = lane % 4u;
  const u32 rank = blockIdx.x % kBlocks, tile = blockIdx.x / kBlocks;
  const u32 filter0 = tile % kAcross * 32u, place0 = tile / kAcross * 32u;
  const auto chunk_of = [&](u32 i) { return (i * kBlocks + rank) * kWarps + warp; };
  const auto is_chunk = [&](u32 i) { return (i + 1u) * kOwners <= kChunks || chunk_of(i) < kChunks; };
  // What this thread finishes: two filters of a place at a time, `item` of the tile's 512 such pairs.
  const auto item_of = [&](u32 e) { return rank * kShare + e * kThreads + threadIdx.x; };
  const auto is_item = [&](u32 e) { return (e + 1u) * kThreads <= kShare || e * kThreads + threadIdx.x < kShare; };
  const auto item_place = [&](u32 item) { return place0 + item / 256u * 16u + item / 32u % 2u * 8u + item % 32u / 4u; };
  const auto is_filter = [](u32 filter) { return kFilters % 32u == 0u || filter < kFilters; };
  const auto item_filter = [&](u32 item) { return filter0 + item / 64u % 4u * 8u + item % 4u * 2u; };
  // The first row and column under the filter, and where its first channel of this thread lies.
  i32 y0[2][2], x0[2][2], at[2][2];
  EACH(m, 2) EACH(h, 2) {
    const u32 place = place0 + m * 16u + h * 8u + row, image = place / (kRows * kColumns);
    y0[m][h] = (i32)(place / kColumns % kRows * kStrideY) - kTop;
    x0[m][h] = (i32)(place % kColumns * kStrideX) - kLeft;
    at[m][h] = (i32)(((i32)(image * kHeight) + y0[m][h]) * (i32)kWidth + x0[m][h]) * (i32)kChannels + (i32)quad * 8;
    if (place >= kPlaces) y0[m][h] = -(1 << 28);
  }
  const T* const filter_row = filter + (u64)(filter0 + row) * kDepth + quad * 8u;
  uint4 right[kAhead][4];
  const auto fetch_filter = [&](uint4 (&to)[4], u32 i) {
    EACH(n, 4) {
      to[n] = make_uint4(0, 0, 0, 0);
      if (is_chunk(i) && is_filter(filter0 + n * 8u)) asm volatile("ld.global.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(to[n].x), "=r"(to[n].y), "=r"(to[n].z), "=r"(to[n].w) : "l"(filter_row + n * 8u * kDepth + chunk_of(i) * 32u) : "memory");
    }
  };
)";

constexpr std::string_view kFetchAhead = "  EACH(i, kAhead) fetch_filter(right[i], i);\n";
constexpr std::string_view kBiases =
    "  Vector<T, 2> biases[kItems];\n"
    "  EACH(e, kItems) if (is_item(e) && is_filter(item_filter(item_of(e)))) biases[e] = "
    "load<2>(bias + item_filter(item_of(e)));\n";
constexpr std::string_view kResiduals =
    "  Vector<T, 2> residuals[kItems];\n"
    "  EACH(e, kItems) if (is_item(e) && item_place(item_of(e)) < kPlaces && "
    "is_filter(item_filter(item_of(e)))) "
    "residuals[e] = load<2>(residual + item_place(item_of(e)) * kFilters + "
    "item_filter(item_of(e)));\n";

constexpr std::string_view kMultiply = R"(
  f32 sums[2][4][4] = {};
  EACH(begin, (kOwn + 1u) / 2u) {
    uint4 left[2][2][2];
    EACH(i, 2) {
      const u32 chunk = chunk_of(2u * begin + i), tap = kChunks == kTapChunks ? 0u : chunk / kTapChunks;
      const i32 ky = (i32)(tap / kKernelX), kx = (i32)(tap % kKernelX);
      const i32 step = (ky * (i32)kWidth + kx) * (i32)kChannels + (i32)(chunk - tap * kTapChunks) * 32;
      EACH(m, 2) EACH(h, 2) {
        const bool inside = is_chunk(2u * begin + i) && (u32)(y0[m][h] + ky) < kHeight && (u32)(x0[m][h] + kx) < kWidth;
        uint4& to = left[i][m][h];
        to = make_uint4(0, 0, 0, 0);
        if (inside) asm volatile("ld.global.v4.u32 {%0, %1, %2, %3}, [%4];" : "=r"(to.x), "=r"(to.y), "=r"(to.z), "=r"(to.w) : "l"(x + at[m][h] + step) : "memory");
      }
    }
    EACH(i, 2) {
      const u32 n_chunk = 2u * begin + i;
      if (n_chunk >= kOwn) continue;
      uint4 (&part)[4] = right[n_chunk % kAhead];
      if (n_chunk >= kAhead) fetch_filter(part, n_chunk);
      EACH(m, 2) EACH(n, 4) {
        const uint4 &upper = left[i][m][0], &lower = left[i][m][1], &factor = part[n];
        multiply(sums[m][n], upper.x, lower.x, upper.y, lower.y, factor.x, factor.y);
        multiply(sums[m][n], upper.z, lower.z, upper.w, lower.w, factor.z, factor.w);
      }
    }
  }
  extern __shared__ float2 small_shared[];
  EACH(m, 2) EACH(n, 4) EACH(h, 2)
    small_shared[warp * 512u + ((m * 4u + n) * 2u + h) * 32u + lane] = make_float2(sums[m][n][2 * h], sums[m][n][2 * h + 1]);
  __syncthreads();
)";

constexpr std::string_view kOfBlock = R"(
  const auto of_block = [&](u32 item) {
    float2 total = small_shared[item];
    EACH(w, kWarps - 1u) {
      const float2 other = small_shared[(w + 1u) * 512u + item];
      total.x += other.x; total.y += other.y;
    }
    return total;
  };
)";

// What the blocks of a cluster come to, each block's total by item.
constexpr std::string_view kOfCluster = R"(
  float2* const totals = small_shared + kWarps * 512u;
  for (u32 item = threadIdx.x; item < 512u; item += kThreads) totals[item] = of_block(item);
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
  const auto of_cluster = [&](u32 item) {
    float2 parts[kBlocks];
    const u32 here = (u32)__cvta_generic_to_shared(totals + item);
    EACH(b, kBlocks) asm volatile("{\n.reg .u32 there;\nmapa.shared::cluster.u32 there, %2, %3;\nld.shared::cluster.v2.f32 {%0, %1}, [there];\n}" : "=f"(parts[b].x), "=f"(parts[b].y) : "r"(here), "r"(b) : "memory");
    EACH(b, kBlocks - 1u) { parts[0].x += parts[b + 1u].x; parts[0].y += parts[b + 1u].y; }
    return parts[0];
  };
)";

constexpr std::string_view kFinish = R"(
  EACH(e, kItems) if (is_item(e)) {
    const u32 item = item_of(e), place = item_place(item);
    const float2 total = TOTAL(item);
    f32 results[2];
    EACH(v, 2) {
      const f32 sum = (v == 0 ? total.x : total.y)ADDED;
      f32 result;
      EPILOGUE
      results[v] = result;
    }
    if (place < kPlaces && is_filter(item_filter(item))) store<T, 2>(y + place * kFilters + item_filter(item), results);
  }
)";

// The shared memory of a block may be read until all have come here.
constexpr std::string_view kLeave =
    "  asm volatile(\"barrier.cluster.arrive.relaxed.aligned;\\nbarrier.cluster.wait.aligned;\" "
    "::: "
    "\"memory\");\n";

std::string multiply_text(DType type) {
  return fmt::format(
      "  const auto multiply = [](f32 (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {{\n"
      "    asm(\"mma.sync.aligned.m16n8k16.row.col.f32.{0}.{0}.f32 {{%0, %1, %2, %3}}, {{%4, %5, "
      "%6, %7}}, {{%8, %9}}, {{%0, %1, %2, %3}};\" : \"+f\"(c[0]), \"+f\"(c[1]), \"+f\"(c[2]), "
      "\"+f\"(c[3]) : \"r\"(a0), \"r\"(a1), \"r\"(a2), \"r\"(a3), \"r\"(b0), \"r\"(b1));\n  }};\n",
      type == DType::f16 ? "f16" : "bf16");
}

std::string constants_text(const SmallConvolution& c, const SmallPlan& plan) {
  const int64_t owners = plan.warps * plan.blocks, own = ceil_div(plan.chunks, owners);
  const int64_t threads = 32 * plan.warps, share = 512 / plan.blocks;
  std::string code = fmt::format(
      "  typedef {} T;\n"
      "  constexpr u32 kHeight = {}u, kWidth = {}u, kChannels = {}u, kRows = {}u, kColumns = {}u, "
      "kPlaces = {}u, kFilters = {}u, kDepth = {}u;\n",
      storage_text(c.type), c.height, c.width, c.channels, c.rows, c.columns, c.places(), c.filters,
      c.depth());
  code += fmt::format(
      "  constexpr u32 kKernelX = {}u, kStrideY = {}u, kStrideX = {}u, kTapChunks = {}u, kAcross = "
      "{}u, kChunks = "
      "{}u;\n  constexpr i32 kTop = {}, kLeft = {};\n",
      c.kernel[1], c.strides[0], c.strides[1], c.channels / SmallPlan::kChunk,
      ceil_div(c.filters, SmallPlan::kFilters), plan.chunks, c.pad[0], c.pad[1]);
  return code + fmt::format(
                    "  constexpr u32 kWarps = {}u, kBlocks = {}u, kOwners = {}u, kOwn = {}u, "
                    "kAhead = {}u, kThreads = {}u, kShare = {}u, kItems = {}u;\n",
                    plan.warps, plan.blocks, owners, own, std::min<int64_t>(own, 4), threads, share,
                    ceil_div(share, threads));
}

std::string finish_text(const SmallConvolution& convolution, bool cluster) {
  std::string code(kFinish);
  const auto put = [&](std::string_view from, const std::string& to) {
    code.replace(code.find(from), from.size(), to);
  };
  put("TOTAL", cluster ? "of_cluster" : "of_block");
  put("ADDED", fmt::format("{}{}", convolution.bias ? " + biases[e].get(v)" : "",
                           convolution.residual ? " + residuals[e].get(v)" : ""));
  put("EPILOGUE", convolution.epilogue);
  return code;
}

}  // namespace

std::string small_text(const SmallConvolution& convolution, const SmallPlan& plan) {
  const std::string type = storage_text(convolution.type);
  std::string code = fmt::format(
      "\nextern \"C\" __global__ void {}__launch_bounds__({}) $name(const {}* x, const {}* filter, "
      "{}{}{}* y) {{\n",
      plan.blocks > 1 ? fmt::format("__cluster_dims__({}, 1, 1) ", plan.blocks) : "",
      32 * plan.warps, type, type, convolution.bias ? fmt::format("const {}* bias, ", type) : "",
      convolution.residual ? fmt::format("const {}* residual, ", type) : "", type);
  code += constants_text(convolution, plan) + std::string(kSetup) + multiply_text(convolution.type);
  std::string fixed(kFetchAhead);
  if (convolution.bias) fixed += kBiases;
  const std::string wait = "  after_previous();\n";
  code += convolution.constant ? fixed + wait : wait + fixed;
  if (convolution.residual) code += kResiduals;
  const bool cluster = plan.blocks > 1;
  code.append(kMultiply).append(kOfBlock).append(cluster ? kOfCluster : "");
  return code + finish_text(convolution, cluster) + std::string(cluster ? kLeave : "") + "}\n";
}

}  // namespace brisk::cuda
