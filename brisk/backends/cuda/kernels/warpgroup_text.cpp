#include "brisk/backends/cuda/kernels/warpgroup_text.h"

#include "brisk/backends/cuda/kernels/tile_sums.h"
#include "brisk/backends/cuda/kernels/warpgroup_matrix.h"
#include "brisk/backends/cuda/loop/line_writer.h"

// A block has two warpgroups that multiply and a third whose first warps fill the ring: a stage of
// it holds a slice of the depth (128 bytes of every row of a tile, and of every column where these
// do not stay in shared memory), or what the epilogue reads of some columns. Stages are filled in
// the order in which they are consumed, across tiles, so that memory is busy during products and
// epilogues alike; a stage has one barrier that says it is filled and one that says it is empty.
// Warpgroups that have tiles of their own have rings of their own, each with a warp that fills it:
// a barrier tells only two phases apart, so that who waits for one must have seen the one before.
//
// An epilogue writes its results over the first image in shared memory, from where a copy of 16
// rows for each warp takes them to memory: that stage is free when the copy has read it. Where
// there is no image, each warpgroup has places of its own for the results of some columns. Boxes
// end at the last row by themselves. A term's rows may be some places of images alone, as a
// convolution with strides reads them: boxes of places on end are copied as for im2col.
//
// In the instructions' result, a thread has columns 8 j + 2 (lane mod 4) and the next one, of rows
// lane / 4 and 8 more. Images lie in lines of 128 bytes whose 16-byte pieces are exchanged by the
// row, so that a warp's reads of a pair of columns are in different banks. Sums of eight columns
// over eight rows are exchanged so that each thread keeps one.
//
// The tensor cores cut f32 off to TF32: what they read is rounded to the nearest in shared memory
// first, by all threads that read it.
//
// Measured on an H100 and slower: blocks that share the columns' slices (clusters of two, each
// fetching half for both: 109 us instead of 83), telling L2 that what the epilogue reads is read
// once (559 us instead of 487), and the warp that fills the ring gathering the rows of an image
// that has some of them alone (593 us instead of the other form's 420).

namespace brisk::cuda {
namespace {

constexpr std::string_view kSetup = R"(
  constexpr u32 kLine = 128u, kUnit = 64u * kLine, kUnitColumns = kLine / (u32)sizeof(T);
  constexpr u32 kColumnUnits = kTileColumns / kUnitColumns, kUnitBlocks = kUnitColumns / 32u;
  constexpr u32 kAbreast = kGroups / kTeam, kTileRows = kTeam * 64u, kWarps = kGroups * 4u;
  extern __shared__ u8 warpgroup_shared[];
  const auto shared_address = [](const void* p) { return (u32)__cvta_generic_to_shared(p); };
  u8* const resident = warpgroup_shared + (1024u - shared_address(warpgroup_shared) % 1024u) % 1024u;
  u8* const ring = resident + kResidentBytes;
  u8* const staging = ring + kAbreast * kStages * kStage;
  f32* const vectors = (f32*)(staging + kGroups * kStaged * kUnit);
  const u32 barriers = shared_address(vectors + kVectors * kTileColumns), ready = barriers + kAbreast * kStages * 16u;
  const u32 lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;
  const u32 own = warp < kWarps ? warp / 4u / kTeam : warp % 2u;
  const u32 chunk = blockIdx.x % kChunks, part = blockIdx.x / kChunks, column0 = chunk * kTileColumns;
  const auto wait = [](u32 barrier, u32 parity) {
    u32 done;
    do asm volatile("{\n.reg .pred p;\nmbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\nselp.u32 %0, 1, 0, p;\n}" : "=r"(done) : "r"(barrier), "r"(parity) : "memory");
    while (done == 0u);
  };
  const auto place_of = [&](u32 n) { return own * kStages + n % kStages; };
  const auto stage_of = [&](u32 n) { return ring + place_of(n) * kStage; };
  const auto filled = [&](u32 n) { return barriers + place_of(n) * 8u; };
  const auto emptied = [&](u32 n) { return barriers + (kAbreast * kStages + place_of(n)) * 8u; };
  const auto wait_filled = [&](u32 n) { wait(filled(n), n / kStages % 2u); };
  const auto wait_emptied = [&](u32 n) { if (n >= kStages) wait(emptied(n), (n / kStages + 1u) % 2u); };
  const auto release = [&](u32 n) {
    if (lane == 0u) asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" :: "r"(emptied(n)) : "memory");
  };
  if (threadIdx.x == 0) {
    for (u32 s = 0; s < kAbreast * kStages; ++s) {
      asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(barriers + s * 8u));
      asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" :: "r"(barriers + (kAbreast * kStages + s) * 8u), "n"(kTeam * 4u));
    }
    asm volatile("mbarrier.init.shared::cta.b64 [%0], 1;" :: "r"(ready));
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
  }
  after_previous();
)";

