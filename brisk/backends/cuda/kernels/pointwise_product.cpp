#include "brisk/backends/cuda/kernels/pointwise_product.h"

#include <algorithm>

#include "brisk/backends/cuda/kernels/shared_kernel.h"
#include "brisk/backends/cuda/kernels/tile_sums.h"
#include "brisk/backends/cuda/kernels/warpgroup_product.h"
#include "brisk/backends/cuda/loop/line_writer.h"
#include "brisk/base/rounding.h"
#include "brisk/ir/type_bytes.h"

// A block of 256 threads keeps 64 or 128 columns: all of their depth lies in shared memory from the
// beginning, so that what goes through L2 again and again is the rows alone. The block goes through
// tiles of 64 rows; slices of 64 of their depth come through a ring of stages that is filled ahead
// across tiles, so that the next tile's slices are under way while this one's epilogue runs. What
// the epilogue reads is loaded into registers before the tile's products begin. Blocks of other
// columns of the same rows are neighbours in the grid and find the rows in L2.
//
// Columns lie in shared memory in an order in which the tensor cores' result gives each thread
// eight columns beside each other: of 32 columns, thread t of a row's four has 8 t ... 8 t + 7, in
// the instruction's columns 2 t and 2 t + 1 of four products. So reads and writes of memory are of
// 16 bytes. Lines of shared memory are padded by 8 elements: eight lines of one matrix then lie in
// different banks.
//
// All of this is of 16-bit words: an element of f32 is two of them, so a slice holds 32 of its
// depth, and the instruction that multiplies 16 of a short type multiplies 8. What it takes is
// rounded to TF32 first (to the nearest; it would cut off): the columns' once, in shared memory.
//
// (Columns' slices through the ring as well, 64 x 128 tiles: 130 TFLOP/s at most on an H100, L2
// being the limit.)

