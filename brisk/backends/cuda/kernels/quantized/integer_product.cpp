#include <algorithm>
#include <cmath>

#include "brisk/backends/cuda/aligned.h"
#include "brisk/backends/cuda/kernels/quantized/quantized_kernels.h"
#include "brisk/backends/cuda/kernels/quantized/requantize_text.h"
#include "brisk/backends/cuda/kernels/shared_kernel.h"
#include "brisk/backends/cuda/loop/line_writer.h"

// Sums [rows, filters] over a depth of kernel places x channels, by tensor cores: an implicit
// product, in which the input's lines are gathered as they are copied into shared memory. A block
// has a tile of rows and columns and goes through slices of 64 of the depth, which come through a
// ring of stages filled ahead. Where there are fewer tiles than multiprocessors, several blocks
// share a tile's depth; the last to arrive adds their sums (integers: in any order the same).
// Channels that are no multiple of 4 are padded by zeros first.
//
// What the products read comes from L2, and that is the limit (3 TB/s on an H100): kernels of
// several places read their neighbours' lines again and go through L1. What the epilogue reads is
// loaded before the products where these are few.
//
// Filters are packed once: [columns, depth], padded by zeros to whole tiles and slices, so that
// only the input's copies are guarded. Of 32 columns, the thread t of a row's four in the tensor
// cores' result gets 8 t ... 8 t + 7 (as in kernels/pointwise_product.cpp), so that bytes go to
// memory by eight. Lines of shared memory are padded to 80 bytes: eight of them lie in different
// banks.