constexpr std::string_view kFillers = R"(
  __syncthreads();
  if (warp >= kWarps) {
    asm volatile("setmaxnreg.dec.sync.aligned.u32 40;");
    const auto expect = [](u32 barrier, u32 bytes) { asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" :: "r"(barrier), "r"(bytes) : "memory"); };
    const auto fetch = [](const Map& map, u32 column, u32 row, u32 to, u32 barrier) {
      asm volatile("cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];" :: "r"(to), "l"(&map), "r"(column), "r"(row), "r"(barrier) : "memory");
    };
    const auto fetch_places = [](const Map& map, u32 column, u32 x, u32 y, u32 image, u32 to, u32 barrier) {
      asm volatile("cp.async.bulk.tensor.4d.shared::cluster.global.im2col.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3, %4, %5}], [%6], {%7, %7};" :: "r"(to), "l"(&map), "r"(column), "r"(x), "r"(y), "r"(image), "r"(barrier), "h"((u16)0) : "memory");
    };
)";

constexpr std::string_view kRound = R"(
  const auto round_tf32 = [](u8* from, u32 bytes, u32 thread, u32 threads, u32 barrier) {
    _Pragma("unroll 4") for (u32 i = thread * 16u; i < bytes; i += threads * 16u) {
      Words<16> four = load_words<16>(from + i);
      EACH(c, 4) asm("cvt.rna.tf32.f32 %0, %0;" : "+r"(four.at[c]));
      store_words<16>(from + i, four);
    }
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    asm volatile("bar.sync %0, %1;" :: "r"(barrier), "r"(threads) : "memory");
  };
)";

constexpr std::string_view kMultiply = R"(
  asm volatile("setmaxnreg.inc.sync.aligned.u32 232;");
  const auto descriptor = [](u32 address) { return (u64)((address & 0x3ffffu) >> 4) | 1ull << 16 | 64ull << 32 | 1ull << 62; };
  const u32 mine = warp / 4u % kTeam, slot = mine * kUnit, line = warp % 4u * 16u + lane / 4u;
  f32 sums[kSums > 0u ? kSums : 1u][kTileColumns / 32u] = {};
  if (kResidentBytes > 0u) {
    wait(ready, 0u);
    ROUND_RESIDENT
  }
  u32 n = 0, staged = 0;
  for (u32 turn = own; part + turn * kParts < kTiles; turn += kAbreast) {
    const u32 tile = part + turn * kParts, row0 = tile * kTileRows + mine * 64u;
    f32 products[kTileColumns / 2u];
    _Pragma("unroll 1") for (u32 k = 0; k < kSlices; ++k, ++n) {
      wait_filled(n);
      const u32 stage = shared_address(stage_of(n));
      ROUND_STAGE
      const u64 left = descriptor(stage + slot);
      const u64 right = descriptor(kResidentBytes > 0u ? shared_address(resident) + k * (kTileColumns * kLine) : stage + kTeam * kUnit);
      asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
      EACH(quarter, 4) {
        MATRIX
      }
      asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
      asm volatile("wgmma.wait_group.sync.aligned 1;" ::: "memory");
      if (k > 0u) release(n - 1u);
    }
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
    EACH(i, kTileColumns / 2u) asm volatile("" : "+f"(products[i]) :: "memory");
    release(n - 1u);
    EACH(unit, kColumnUnits) {
      TARGET
      EACH(block, kUnitBlocks) {
        f32 folded[kSums > 0u ? kSums : 1u][8] = {};
        EACH(pair, 4) {
          const u32 j = unit * (kUnitColumns / 8u) + block * 4 + pair;
)";

constexpr std::string_view kStore = R"(
            store((T*)(target + place), results);
          }
        }
        EACH(q, kSums) {
          const bool upper[] = {(lane & 16u) != 0u, (lane & 8u) != 0u, (lane & 4u) != 0u};
          f32 four[4], two[2];
          EACH(i, 4) four[i] = (upper[0] ? folded[q][i + 4] : folded[q][i]) + __shfl_xor_sync(0xffffffffu, upper[0] ? folded[q][i] : folded[q][i + 4], 16);
          EACH(i, 2) two[i] = (upper[1] ? four[i + 2] : four[i]) + __shfl_xor_sync(0xffffffffu, upper[1] ? four[i] : four[i + 2], 8);
          sums[q][unit * kUnitBlocks + block] += (upper[2] ? two[1] : two[0]) + __shfl_xor_sync(0xffffffffu, upper[2] ? two[0] : two[1], 4);
        }
      }
      asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
      __syncwarp();
      if (lane == 0u) {
        asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" :: "l"(&map_y), "r"(column0 + unit * kUnitColumns), "r"(row0 + warp % 4u * 16u), "r"(shared_address(target) + warp % 4u * 16u * kLine) : "memory");
        asm volatile("cp.async.bulk.commit_group;" ::: "memory");
      }
      RELEASE
    }
    NEXT
  }
  if (kStaged > 0u && lane == 0u) asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
)";