namespace brisk::cuda {
namespace {

constexpr int64_t kTileRows = 64;
constexpr int64_t kSlice = 64;   // words
constexpr int64_t kPadding = 8;  // words
constexpr int32_t kThreads = 256;
constexpr int64_t kBlocksEach = 2;           // of a multiprocessor at a time
constexpr int64_t kMostShared = 113 * 1024;  // bytes, for two of them
constexpr int64_t kMostParts = 1024;

/// Words of 16 bits.
int64_t words(const PointwiseProduct& product, int64_t elements) {
  return elements * byte_size(product.type) / 2;
}

/// Depths in words.
struct Plan {
  int64_t depth, tile_columns, chunks, tiles, parts, stages;
  int64_t slices() const { return depth / kSlice; }
  int64_t shared_bytes() const {
    return 2 * (tile_columns * (depth + kPadding) + stages * kTileRows * (kSlice + kPadding));
  }
};

/// The widest tile and then the longest ring that fit; a ring of less than three stages: none.
Plan plan_of(const PointwiseProduct& product, int64_t multiprocessors) {
  Plan plan{};
  for (const PointwiseProduct::Term& term : product.terms) plan.depth += words(product, term.depth);
  for (const int64_t columns : {128, 64}) {
    if (product.columns % columns != 0) continue;
    if (columns == 128 && product.type == DType::f32) continue;  // the epilogue's registers
    plan.tile_columns = columns;
    for (plan.stages = 5; plan.stages > 2; --plan.stages)
      if (plan.shared_bytes() <= kMostShared) break;
    if (plan.stages > 2) break;
  }
  plan.chunks = product.columns / std::max<int64_t>(plan.tile_columns, 1);
  plan.tiles = ceil_div(product.rows, kTileRows);
  const int64_t blocks = std::max<int64_t>(multiprocessors, 1) * kBlocksEach;
  plan.parts = std::clamp<int64_t>(blocks / std::max<int64_t>(plan.chunks, 1), 1,
                                   std::clamp<int64_t>(plan.tiles, 1, kMostParts));
  return plan;
}

std::string constants_text(const PointwiseProduct& product, const Plan& plan) {
  const int64_t column_warps = plan.tile_columns / 32, row_warps = kThreads / 32 / column_warps;
  return fmt::format(
      "  constexpr u32 kRows = {}u, kColumns = {}u, kTileRows = {}u, kTileColumns = {}u;\n"
      "  constexpr u32 kTiles = {}u, kParts = {}u, kChunks = {}u, kSlices = {}u, kSums = {}u;\n"
      "  constexpr u32 kRowWarps = {}u, kColumnWarps = {}u, kParcels = {}u, kStages = {}u;\n",
      product.rows, product.columns, kTileRows, plan.tile_columns, plan.tiles, plan.parts,
      plan.chunks, plan.slices(), product.sums.size(), row_warps, column_warps,
      kTileRows / 16 / row_warps, plan.stages);
}

/// Sets `a` (at slice k) and `line` (its depth) by the slice's number `k`.
std::string term_text(const PointwiseProduct& product) {
  std::string code = "    const u16* a;\n    u32 line;\n    ";
  int64_t first = 0;
  for (size_t i = 0; i < product.terms.size(); ++i) {
    const PointwiseProduct::Term& term = product.terms[i];
    const int64_t depth = words(product, term.depth), after = first + depth / kSlice;
    if (i + 1 < product.terms.size()) code += fmt::format("if (k < {}u) ", after);
    code += fmt::format("{{ a = (const u16*)b{} + (k - {}u) * {}u; line = {}u; }}{}", term.a, first,
                        kSlice, depth, i + 1 < product.terms.size() ? " else " : "\n");
    first = after;
  }
  return code;
}

/// The columns' whole depth, term beside term.
std::string resident_text(const PointwiseProduct& product) {
  std::string code;
  int64_t first = 0;
  for (const PointwiseProduct::Term& term : product.terms) {
    const int64_t depth = words(product, term.depth);
    code += fmt::format(
        "  for (u32 i = threadIdx.x; i < kTileColumns * {0}u; i += 256u) {{\n"
        "    const u32 mine = i / {0}u, piece = i % {0}u * 8u;\n"
        "    copy(resident + place_of(mine) * kRightLine + {1}u + piece, (const u16*)b{2} + "
        "(ix)(column0 + mine) * {3}u + piece, 16u);\n  }}\n",
        depth / 8, first, term.b, depth);
    first += depth;
  }
  code += "  commit();\n";
  if (product.type == DType::f32)
    code +=
        "  asm volatile(\"cp.async.wait_all;\");\n  __syncthreads();\n"
        "  for (u32 i = threadIdx.x; i < kTileColumns * (kRightLine / 2u - 4u); i += 256u)\n"
        "    round_tf32(((u32*)resident)[i / (kRightLine / 2u - 4u) * (kRightLine / 2u) + i % "
        "(kRightLine / 2u - 4u)]);\n";
  return code;
}

constexpr std::string_view kSetup = R"(
  constexpr u32 kLine = 72, kStage = kTileRows * kLine, kRightLine = kSlices * 64u + 8u;
  extern __shared__ __align__(16) u16 pointwise_shared[];
  u16 *const resident = pointwise_shared, *const ring = resident + kTileColumns * kRightLine;
  const u32 lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;
  const u32 warp_row = warp / kColumnWarps * 16u * kParcels, warp_column = warp % kColumnWarps * 32u;
  const u32 chunk = blockIdx.x % kChunks, part = blockIdx.x / kChunks;
  const u32 column0 = chunk * kTileColumns, column = column0 + warp_column + lane % 4u * 8u;
  const u32 steps = (kTiles - part + kParts - 1u) / kParts * kSlices;
  const auto shared_address = [](const void* p) { return (u32)__cvta_generic_to_shared(p); };
  const auto copy = [&](u16* to, const u16* from, u32 bytes) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" :: "r"(shared_address(to)), "l"(from), "r"(bytes));
  };
  const auto commit = [] { asm volatile("cp.async.commit_group;"); };
  const auto place_of = [](u32 mine) { return mine / 32u * 32u + mine % 8u / 2u * 8u + mine % 32u / 8u * 2u + mine % 2u; };
  const auto fetch = [&](u32 step) {
    u16* const stage = ring + step % kStages * kStage;
    const u32 k = step % kSlices, row0 = (part + step / kSlices * kParts) * kTileRows;
)";

constexpr std::string_view kRound = R"(
  const auto round_tf32 = [](u32& x) { asm("cvt.rna.tf32.f32 %0, %0;" : "+r"(x)); };
)";

constexpr std::string_view kFetch = R"(
    EACH(i, 2) {
      const u32 mine = i * 32u + threadIdx.x / 8u, piece = threadIdx.x % 8u * 8u, row = row0 + mine;
      copy(stage + mine * kLine + piece, a + (ix)(row < kRows ? row : 0u) * line + piece, row < kRows ? 16u : 0u);
    }
  };
)";

constexpr std::string_view kAhead = R"(
  u32 step = 0;
  EACH(ahead, kStages - 1u) {
    if (ahead < steps) fetch(ahead);
    commit();
  }
  f32 sums[kSums > 0u ? kSums : 1u][8] = {};
)";