namespace brisk::cuda {
namespace {

constexpr int64_t kSlice = 64;  // bytes of the depth
constexpr int64_t kLine = 80;   // bytes of a slice in shared memory
constexpr int64_t kMostStages = 4;
constexpr int64_t kFewSlices = 4;

struct Tile {
  int64_t rows, columns, warp_rows, warp_columns;
  int64_t blocks_each;  ///< of a multiprocessor at a time
  double efficiency;    ///< of the tensor cores' rate where all multiprocessors are busy
  int64_t threads() const { return rows / warp_rows * (columns / warp_columns) * 32; }
};

constexpr Tile kTiles[] = {{128, 128, 32, 64, 2, 1.0},
                           {128, 64, 32, 32, 3, 0.8},
                           {64, 64, 32, 32, 5, 0.6},
                           {64, 32, 16, 32, 8, 0.4}};

struct Plan {
  Tile tile;
  int64_t row_tiles, column_tiles, slices, parts, slices_each;
  int64_t tiles() const { return row_tiles * column_tiles; }
  int64_t stages() const { return std::clamp<int64_t>(slices_each + 1, 2, kMostStages); }
  int64_t shared_bytes() const { return stages() * (tile.rows + tile.columns) * kLine; }
  int64_t packed_depth() const { return slices * kSlice; }
  int64_t packed_bytes() const { return column_tiles * tile.columns * packed_depth(); }
  int64_t partial_bytes() const {
    return parts > 1 ? tiles() * parts * tile.rows * tile.columns * 4 : 0;
  }
};

/// An estimate of clock cycles: of one block's slices one after another, or of all blocks'
/// operations on all multiprocessors, with what a block takes before and after them; then of one
/// block that adds a tile's parts.
double cycles_of(const Plan& plan, int64_t multiprocessors) {
  constexpr double kOperationsEach = 3000, kLatency = 500, kAround = 4000, kJoin = 1500,
                   kJoinedBytesEach = 64;
  const auto slices = static_cast<double>(plan.slices_each),
             parts = static_cast<double>(plan.parts);
  const auto area = static_cast<double>(plan.tile.rows * plan.tile.columns);
  const double block = slices * 2 * area * kSlice / (kOperationsEach * plan.tile.efficiency) +
                       kAround / static_cast<double>(plan.tile.blocks_each);
  const double turns =
      std::ceil(static_cast<double>(plan.tiles()) * parts / static_cast<double>(multiprocessors));
  return std::max(slices * kLatency, turns * block) +
         (plan.parts > 1 ? kJoin + parts * area * 4 / kJoinedBytesEach : 0);
}

Plan plan_of(const QuantizedProblem& problem, int64_t multiprocessors) {
  constexpr int64_t kMostParts = 16, kFewestSlices = 4;
  multiprocessors = std::max<int64_t>(multiprocessors, 1);
  Plan best{};
  double least = 0;
  for (const Tile& tile : kTiles)
    for (int64_t parts = 1; parts <= kMostParts; parts *= 2) {
      Plan plan{tile,
                ceil_div(problem.rows(), tile.rows),
                ceil_div(problem.filters, tile.columns),
                ceil_div(problem.depth(), kSlice),
                parts,
                0};
      plan.slices_each = ceil_div(plan.slices, parts);
      if (parts > 1 &&
          (plan.slices_each < kFewestSlices || plan.tiles() * parts > 2 * multiprocessors))
        break;
      plan.parts = ceil_div(plan.slices, std::max<int64_t>(plan.slices_each, 1));
      const double cycles = cycles_of(plan, multiprocessors);
      if (best.slices_each == 0 || cycles < least) {
        best = plan;
        least = cycles;
      }
    }
  return best;
}

int64_t lines_of(const QuantizedProblem& p) {
  return p.batch * p.input[0] * p.input[1];
}

QuantizedProblem padded(QuantizedProblem problem) {
  problem.channels = round_up(problem.channels, 4);
  return problem;
}

/// Bytes of an input's line that are copied at once.
int64_t unit_of(const QuantizedProblem& problem) {
  return problem.channels % 16 == 0 ? 16 : problem.channels % 8 == 0 ? 8 : 4;
}

std::string constants_text(const QuantizedProblem& p, const Plan& plan) {
  const Tile& tile = plan.tile;
  return fmt::format(
             "  constexpr u32 kRows = {}u, kColumns = {}u, kDepth = {}u, kChannels = {}u;\n"
             "  constexpr u32 kTileRows = {}u, kTileColumns = {}u, kWarpRows = {}u, kWarpColumns = "
             "{}u, kThreads = {}u;\n"
             "  constexpr u32 kChunks = {}u, kSlices = {}u, kParts = {}u, kSlicesEach = {}u;\n"
             "  constexpr u32 kLine = {}u, kStages = {}u, kPiece = {}u;\n",
             p.rows(), p.filters, p.depth(), p.channels, tile.rows, tile.columns, tile.warp_rows,
             tile.warp_columns, tile.threads(), plan.column_tiles, plan.slices, plan.parts,
             plan.slices_each, kLine, plan.stages(), unit_of(p)) +
         fmt::format(
             "  constexpr u32 kHeight = {}u, kWidth = {}u, kResultHeight = {}u, kResultWidth = "
             "{}u, kKernelWidth = {}u;\n"
             "  constexpr i32 kStrideY = {}, kStrideX = {}, kDilationY = {}, kDilationX = {}, "
             "kLowY "
             "= {}, kLowX = {};\n",
             p.input[0], p.input[1], p.result[0], p.result[1], p.kernel[1], p.strides[0],
             p.strides[1], p.dilations[0], p.dilations[1], p.low[0], p.low[1]);
}

constexpr std::string_view kSetup = R"(
  constexpr u32 kStage = (kTileRows + kTileColumns) * kLine, kColumnWarps = kTileColumns / kWarpColumns;
  constexpr u32 kPieces = 64u / kPiece, kLines = kThreads / kPieces, kPasses = kTileRows / kLines;
  constexpr u32 kRightLines = kThreads / 4u, kM = kWarpRows / 16u, kN = kWarpColumns / 8u;
  extern __shared__ __align__(16) u8 product_shared[];
  const u32 lane = threadIdx.x % 32u, warp = threadIdx.x / 32u;
  const u32 warp_row = warp / kColumnWarps * kWarpRows, warp_column = warp % kColumnWarps * kWarpColumns;
  const u32 tile = blockIdx.x / kParts, part = blockIdx.x % kParts;
  const u32 row0 = tile / kChunks * kTileRows, column0 = tile % kChunks * kTileColumns;
  const u32 first = part * kSlicesEach, steps = min(first + kSlicesEach, kSlices) - first;
  const auto shared_address = [](const void* p) { return (u32)__cvta_generic_to_shared(p); };
  const auto commit = [] { asm volatile("cp.async.commit_group;"); };
  // Of each line that this thread copies pieces of: where its places begin; far outside where there is no row.
  const u32 piece = threadIdx.x % kPieces * kPiece, mine = threadIdx.x / kPieces;
  i32 top[kPasses], left_edge[kPasses];
  const u8* image[kPasses];
  EACH(i, kPasses) {
    const u32 row = row0 + mine + i * kLines, rest = row / kResultWidth;
    top[i] = row < kRows ? (i32)(rest % kResultHeight) * kStrideY - kLowY : -(1 << 30);
    left_edge[i] = (i32)(row % kResultWidth) * kStrideX - kLowX;
    image[i] = (const u8*)b0 + (ix)(row < kRows ? rest / kResultHeight : 0u) * (kHeight * kWidth * kChannels);
  }
  // The element of depth k in line i, null where it is padding.
  const auto place_of = [&](u32 k, u32 i) {
    const u32 tap = k / kChannels;
    const u32 y = (u32)(top[i] + (i32)(tap / kKernelWidth) * kDilationY);
    const u32 x = (u32)(left_edge[i] + (i32)(tap % kKernelWidth) * kDilationX);
    return k < kDepth && y < kHeight && x < kWidth ? image[i] + (y * kWidth + x) * kChannels + k % kChannels : (const u8*)0;
  };
  const auto fetch = [&](u32 slice, u8* stage) {
    EACH(i, kRightPasses) {
      const u32 line = threadIdx.x / 4u + i * kRightLines, at = threadIdx.x % 4u * 16u;
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" :: "r"(shared_address(stage + (kTileRows + line) * kLine + at)), "l"(packed + (ix)(column0 + line) * (kSlices * 64u) + slice * 64u + at));
    }
    const u32 k = slice * 64u + piece;
    EACH(i, kPasses) {
      u8* const to = stage + (mine + i * kLines) * kLine + piece;
)";

/// A piece, or zeros.
std::string copy_text(const QuantizedProblem& p) {
  const int64_t unit = unit_of(p);
  const bool again = p.kernel[0] * p.kernel[1] > 1;
  return fmt::format(
      "      const u8* const from = place_of(k, i);\n"
      "      asm volatile(\"cp.async.{}.shared.global [%0], [%1], {}, %2;\" :: "
      "\"r\"(shared_address(to)), \"l\"(from ? from : (const u8*)b0), \"r\"(from ? {}u : 0u));\n"
      "    }}\n  }};\n",
      unit == 16 && !again ? "cg" : "ca", unit, unit);
}

/// Whether results and residuals go to and from memory by eight columns.
bool by_eight(const QuantizedProblem& p) {
  return p.filters % 8 == 0;
}
bool loads_ahead(const QuantizedProblem& p, const Plan& plan) {
  return p.requantize.residual && by_eight(p) && plan.parts == 1 && plan.slices <= kFewSlices;
}

constexpr std::string_view kLoadAhead = R"(
  EACH(group, kN / 4u) EACH(m, kM) EACH(h, 2) {
    const u32 row = row0 + warp_row + m * 16u + h * 8u + lane / 4u, column = column0 + warp_column + group * 32u + lane % 4u * 8u;
    if (row < kRows && column < kColumns) ahead_of[group][m][h] = load<8>(b4 + (ix)row * kColumns + column);
    else ahead_of[group][m][h].clear();
  }
)";

constexpr std::string_view kMultiply = R"(
  EACH(ahead, kStages - 1u) {
    if (ahead < steps) fetch(first + ahead, product_shared + ahead * kStage);
    commit();
  }
  i32 sums[kM][kN][4] = {};
  _Pragma("unroll 1") for (u32 step = 0; step < steps; ++step) {
    asm volatile("cp.async.wait_group %0;" :: "n"(kStages - 2u));
    __syncthreads();
    const u32 ahead = step + kStages - 1u;
    if (ahead < steps) fetch(first + ahead, product_shared + ahead % kStages * kStage);
    commit();
    const u8* const stage = product_shared + step % kStages * kStage;
    EACH(half, 2) {
      u32 left[kM][4], right[kN][2];
      EACH(m, kM) {
        const u8* const at = stage + (warp_row + m * 16u + lane % 16u) * kLine + half * 32u + lane / 16u * 16u;
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(left[m][0]), "=r"(left[m][1]), "=r"(left[m][2]), "=r"(left[m][3]) : "r"(shared_address(at)));
      }
      EACH(pair, kN / 2u) {
        const u8* const at = stage + (kTileRows + warp_column + (pair * 2u + lane / 16u) * 8u + lane % 8u) * kLine + half * 32u + lane / 8u % 2u * 16u;
        asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                     : "=r"(right[2 * pair][0]), "=r"(right[2 * pair][1]), "=r"(right[2 * pair + 1][0]), "=r"(right[2 * pair + 1][1]) : "r"(shared_address(at)));
      }
      EACH(m, kM) EACH(j, kN)
        asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.TYPE.s8.s32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                     : "+r"(sums[m][j][0]), "+r"(sums[m][j][1]), "+r"(sums[m][j][2]), "+r"(sums[m][j][3])
                     : "r"(left[m][0]), "r"(left[m][1]), "r"(left[m][2]), "r"(left[m][3]), "r"(right[j][0]), "r"(right[j][1]));
    }
  }
)";