// Results over the first image.
constexpr std::string_view kImageTarget = R"(
      const u32 first = n + (u32)unit / kPieces * kImages, inside = (u32)unit % kPieces * (kTeam * kUnit) + slot;
      if (unit % kPieces == 0) EACH(i, kImages) wait_filled(first + i);
      const auto image = [&](u32 i) { return stage_of(first + i) + inside; };
      u8* const target = image(0u);
)";

constexpr std::string_view kImageRelease = R"(
      if ((unit + 1) % kPieces == 0) {
        for (u32 i = 1; i < kImages; ++i) release(first + i);
        if (unit + 1 > (int)kPieces) {
          if (lane == 0u) asm volatile("cp.async.bulk.wait_group.read %0;" :: "n"(kPieces) : "memory");
          __syncwarp();
          release(first - kImages);
        }
      }
)";

constexpr std::string_view kImageNext = R"(
    if (lane == 0u) asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory");
    __syncwarp();
    n += kColumnUnits / kPieces * kImages;
    release(n - kImages);
)";

// Results in places of their own: `staged` units were written before.
constexpr std::string_view kStagedTarget = R"(
      u8* const target = staging + (warp / 4u * kStaged + staged++ % kStaged) * kUnit;
      if (lane == 0u) asm volatile("cp.async.bulk.wait_group.read %0;" :: "n"(kStaged - 1u) : "memory");
      __syncwarp();
)";

// Racecheck believes in a barrier of the block where both warpgroups have been at barriers of their
// own equally often (benchmarks/cuda/barriers_under_racecheck.cu): rounding is where they are.
constexpr std::string_view kEvenOut = R"(
  if (kAbreast == 2u && own == 1u && (kTiles - part + kParts - 1u) / kParts % 2u != 0u)
    for (u32 k = 0; k < kSlices; ++k) asm volatile("bar.sync 3, 128;" ::: "memory");
)";

constexpr std::string_view kCombine = R"(
  meet();
  f32* const partial = (f32*)workspace;
  f32* const shared = (f32*)ring;
  constexpr u32 kSumRows = kWarps, kSumThreads = kWarps * 32u;
  EACH(q, kSums) EACH(block, kTileColumns / 32u)
    shared[(q * kSumRows + warp) * kTileColumns + block * 32 + lane / 8u * 8u + lane % 4u * 2u + lane / 4u % 2u] = sums[q][block];
)";

std::string constants_text(const PointwiseProduct& product, const WarpgroupPlan& plan) {
  return fmt::format(
      "  typedef {} T;\n  typedef u64 ix;\n  typedef $name_map Map;\n"
      "  constexpr u32 kRows = {}u, kColumns = {}u, kTileColumns = {}u, kTiles = {}u, kParts = "
      "{}u, "
      "kChunks = {}u;\n"
      "  constexpr u32 kSlices = {}u, kSums = {}u, kVectors = {}u, kImages = {}u, kStages = {}u, "
      "kStage = {}u, kResidentBytes = {}u;\n"
      "  constexpr u32 kGroups = {}u, kTeam = {}u, kPieces = {}u, kStaged = {}u;\n",
      storage_text(product.type), product.rows, product.columns, plan.tile_columns, plan.tiles,
      plan.parts, plan.chunks, plan.slices, product.sums.size(), product.vectors.size(),
      product.images.size(), plan.stages, plan.stage_bytes(), plan.resident_bytes(),
      WarpgroupPlan::kGroups, plan.team, plan.pieces, plan.staged);
}

std::string parameters_text(const PointwiseProduct& product) {
  std::string text;
  const auto map = [&](const std::string& name) {
    text += fmt::format("const __grid_constant__ $name_map map_{}, ", name);
  };
  for (size_t i = 0; i < product.terms.size(); ++i) map(fmt::format("a{}", i));
  for (size_t i = 0; i < product.terms.size(); ++i) map(fmt::format("b{}", i));
  for (const PointwiseProduct::Image& image : product.images) map(image.name);
  map("y");
  for (const PointwiseProduct::Vector& vector : product.vectors)
    text += fmt::format("const {}* vector_{}, ", storage_text(vector.type), vector.name);
  for (size_t q = 0; q < product.sums.size(); ++q) text += fmt::format("f32* y{}, ", q + 1);
  return text + "u8* workspace, u32* counters";
}