constexpr std::string_view kMultiply = R"(
    f32 products[kParcels][4][4] = {};
    _Pragma("unroll 1") for (u32 k = 0; k < kSlices; ++k, ++step) {
      asm volatile("cp.async.wait_group %0;" :: "n"(kStages - 2u));
      __syncthreads();
      if (step + kStages - 1u < steps) fetch(step + kStages - 1u);
      commit();
      const u16* const stage = ring + step % kStages * kStage;
      EACH(quarter, 4) {
        u32 left[kParcels][4], right[4][2];
        EACH(m, kParcels) {
          const u16* const at = stage + (warp_row + m * 16u + lane % 16u) * kLine + quarter * 16u + lane / 16u * 8u;
          asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                       : "=r"(left[m][0]), "=r"(left[m][1]), "=r"(left[m][2]), "=r"(left[m][3]) : "r"(shared_address(at)));
        }
        EACH(pair, 2) {
          const u16* const at = resident + (warp_column + (pair * 2u + lane / 16u) * 8u + lane % 8u) * kRightLine + k * 64u + quarter * 16u + lane / 8u % 2u * 8u;
          asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                       : "=r"(right[2 * pair][0]), "=r"(right[2 * pair][1]), "=r"(right[2 * pair + 1][0]), "=r"(right[2 * pair + 1][1]) : "r"(shared_address(at)));
        }
        ROUND
        EACH(m, kParcels) EACH(j, 4)
          asm volatile("mma.sync.aligned.SHAPE.row.col.f32.TYPE.TYPE.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                       : "+f"(products[m][j][0]), "+f"(products[m][j][1]), "+f"(products[m][j][2]), "+f"(products[m][j][3])
                       : "r"(left[m][0]), "r"(left[m][1]), "r"(left[m][2]), "r"(left[m][3]), "r"(right[j][0]), "r"(right[j][1]));
      }
    }
)";

constexpr std::string_view kCombine = R"(
  f32* const partial = (f32*)workspace;
  f32* const shared = (f32*)ring;
  constexpr u32 kSumRows = kRowWarps, kSumThreads = 256u;
  EACH(q, kSums) EACH(c, 8) EACH(by, 3) sums[q][c] += __shfl_xor_sync(0xffffffffu, sums[q][c], 4 << by);
  __syncthreads();
  if (lane < 4u)
    EACH(q, kSums) EACH(c, 8) shared[(q * kSumRows + warp / kColumnWarps) * kTileColumns + warp_column + lane * 8u + c] = sums[q][c];
)";

/// Sets `from`, the operand's row for `row`, and whether it is `there`.
std::string sparse_place_text(const PointwiseProduct::Image& image) {
  std::string code =
      "      {\n      bool there = row < kRows;\n      u32 rest = row, from = 0, width = 1;\n";
  for (auto axis = image.axes.rbegin(); axis != image.axes.rend(); ++axis)
    code += fmt::format(
        "      {{ const u32 p = rest % {0}u; rest /= {0}u; there = there && p % {1}u == 0u; from "
        "+= p / "
        "{1}u * width; width *= {2}u; }}\n",
        axis->extent, axis->step, axis->extent / axis->step);
  return code + "      from += rest * width;\n";
}

/// What the epilogue reads at a tile, before its products; vectors once for all tiles.
std::string loads_text(const PointwiseProduct& product) {
  std::string code;
  const std::string type = storage_text(product.type);
  for (const PointwiseProduct::Image& image : product.images)
    code += fmt::format("    Vector<{}, 8> all_{}[kParcels][2];\n", type, image.name);
  code +=
      "    EACH(m, kParcels) EACH(h, 2) {\n"
      "      const u32 row = tile * kTileRows + warp_row + m * 16u + h * 8u + lane / 4u;\n"
      "      const ix at = (ix)row * kColumns + column;\n";
  for (const PointwiseProduct::Image& image : product.images) {
    const bool sparse = !image.axes.empty();
    if (sparse) code += sparse_place_text(image);
    code += fmt::format(
        "      if ({2}) all_{0}[m][h] = load<8>(b{1} + {3}); else all_{0}[m][h].clear();\n",
        image.name, image.operand, sparse ? "there" : "row < kRows",
        sparse ? "(ix)from * kColumns + column" : "at");
    if (sparse) code += "      }\n";
  }
  return code + "    }\n";
}