constexpr std::string_view kJoin = R"(
  i32* const partials = (i32*)workspace + (ix)tile * (kParts * kTileRows * kTileColumns) + threadIdx.x;
  EACH(m, kM) EACH(j, kN) EACH(q, 4) partials[part * (kTileRows * kTileColumns) + ((m * kN + j) * 4u + q) * kThreads] = sums[m][j][q];
  if (!arrives_last(counters + tile, kParts)) return;
  EACH(m, kM) EACH(j, kN) EACH(q, 4) sums[m][j][q] = 0;
  _Pragma("unroll 1") for (u32 p = 0; p < kParts; ++p)
    EACH(m, kM) EACH(j, kN) EACH(q, 4) sums[m][j][q] += partials[p * (kTileRows * kTileColumns) + ((m * kN + j) * 4u + q) * kThreads];
)";

/// Eight columns at a time where their number allows, else one by one.
std::string epilogue_text(const QuantizedProblem& p, const Plan& plan) {
  const bool residual = p.requantize.residual, whole = by_eight(p);
  std::string code =
      "  EACH(group, kN / 4u) {\n"
      "    const u32 column = column0 + warp_column + group * 32u + lane % 4u * 8u;\n"
      "    if (column >= kColumns) continue;\n";
  if (whole)
    code += "    const auto biases = load<8>(b2 + column), multipliers = load<8>(b3 + column);\n";
  code +=
      "    EACH(m, kM) EACH(h, 2) {\n"
      "      const u32 row = row0 + warp_row + m * 16u + h * 8u + lane / 4u;\n"
      "      if (row >= kRows) continue;\n"
      "      const ix at = (ix)row * kColumns + column;\n";
  constexpr std::string_view kSum = "sums[m][group * 4u + c / 2][2 * h + c % 2]";
  if (!whole)
    return code + fmt::format(
                      "      EACH(c, 8) if (column + c < kColumns) y0[at + c] = {}finish({}, "
                      "b2[column + c], b3[column + c], {});\n    }}\n  }}\n",
                      p.requantize.dtype == DType::f32
                          ? std::string()
                          : fmt::format("({})(i32)", name(p.requantize.dtype)),
                      kSum, residual ? "(f32)b4[at + c]" : "0.f");
  if (residual)
    code += fmt::format("      const auto residuals = {};\n",
                        loads_ahead(p, plan) ? "ahead_of[group][m][h]" : "load<8>(b4 + at)");
  return code + fmt::format(
                    "      f32 results[8];\n"
                    "      EACH(c, 8) results[c] = finish({}, biases.get(c), multipliers.get(c), "
                    "{});\n      {}\n    }}\n  }}\n",
                    kSum, residual ? "(f32)residuals.get(c)" : "0.f", store_text(p.requantize, 8));
}