std::string vectors_text(const PointwiseProduct& product) {
  std::string code;
  for (size_t i = 0; i < product.vectors.size(); ++i)
    code += fmt::format(
        "  for (u32 i = threadIdx.x; i < kTileColumns; i += {}u) vectors[{}u * kTileColumns + i] = "
        "widen(vector_{}[column0 + i]);\n",
        WarpgroupPlan::kThreads, i, product.vectors[i].name);
  return code;
}

/// A statement for the term that slice `k` belongs to: of {0} its number, of {1} the slice's place
/// in its depth.
std::string term_text(const PointwiseProduct& product, std::string_view statement) {
  std::string code;
  int64_t first = 0;
  for (size_t i = 0; i < product.terms.size(); ++i) {
    const bool last = i + 1 == product.terms.size();
    const int64_t slices = product.terms[i].depth * byte_size(product.type) / WarpgroupPlan::kLine;
    if (!last) code += fmt::format("if (k < {}u) ", first + slices);
    code +=
        "{ " +
        fmt::format(fmt::runtime(statement), i, fmt::format("(k - {}u) * kUnitColumns", first)) +
        (last ? " }\n" : " } else ");
    first += slices;
  }
  return code;
}

/// fetch_a0, fetch_a1, ...: boxes of the terms' rows.
std::string fetches_text(const PointwiseProduct& product) {
  std::string code;
  for (size_t i = 0; i < product.terms.size(); ++i) {
    code += fmt::format(
        "    const auto fetch_a{} = [&](u32 column, u32 row, u32 to, u32 barrier) {{\n", i);
    if (const auto& places = product.terms[i].places) {
      const int64_t columns = places->columns(), all = places->lines() * columns;
      code += fmt::format(
          "      const u32 image = row / {0}u, place = row % {0}u;\n"
          "      fetch_places(map_a{1}, column, place % {2}u * {3}u, place / {2}u * {4}u, image, "
          "to, "
          "barrier);\n",
          all, i, columns, places->step_x, places->step_y);
    } else {
      code += fmt::format("      fetch(map_a{}, column, row, to, barrier);\n", i);
    }
    code += "    };\n";
  }
  return code;
}

/// The warp that fills the ring by copies of boxes.
std::string boxes_text(const PointwiseProduct& product, const WarpgroupPlan& plan) {
  std::string code = fetches_text(product);
  if (plan.resident())
    code +=
        "    if (warp == kWarps && lane == 0u) {\n      expect(ready, kResidentBytes);\n"
        "      for (u32 k = 0; k < kSlices; ++k) " +
        term_text(product,
                  "fetch(map_b{0}, {1}, column0, shared_address(resident) + k * (kTileColumns * "
                  "kLine), ready);") +
        "    }\n";
  code +=
      "    if (warp < kWarps + kAbreast && lane == 0u) {\n"
      "      u32 n = 0;\n"
      "      for (u32 turn = own; part + turn * kParts < kTiles; turn += kAbreast) {\n"
      "        const u32 row = (part + turn * kParts) * kTileRows;\n"
      "        for (u32 k = 0; k < kSlices; ++k, ++n) {\n"
      "          wait_emptied(n);\n"
      "          const u32 stage = shared_address(stage_of(n)), barrier = filled(n);\n"
      "          expect(barrier, kStage);\n          ";
  code += term_text(
      product, plan.resident() ? "fetch_a{0}({1}, row, stage, barrier);"
                               : "fetch_a{0}({1}, row, stage, barrier); "
                                 "fetch(map_b{0}, {1}, column0, stage + kTeam * kUnit, barrier);");
  code += "        }\n";
  if (!product.images.empty())
    code += "        for (u32 unit = 0; unit < kColumnUnits; unit += kPieces) {\n";
  for (const PointwiseProduct::Image& image : product.images)
    code += fmt::format(
        "          {{\n            wait_emptied(n);\n"
        "            const u32 stage = shared_address(stage_of(n)), barrier = filled(n);\n"
        "            expect(barrier, kPieces * kTeam * kUnit);\n"
        "            EACH(piece, kPieces) fetch(map_{}, column0 + (unit + piece) * kUnitColumns, "
        "row, "
        "stage + piece * (kTeam * kUnit), barrier);\n"
        "            ++n;\n          }}\n",
        image.name);
  if (!product.images.empty()) code += "        }\n";
  return code + "      }\n    }\n";
}