std::string epilogue_text(const PointwiseProduct& product) {
  std::string code =
      "    EACH(m, kParcels) EACH(h, 2) {\n"
      "      const u32 row = tile * kTileRows + warp_row + m * 16u + h * 8u + lane / 4u;\n"
      "      f32 results[8];\n"
      "      EACH(c, 8) {\n"
      "        const f32 product = products[m][c / 2][2 * h + c % 2];\n";
  for (const PointwiseProduct::Image& image : product.images)
    code += fmt::format("        const f32 {0} = all_{0}[m][h].get(c);\n", image.name);
  for (const PointwiseProduct::Vector& vector : product.vectors)
    code += fmt::format("        const f32 {0} = all_{0}.get(c);\n", vector.name);
  code += fmt::format("        f32 result;\n        {}\n        results[c] = result;\n",
                      product.epilogue);
  if (!product.sums.empty()) {
    code += "        const f32 summed = row < kRows ? result : 0.f;\n";
    for (size_t q = 0; q < product.sums.size(); ++q)
      code += fmt::format("        sums[{}][c] += {};\n", q, product.sums[q]);
  }
  code +=
      "      }\n      if (row < kRows) store(y0 + (ix)row * kColumns + column, results);\n    }\n";
  return code;
}

std::string multiply_text(DType type) {
  const bool tf32 = type == DType::f32;
  std::string code(kMultiply);
  const auto put = [&](std::string_view name, std::string_view text) {
    for (size_t at = code.find(name); at != std::string::npos; at = code.find(name, at))
      code.replace(at, name.size(), text);
  };
  put("ROUND", tf32 ? "EACH(m, kParcels) EACH(r, 4) round_tf32(left[m][r]);" : "");
  put("SHAPE", tf32 ? "m16n8k8" : "m16n8k16");
  put("TYPE", tf32 ? "tf32" : brisk::name(type));
  return code;
}

std::string kernel_text(const PointwiseProduct& product, const Plan& plan) {
  std::string code = constants_text(product, plan);
  code += std::string(kSetup) + term_text(product) + std::string(kFetch);
  if (product.type == DType::f32) code += kRound;
  code += resident_text(product) + std::string(kAhead);
  for (const PointwiseProduct::Vector& vector : product.vectors)
    code += fmt::format("  const Vector<{}, 8> all_{} = load<8>(b{} + column);\n",
                        storage_text(vector.type), vector.name, vector.operand);
  code += "  for (u32 tile = part; tile < kTiles; tile += kParts) {\n" + loads_text(product);
  code += multiply_text(product.type) + epilogue_text(product) + "  }\n";
  if (product.sums.empty()) return code;
  std::string totals;
  for (size_t q = 0; q < product.sums.size(); ++q)
    totals += fmt::format("{}y{}", q == 0 ? "" : ", ", q + 1);
  return code + fmt::format("  f32* const totals[] = {{{}}};\n", totals) +
         std::string(kBlockMeets) + std::string(kCombine) + std::string(kTileSums);
}

class PointwiseProductLaunch final : public Launch {
 public:
  PointwiseProductLaunch(const PointwiseProduct& product, const Plan& plan,
                         const KernelRequest& request, const PrepareContext& context)
      : name_(pointwise_product_name(product)),
        flops_(product.flops()),
        counter_bytes_(product.sums.empty() ? 0 : plan.chunks * 4),
        workspace_bytes_(static_cast<int64_t>(product.sums.size()) * plan.parts * product.columns *
                         4) {
    std::string parameters;
    for (size_t i = 0; i < request.operands.size(); ++i)
      parameters += fmt::format("const {}* b{}, ", storage_text(request.operands[i].dtype()), i);
    for (size_t i = 0; i < request.node.results.size(); ++i)
      parameters += fmt::format("{}* y{}, ", storage_text(request.node.results[i].dtype()), i);
    const size_t number = context.code.add(
        {"pointwise_product",
         fmt::format("\nextern \"C\" __global__ void __launch_bounds__({}, {}) $name({}u8* "
                     "workspace, u32* counters) {{\n  after_previous();\n  typedef u64 ix;\n{}}}\n",
                     kThreads, kBlocksEach, parameters, kernel_text(product, plan))});
    kernel_ = SharedKernel(number, plan.chunks * plan.parts, kThreads, plan.shared_bytes());
  }

  void load(const CodeLibrary& code) override { kernel_.load(code); }

  void enqueue(const LaunchArguments& arguments) override {
    std::vector<DeviceAddress> addresses = addresses_of(arguments);
    addresses.push_back(arguments.workspace);
    addresses.push_back(arguments.counters);
    kernel_.enqueue(std::move(addresses), arguments.stream);
  }