std::string kernel_text(const QuantizedProblem& p, const Plan& plan) {
  std::string code = constants_text(p, plan);
  code += fmt::format("  constexpr u32 kRightPasses = {}u;\n",
                      ceil_div(plan.tile.columns * 4, plan.tile.threads()));
  code += std::string(kSetup) + copy_text(p);
  std::string multiply(kMultiply);
  multiply.replace(multiply.find("TYPE"), 4, p.input_type == DType::u8 ? "u8" : "s8");
  if (loads_ahead(p, plan))
    code += fmt::format("  Vector<{}, 8> ahead_of[kN / 4u][kM][2];{}",
                        storage_text(p.residual_type), kLoadAhead);
  code += multiply;
  if (plan.parts > 1) code += kJoin;
  return code + requantize_text(p.requantize) + epilogue_text(p, plan);
}

/// From [kernel..., channels, filters], column by column in the order that the product wants.
/// `channels`: before they were padded.
std::string pack_text(const QuantizedProblem& p, int64_t channels, const Plan& plan) {
  return fmt::format(
      "\nextern \"C\" __global__ void __launch_bounds__(256) $name(const i8* filter, i8* packed) "
      "{{\n"
      "  after_previous();\n"
      "  const u64 i = (u64)blockIdx.x * 256u + threadIdx.x;\n"
      "  if (i >= {0}ull) return;\n"
      "  const u32 k = (u32)(i % {1}u), line = (u32)(i / {1}u), in = line % 32u, c = k % {4}u;\n"
      "  const u32 column = line - in + in % 8u / 2u * 8u + in / 8u * 2u + in % 2u;\n"
      "  packed[i] = k < {2}u && column < {3}u && c < {5}u ? filter[(u64)(k / {4}u * {5}u + c) * "
      "{3}u + column] : (i8)0;\n}}\n",
      plan.packed_bytes(), plan.packed_depth(), p.depth(), p.filters, p.channels, channels);
}

