#include <algorithm>
#include <array>

#include "brisk/backends/cuda/kernels/byte_units.h"
#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/backends/cuda/loop/line_writer.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"

// Reads and writes at positions given as data, extremes and running sums along an axis. A tensor is
// [outer, extent, inner] around the axis. Sums are taken in order of the indices by one thread or
// warp, so that results are equal in every run.

namespace brisk::cuda {
namespace {

struct AxisSplit {
  int64_t outer = 1, extent = 1, inner = 1;
  AxisSplit(const std::vector<int64_t>& sizes, int64_t axis) {
    for (size_t a = 0; a < sizes.size(); ++a) {
      if (static_cast<int64_t>(a) < axis) outer *= sizes[a];
      if (static_cast<int64_t>(a) == axis) extent = sizes[a];
      if (static_cast<int64_t>(a) > axis) inner *= sizes[a];
    }
  }
  int64_t count() const { return outer * extent * inner; }
};

int64_t axis_of(const KernelRequest& request) {
  return normalize_axis(request.node.attributes.as<AxisAttributes>().axis,
                        request.operands[0].shape().rank(), request.node.op->name);
}
int64_t count_of(const Type& type) {
  int64_t count = 1;
  for (const int64_t size : type.shape().sizes()) count *= size;
  return count;
}

/// An index as i64; unsigned 64-bit ones beyond it count as out of range.
std::string index_text(const KernelRequest& request, size_t operand, const std::string& at) {
  if (request.operands[operand].dtype() == DType::u64)
    return fmt::format("(b{}[{}] > 0x7fffffffffffffffull ? 0x7fffffffffffffffll : (i64)b{}[{}])",
                       operand, at, operand, at);
  return fmt::format("(i64)widen(b{}[{}])", operand, at);
}
std::string clamp_text(const std::string& name, int64_t extent) {
  return fmt::format("  {} = {} < 0 ? 0 : {} > {}ll ? {}ll : {};\n", name, name, name, extent - 1,
                     extent - 1, name);
}

std::optional<std::string> refuse_empty_axis(const KernelRequest& request) {
  if (auto packed = refuse_packed(request)) return packed;
  const AxisSplit s(operand_sizes(request, 0), axis_of(request));
  if (s.extent == 0 && count_of(request.node.results[0]) > 0) return "it reads from an empty axis";
  return std::nullopt;
}

// ---- reading ------------------------------------------------------------------------------------

std::unique_ptr<Launch> prepare_gather(const KernelRequest& request,
                                       const PrepareContext& context) {
  const AxisSplit s(operand_sizes(request, 0), axis_of(request));
  const int64_t indices = count_of(request.operands[1]);
  const int64_t bytes = s.inner * byte_size(request.operands[0].dtype());
  const ByteUnit unit = widest_unit(std::array{bytes});
  const int64_t units = bytes / unit.bytes, items = s.outer * indices * units;
  const std::string body =
      one_item_each(items) + fmt::format("  typedef {} Unit;\n", unit.type()) +
      coordinates_text({"o", "n", "at"}, std::array{s.outer, indices, units}, "i") +
      fmt::format("  i64 index = {};\n", index_text(request, 1, "n")) +
      clamp_text("index", s.extent) +
      fmt::format("  ((Unit*)y0)[i] = ((const Unit*)b0)[(o * {}ull + (ix)index) * {}ull + at];\n",
                  s.extent, units);
  return std::make_unique<TextLaunch>("nvrtc/gather", request, context,
                                      std::vector{TextKernel{"gather", body, blocks_for(items)}});
}

std::unique_ptr<Launch> prepare_take_along_axis(const KernelRequest& request,
                                                const PrepareContext& context) {
  const AxisSplit s(operand_sizes(request, 0), axis_of(request)),
      g(operand_sizes(request, 1), axis_of(request));
  const std::string body =
      one_item_each(g.count()) +
      coordinates_text({"o", "n", "k"}, std::array{g.outer, g.extent, g.inner}, "i") +
      fmt::format("  i64 index = {};\n", index_text(request, 1, "i")) +
      clamp_text("index", s.extent) +
      fmt::format("  y0[i] = b0[(o * {}ull + (ix)index) * {}ull + k];\n", s.extent, s.inner);
  return std::make_unique<TextLaunch>(
      "nvrtc/take_along_axis", request, context,
      std::vector{TextKernel{"take_along_axis", body, blocks_for(g.count())}});
}

std::unique_ptr<Launch> prepare_one_hot(const KernelRequest& request,
                                        const PrepareContext& context) {
  const int64_t depth = request.node.attributes.as<OneHotAttributes>().depth,
                items = count_of(request.node.results[0]);
  const DType type = request.node.results[0].dtype();
  const std::string body =
      one_item_each(items) +
      coordinates_text({"n", "d"}, std::array{depth == 0 ? 0 : items / depth, depth}, "i") +
      fmt::format("  y0[i] = narrow<{}>(({})({} == (i64)d ? 1 : 0));\n", storage_text(type),
                  compute_text(type), index_text(request, 0, "n"));
  return std::make_unique<TextLaunch>("nvrtc/one_hot", request, context,
                                      std::vector{TextKernel{"one_hot", body, blocks_for(items)}});
}

// ---- adding -------------------------------------------------------------------------------------

/// A warp owns a row [inner] of the result at (outer, position). The block's threads look through
/// the indices together, a tile at a time, and note in a bit for each whether it names one of the
/// block's rows: few do. Each warp then goes through the bits that are set, in order, and adds the
/// updates that name its own row.
std::unique_ptr<Launch> prepare_scatter_add(const KernelRequest& request,
                                            const PrepareContext& context) {
  const AxisSplit s(operand_sizes(request, 0), axis_of(request));
  const DType type = request.operands[0].dtype();
  const int64_t indices = count_of(request.operands[1]);
  constexpr int64_t kWarps = 16, kTurns = 8, kThreads = 32 * kWarps, kTile = kTurns * kThreads;
  constexpr int64_t kMostEach = 24;  // accumulators of a thread
  const int64_t each = std::clamp<int64_t>((s.inner + 31) / 32, 1, kMostEach);
  const int64_t pieces = (s.inner + 32 * each - 1) / (32 * each), rows = s.outer * s.extent;
  const int64_t row_blocks = (rows + kWarps - 1) / kWarps;
  const std::string sum = accumulator_text(type);
  std::string body = fmt::format(
      "  __shared__ u32 found[{}];\n  const u32 lane = threadIdx.x % 32u, warp = threadIdx.x / "
      "32u;\n"
      "  const ix piece = blockIdx.x % {}u, first_row = (ix)(blockIdx.x / {}u) * {}u, row = "
      "first_row + warp;\n"
      "  const bool live = row < {}ull;\n  const ix o = row / {}ull;\n  const i64 mine = live ? "
      "(i64)(row % {}ull) : -1, base = (i64)(first_row % {}ull);\n"
      "  {} a[{}];\n",
      kTurns * kWarps, pieces, pieces, kWarps, rows, s.extent, s.extent, s.extent, sum, each);
  const std::string inside = fmt::format(
      "const ix k = piece * {}ull + e * 32u + lane; if (live && k < {}ull)", 32 * each, s.inner);
  body += fmt::format("  EACH(e, {}) {{ a[e] = 0; {} a[e] = ({})widen(b0[row * {}ull + k]); }}\n",
                      each, inside, sum, s.inner);
  body += fmt::format(
      "  for (ix first = 0; first < {}ull; first += {}u) {{\n    bool any = false;\n"
      "    EACH(t, {}) {{\n      const ix n = first + t * {}u + threadIdx.x;\n"
      "      const i64 at = n < {}ull ? {} : -1, behind = at < base ? at - base + {}ll : at - "
      "base;\n"
      "      const u32 word = __ballot_sync(0xffffffffu, at >= 0 && at < {}ll && behind < {});\n"
      "      if (lane == 0) found[t * {}u + warp] = word;\n      any |= word != 0;\n    }}\n"
      "    if (!__syncthreads_or(any)) continue;\n",
      indices, kTile, kTurns, kThreads, indices, index_text(request, 1, "n"), s.extent, s.extent,
      kWarps, kWarps);
  body += fmt::format(
      "    if (mine >= 0) for (u32 w = 0; w < {}u; w += 32u) {{\n      const u32 word = found[w + "
      "lane];\n"
      "      for (u32 words = __ballot_sync(0xffffffffu, word != 0); words != 0; words &= words - "
      "1) {{\n"
      "        const u32 from = __ffs((i32)words) - 1;\n"
      "        for (u32 bits = __shfl_sync(0xffffffffu, word, from); bits != 0; bits &= bits - 1) "
      "{{\n"
      "          const ix n = first + (w + from) * 32u + (__ffs((i32)bits) - 1);\n"
      "          if ({} != mine) continue;\n"
      "          EACH(e, {}) {{ {} a[e] += ({})widen(b2[(o * {}ull + n) * {}ull + k]); }}\n"
      "        }}\n      }}\n    }}\n    __syncthreads();\n  }}\n",
      kTurns * kWarps, index_text(request, 1, "n"), each, inside, sum, indices, s.inner);
  body += fmt::format("  EACH(e, {}) {{ {} y0[row * {}ull + k] = narrow<{}>(({})a[e]); }}\n", each,
                      inside, s.inner, storage_text(type), compute_text(type));
  return std::make_unique<TextLaunch>(
      "nvrtc/scatter_add by rows", request, context,
      std::vector{TextKernel{"scatter_add", body, rows * s.inner == 0 ? 0 : row_blocks * pieces,
                             kThreads}});
}

std::unique_ptr<Launch> prepare_put_along_axis_add(const KernelRequest& request,
                                                   const PrepareContext& context) {
  const AxisSplit s(operand_sizes(request, 0), axis_of(request)),
      g(operand_sizes(request, 1), axis_of(request));
  const DType type = request.operands[0].dtype();
  const std::string sum = accumulator_text(type);
  std::string body =
      one_item_each(s.count()) +
      coordinates_text({"o", "e", "k"}, std::array{s.outer, s.extent, s.inner}, "i") +
      fmt::format("  {} a = ({})widen(b0[i]);\n", sum, sum);
  body += fmt::format(
      "  for (ix n = 0; n < {}ull; ++n) {{\n    const ix at = (o * {}ull + n) * {}ull + k;\n"
      "    if ({} == (i64)e) a += ({})widen(b2[at]);\n  }}\n  y0[i] = narrow<{}>(({})a);\n",
      g.extent, g.extent, s.inner, index_text(request, 1, "at"), sum, storage_text(type),
      compute_text(type));
  return std::make_unique<TextLaunch>(
      "nvrtc/put_along_axis_add by elements", request, context,
      std::vector{TextKernel{"put_along_axis_add", body, blocks_for(s.count())}});
}

// ---- extremes and running sums ------------------------------------------------------------------

/// Threads `group` (a warp, or one) share a row; each keeps its first extreme, and of two extremes
/// that are equal the lower index wins.
std::unique_ptr<Launch> prepare_extreme(const KernelRequest& request,
                                        const PrepareContext& context) {
  const AxisSplit s(operand_sizes(request, 0), axis_of(request));
  const bool greatest = request.node.op->name == "argmax";
  const std::string type = compute_text(request.operands[0].dtype());
  const int64_t group = s.inner == 1 && s.extent >= 32 ? 32 : 1;
  const int64_t items = s.outer * s.inner * group;
  std::string body =
      one_item_each(items);  // whole warps leave: 256 and `items` are multiples of 32 with groups
  body += coordinates_text({"o", "k", "lane"}, std::array{s.outer, s.inner, group}, "i");
  body += fmt::format(
      "  {} best = {}();\n  i32 at = 0x7fffffff;\n"
      "  for (ix e = lane; e < {}ull; e += {}u) {{\n    const {} x = widen(b0[(o * {}ull + e) * "
      "{}ull + k]);\n"
      "    if (at == 0x7fffffff || (best == best && (x != x || {}))) {{ best = x; at = (i32)e; "
      "}}\n  }}\n",
      type, type, s.extent, group, type, s.extent, s.inner, greatest ? "best < x" : "x < best");
  if (group > 1)
    body += fmt::format(
        "  for (int by = 16; by > 0; by /= 2) {{\n    const {} x = shuffle_down(best, by, 32);\n"
        "    const i32 other = shuffle_down(at, by, 32);\n    const bool nan = best != best, "
        "other_nan = x != x;\n"
        "    const bool same = (nan && other_nan) || (!nan && !other_nan && !(best < x) && !(x < "
        "best));\n"
        "    const bool better = !nan && (other_nan || {});\n"
        "    if (other != 0x7fffffff && (better || (same && other < at))) {{ best = x; at = other; "
        "}}\n  }}\n"
        "  if (lane != 0) return;\n",
        type, greatest ? "best < x" : "x < best");
  body += fmt::format("  y0[o * {}ull + k] = at;\n", s.inner);
  return std::make_unique<TextLaunch>(
      fmt::format("nvrtc/{}", request.node.op->name), request, context,
      std::vector{TextKernel{request.node.op->name, body, blocks_for(items)}});
}

/// A warp takes 32 elements at a time, or a thread one after another where the axis is not
/// innermost.
std::unique_ptr<Launch> prepare_cumulative_sum(const KernelRequest& request,
                                               const PrepareContext& context) {
  const AxisSplit s(operand_sizes(request, 0), axis_of(request));
  const DType type = request.operands[0].dtype();
  const std::string sum = accumulator_text(type), storage = storage_text(type),
                    compute = compute_text(type);
  const int64_t group = s.inner == 1 && s.extent > 1 ? 32 : 1;
  const int64_t items = s.extent == 0 ? 0 : s.outer * s.inner * group;
  std::string body = one_item_each(items) +
                     coordinates_text({"o", "k", "lane"}, std::array{s.outer, s.inner, group}, "i");
  body += fmt::format("  {} total = 0;\n  for (ix e = 0; e < {}ull; e += {}u) {{\n", sum, s.extent,
                      group);
  if (group == 1) {
    body += fmt::format(
        "    const ix at = (o * {}ull + e) * {}ull + k;\n    total += ({})widen(b0[at]);\n"
        "    y0[at] = narrow<{}>(({})total);\n  }}\n",
        s.extent, s.inner, sum, storage, compute);
  } else {
    body += fmt::format(
        "    const ix at = o * {}ull + e + lane;\n    const bool inside = e + lane < {}ull;\n"
        "    {} x = inside ? ({})widen(b0[at]) : ({})0;\n"
        "    for (int by = 1; by < 32; by *= 2) {{ const {} y = __shfl_up_sync(0xffffffffu, x, "
        "by); if (lane >= by) x += y; }}\n"
        "    x += total;\n    if (inside) y0[at] = narrow<{}>(({})x);\n    total = "
        "__shfl_sync(0xffffffffu, x, 31);\n  }}\n",
        s.extent, s.extent, sum, sum, sum, sum, storage, compute);
  }
  return std::make_unique<TextLaunch>(
      "nvrtc/cumulative_sum", request, context,
      std::vector{TextKernel{"cumulative_sum", body, blocks_for(items)}});
}

}  // namespace

std::vector<OpKernel> index_kernels() {
  return {{"gather", {"nvrtc", refuse_empty_axis, prepare_gather}},
          {"take_along_axis", {"nvrtc", refuse_empty_axis, prepare_take_along_axis}},
          {"one_hot", {"nvrtc", refuse_packed, prepare_one_hot}},
          {"scatter_add", {"nvrtc/scatter_add by rows", refuse_packed, prepare_scatter_add}},
          {"put_along_axis_add",
           {"nvrtc/put_along_axis_add by elements", refuse_packed, prepare_put_along_axis_add}},
          {"argmax", {"nvrtc", refuse_packed, prepare_extreme}},
          {"argmin", {"nvrtc", refuse_packed, prepare_extreme}},
          {"cumulative_sum", {"nvrtc", refuse_packed, prepare_cumulative_sum}}};
}

}  // namespace brisk::cuda