/// products += 64 rows x the tile's columns x 32 bytes of the depth.
std::string matrix_text(DType type, int64_t columns) {
  return warpgroup_matrix_text({.type = type,
                                .columns = columns,
                                .sums = "products",
                                .left = {"left + 2u * quarter"},
                                .right = "right + 2u * quarter",
                                .adds = "k != 0u || quarter != 0"});
}

std::string epilogue_text(const PointwiseProduct& product) {
  std::string code;
  for (size_t i = 0; i < product.vectors.size(); ++i)
    code += fmt::format(
        "          const Vector<f32, 2> all_{} = load<2>(vectors + {}u * kTileColumns + j * 8u + "
        "lane "
        "% 4u * 2u);\n",
        product.vectors[i].name, i);
  code +=
      "          EACH(h, 2) {\n"
      "            const u32 byte = ((block * 4 + pair) * 8 + lane % 4u * 2u) * (u32)sizeof(T);\n"
      "            const u32 place = (line + h * 8u) * kLine + (byte / 16u ^ lane / 4u) * 16u + "
      "byte "
      "% 16u;\n";
  for (size_t i = 0; i < product.images.size(); ++i)
    code += fmt::format(
        "            const Vector<T, 2> all_{} = load<2>((const T*)(image({}u) + place));\n",
        product.images[i].name, i);
  code +=
      "            f32 results[2];\n            EACH(e, 2) {\n"
      "              const f32 product = products[j * 4 + h * 2 + e];\n";
  const auto element = [&](const std::string& name) {
    code += fmt::format("              const f32 {0} = all_{0}.get(e);\n", name);
  };
  for (const PointwiseProduct::Image& image : product.images) element(image.name);
  for (const PointwiseProduct::Vector& vector : product.vectors) element(vector.name);
  code += fmt::format(
      "              f32 result;\n              {}\n              results[e] = result;\n",
      product.epilogue);
  if (!product.sums.empty()) {
    code += "              const f32 summed = row0 + line + h * 8u < kRows ? result : 0.f;\n";
    for (size_t q = 0; q < product.sums.size(); ++q)
      code += fmt::format("              folded[{}][pair * 2 + e] += {};\n", q, product.sums[q]);
  }
  return code + "            }\n";
}

std::string multiply_text(const PointwiseProduct& product, const WarpgroupPlan& plan) {
  std::string code = std::string(kMultiply) + epilogue_text(product) + std::string(kStore);
  const auto put = [&](std::string_view name, std::string_view text) {
    code.replace(code.find(name), name.size(), text);
  };
  const bool tf32 = product.type == DType::f32, over_image = plan.staged == 0;
  put("ROUND_RESIDENT",
      tf32 ? "round_tf32(resident, kResidentBytes, threadIdx.x, kWarps * 32u, 1u);" : "");
  put("ROUND_STAGE", tf32 ? "round_tf32(stage_of(n), kStage, threadIdx.x % "
                            "(kTeam * 128u), kTeam * 128u, 2u + own);"
                          : "");
  put("MATRIX", matrix_text(product.type, plan.tile_columns));
  put("TARGET", over_image ? kImageTarget : kStagedTarget);
  put("RELEASE", over_image ? kImageRelease : "");
  put("NEXT", over_image ? kImageNext : "");
  return (tf32 ? std::string(kRound) : "") + code;
}

}  // namespace

std::string warpgroup_text(const PointwiseProduct& product, const WarpgroupPlan& plan) {
  std::string code = fmt::format(
      "\nstruct alignas(128) $name_map {{ u64 words[16]; }};\n"
      "extern \"C\" __global__ void __launch_bounds__({}, 1) $name({}) {{\n",
      WarpgroupPlan::kThreads, parameters_text(product));
  code += constants_text(product, plan) + std::string(kSetup) + vectors_text(product);
  code += std::string(kFillers) + boxes_text(product, plan);
  code += "    return;\n  }\n" + multiply_text(product, plan);
  if (!product.sums.empty()) {
    std::string totals;
    for (size_t q = 0; q < product.sums.size(); ++q)
      totals += fmt::format("{}y{}", q == 0 ? "" : ", ", q + 1);
    code += fmt::format("  f32* const totals[] = {{{}}};\n", totals);
    if (product.type == DType::f32) code += kEvenOut;
    code.append(kBlockMeets).append(kCombine).append(kTileSums);
  }
  return code + "}\n";
}

}  // namespace brisk::cuda