/// Lines of `channels` bytes to lines of whole words.
std::string pad_text(const QuantizedProblem& p, int64_t channels) {
  return fmt::format(
      "\nextern \"C\" __global__ void __launch_bounds__(256) $name(const u8* input, u32* padded) "
      "{{\n"
      "  after_previous();\n"
      "  const u64 i = (u64)blockIdx.x * 256u + threadIdx.x;\n"
      "  if (i >= {0}ull) return;\n"
      "  const u32 word = (u32)(i % {1}u);\n"
      "  const u8* const from = input + i / {1}u * {2}u + word * 4u;\n"
      "  u32 bytes = 0;\n"
      "  EACH(e, 4) if (word * 4u + e < {2}u) bytes |= (u32)from[e] << 8 * e;\n"
      "  padded[i] = bytes;\n}}\n",
      lines_of(p) * p.channels / 4, p.channels / 4, channels);
}

/// The workspace: the packed filter where it is no constant, the padded input, the parts' sums.
class IntegerProductLaunch final : public Launch {
 public:
  IntegerProductLaunch(const QuantizedProblem& given, const Plan& plan,
                       const KernelRequest& request, const PrepareContext& context)
      : name_(fmt::format("nvrtc/integer_product {}x{}{}", plan.tile.rows, plan.tile.columns,
                          plan.parts > 1 ? fmt::format(" in {}", plan.parts) : "")),
        flops_(given.operations()),
        constant_filter_(request.constant_operands[1]),
        packed_bytes_(aligned(plan.packed_bytes())),
        partial_bytes_(plan.partial_bytes()),
        counter_bytes_(plan.parts > 1 ? plan.tiles() * 4 : 0) {
    const QuantizedProblem p = padded(given);
    std::string parameters;
    for (size_t i = 0; i < request.operands.size(); ++i)
      parameters += fmt::format("const {}* b{}, ", storage_text(request.operands[i].dtype()), i);
    parameters += fmt::format("{}* y0, ", storage_text(p.requantize.dtype));
    product_ = SharedKernel(
        context.code.add(
            {"integer_product",
             fmt::format("\nextern \"C\" __global__ void __launch_bounds__({}, {}) $name({}const "
                         "i8* packed, u8* workspace, u32* counters) {{\n  after_previous();\n  "
                         "typedef u64 ix;\n{}}}\n",
                         plan.tile.threads(), plan.tile.blocks_each, parameters,
                         kernel_text(p, plan))}),
        plan.tiles() * plan.parts, static_cast<int32_t>(plan.tile.threads()), plan.shared_bytes());
    pack_ = SharedKernel(context.code.add({"pack_filter", pack_text(p, given.channels, plan)}),
                         ceil_div(plan.packed_bytes(), 256), 256, 0);
    if (p.channels == given.channels) return;
    padded_bytes_ = aligned(lines_of(p) * p.channels);
    pad_ = SharedKernel(context.code.add({"pad_channels", pad_text(p, given.channels)}),
                        ceil_div(lines_of(p) * p.channels / 4, 256), 256, 0);
  }