  int64_t workspace_bytes() const override { return workspace_bytes_; }
  int64_t counter_bytes() const override { return counter_bytes_; }
  std::string name() const override { return name_; }
  double flops() const override { return flops_; }

 private:
  std::string name_;
  double flops_;
  int64_t counter_bytes_, workspace_bytes_;
  SharedKernel kernel_;
};

}  // namespace

int64_t PointwiseProduct::depth() const {
  int64_t depth = 0;
  for (const Term& term : terms) depth += term.depth;
  return depth;
}

double PointwiseProduct::flops() const {
  return 2 * static_cast<double>(rows) * static_cast<double>(columns) *
         static_cast<double>(depth());
}

Result<SteppedImages> places_read(const Shape& images, const std::vector<int64_t>& strides) {
  if (images.rank() != 4) return fail("strides over {} axes, but it takes two", images.rank() - 2);
  if (std::ranges::max(strides) > 8)
    return fail("a stride of {}, but it takes up to 8", std::ranges::max(strides));
  return SteppedImages{images.size(0), images.size(1), images.size(2), strides[0], strides[1]};
}

Result<std::string> activated_sum(Activation activation) {
  if (activation == Activation::none) return std::string("result = sum;");
  if (activation == Activation::relu) return std::string("result = sum < 0.f ? 0.f : sum;");
  return fail("it is for ReLU and none");
}

std::string pointwise_product_name(const PointwiseProduct& product) {
  return fmt::format("{}/{}x{}x{}", product.name, product.rows, product.columns, product.depth());
}

std::optional<std::string> refuse_pointwise_product(const PointwiseProduct& product,
                                                    const DeviceProperties& device) {
  if (product.type != DType::f16 && product.type != DType::bf16 && product.type != DType::f32)
    return fmt::format("element type {}, but it is for f16, bf16 and f32",
                       brisk::name(product.type));
  if (product.columns == 0 || product.columns % 64 != 0)
    return fmt::format("{} columns, but it wants a multiple of 64", product.columns);
  for (const PointwiseProduct::Term& term : product.terms)
    if (term.depth == 0 || words(product, term.depth) % kSlice != 0)
      return fmt::format("a depth of {}, but it wants a multiple of {}", term.depth,
                         kSlice * 2 / byte_size(product.type));
  if (product.rows == 0 || product.rows > (int64_t{1} << 31) - kTileRows)
    return fmt::format("{} rows, but it counts them in 31 bits and wants one", product.rows);
  if (!refuse_warpgroup_product(product, device)) return std::nullopt;
  if (std::ranges::any_of(product.terms, [](const auto& term) { return term.places.has_value(); }))
    return "a term that reads some places alone";
  const Plan plan = plan_of(product, 1);
  if (plan.stages < 3)
    return fmt::format("a depth of {}, of which {} columns do not fit into shared memory",
                       plan.depth * 2 / byte_size(product.type), plan.tile_columns);
  return std::nullopt;
}

double most_intensity(const PointwiseProduct& product, const DeviceProperties& device) {
  // On an H100 Hopper's form reaches 400 TFLOP/s (TF32: 200), and was measured to be faster than
  // the parts at 183 operations a byte (91); the other one 145 (a third) beside the library's 500.
  const bool tf32 = product.type == DType::f32;
  if (!refuse_warpgroup_product(product, device)) return tf32 ? 100 : 200;
  return tf32 ? 45 : 140;
}

std::optional<std::string> refuse_intensity(const PointwiseProduct& product, const Node& node,
                                            std::span<const Type> operands, double most) {
  int64_t bytes = type_bytes(node.results[0]);
  for (const Type& operand : operands) bytes += type_bytes(operand);
  for (const PointwiseProduct::Term& term : product.terms)
    if (term.places)
      bytes += byte_size(product.type, product.rows * term.depth) - type_bytes(operands[term.a]);
  const double intensity = product.flops() / static_cast<double>(bytes);
  if (intensity <= most) return std::nullopt;
  return fmt::format("{:.0f} operations a byte, of which it takes up to {:.0f}", intensity, most);
}

std::unique_ptr<Launch> make_pointwise_product(const PointwiseProduct& product,
                                               const KernelRequest& request,
                                               const PrepareContext& context) {
  if (!refuse_warpgroup_product(product, request.device))
    return make_warpgroup_product(product, request, context);
  return std::make_unique<PointwiseProductLaunch>(
      product, plan_of(product, request.device.multiprocessors), request, context);
}

}  // namespace brisk::cuda