  void load(const CodeLibrary& code) override {
    product_.load(code);
    pack_.load(code);
    if (padded_bytes_ > 0) pad_.load(code);
  }

  int64_t packed_bytes() const override { return constant_filter_ ? packed_bytes_ : 0; }
  void pack(const LaunchArguments& arguments) override {
    pack_.enqueue({arguments.operands[1], arguments.packed}, arguments.stream);
  }

  void enqueue(const LaunchArguments& arguments) override {
    DeviceAddress packed = arguments.packed, rest = arguments.workspace;
    if (!constant_filter_) {
      packed = arguments.workspace;
      rest += static_cast<DeviceAddress>(packed_bytes_);
      pack_.enqueue({arguments.operands[1], packed}, arguments.stream);
    }
    std::vector<DeviceAddress> addresses = addresses_of(arguments);
    if (padded_bytes_ > 0) {
      pad_.enqueue({arguments.operands[0], rest}, arguments.stream);
      addresses[0] = rest;
      rest += static_cast<DeviceAddress>(padded_bytes_);
    }
    for (const DeviceAddress address : {packed, rest, arguments.counters})
      addresses.push_back(address);
    product_.enqueue(std::move(addresses), arguments.stream);
  }

  int64_t workspace_bytes() const override {
    return (constant_filter_ ? 0 : packed_bytes_) + padded_bytes_ + partial_bytes_;
  }
  int64_t counter_bytes() const override { return counter_bytes_; }
  std::string name() const override { return name_; }
  double flops() const override { return flops_; }

 private:
  std::string name_;
  double flops_;
  bool constant_filter_;
  int64_t packed_bytes_, padded_bytes_ = 0, partial_bytes_, counter_bytes_;
  SharedKernel product_, pack_, pad_;
};

}  // namespace

std::optional<std::string> refuse_integer_product(const KernelRequest& request) {
  const Result<QuantizedProblem> problem = quantized_problem(request.node, request.operands);
  if (!problem) return problem.error();
  if (problem->groups != 1) return fmt::format("{} groups, but it is for one", problem->groups);
  if (problem->rows() == 0 || problem->depth() == 0 || problem->filters == 0)
    return "it has nothing to multiply";
  if (request.device.major > 0 && request.device.major < 8)
    return "it wants tensor cores for 8 bits, of compute capability 8 or newer";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_integer_product(const KernelRequest& request,
                                                const PrepareContext& context) {
  const QuantizedProblem problem = quantized_problem(request.node, request.operands).value();
  return std::make_unique<IntegerProductLaunch>(
      problem, plan_of(padded(problem), request.device.multiprocessors), request, context);
}

}  // namespace brisk::cuda
