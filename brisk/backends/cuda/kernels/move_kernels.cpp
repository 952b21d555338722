#include <algorithm>
#include <array>

#include "brisk/backends/cuda/kernels/byte_units.h"
#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/backends/cuda/loop/line_writer.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

// concatenate, pad, dynamic_slice and dynamic_update_slice: a thread for each unit of the result,
// which asks where its bytes come from. (Moves that are affine are loops.) unpack_integers: a
// thread for each byte that is read.

namespace brisk::cuda {
namespace {

int64_t product(std::span<const int64_t> sizes) {
  int64_t result = 1;
  for (const int64_t size : sizes) result *= size;
  return result;
}

std::vector<std::string> axis_names(size_t rank) {
  std::vector<std::string> names;
  for (size_t a = 0; a < rank; ++a) names.push_back(fmt::format("c{}", a));
  return names;
}

// ---- concatenate --------------------------------------------------------------------------------

std::unique_ptr<Launch> prepare_concatenate(const KernelRequest& request,
                                            const PrepareContext& context) {
  const std::vector<int64_t> sizes = result_sizes(request);
  const auto axis =
      static_cast<size_t>(normalize_axis(request.node.attributes.as<AxisAttributes>().axis,
                                         static_cast<int64_t>(sizes.size()), "concatenate"));
  const int64_t inner =
      product(std::span(sizes).subspan(axis + 1)) * byte_size(request.node.results[0].dtype());
  std::vector<int64_t> lengths;  // bytes of an operand's run
  for (size_t i = 0; i < request.operands.size(); ++i)
    lengths.push_back(operand_sizes(request, i)[axis] * inner);
  const ByteUnit unit = widest_unit(lengths);
  const int64_t row = sizes[axis] * inner / unit.bytes,
                outer = product(std::span(sizes).first(axis));
  std::string body = one_item_each(outer * row);
  body += fmt::format("  typedef {} Unit;\n", unit.type()) +
          coordinates_text({"o", "at"}, std::array{outer, row}, "i");
  int64_t start = 0;
  for (size_t k = 0; k < lengths.size(); ++k) {
    const int64_t count = lengths[k] / unit.bytes;
    if (count == 0) continue;
    body += fmt::format(
        "  if (at < {}ull) {{ ((Unit*)y0)[i] = ((const Unit*)b{})[o * {}ull + at - {}ull]; return; "
        "}}\n",
        start + count, k, count, start);
    start += count;
  }
  return std::make_unique<TextLaunch>(
      "nvrtc/concatenate", request, context,
      std::vector{TextKernel{"concatenate", body, blocks_for(outer * row)}});
}

// ---- pad ----------------------------------------------------------------------------------------

/// Only behind each line of the innermost axis, which becomes one vector: a first layer's channels.
bool makes_vectors(const PadAttributes& attributes, const std::vector<int64_t>& sizes,
                   int64_t element_bytes) {
  const int64_t bytes = sizes.back() * element_bytes;
  bool alone = attributes.low.back() == 0 && attributes.high.back() > 0;
  for (size_t a = 0; a + 1 < sizes.size(); ++a)
    alone &= attributes.low[a] == 0 && attributes.high[a] == 0;
  for (const int64_t interior : attributes.interior) alone &= interior == 0;
  return alone && (bytes == 4 || bytes == 8 || bytes == 16);
}

/// A thread a line.
std::unique_ptr<Launch> prepare_vector_pad(const KernelRequest& request,
                                           const PrepareContext& context) {
  const std::vector<int64_t> sizes = result_sizes(request);
  const int64_t own = operand_sizes(request, 0).back(), padded = sizes.back();
  const int64_t lines = product(sizes) / padded;
  const std::string type = storage_text(request.node.results[0].dtype());
  const std::string body =
      one_item_each(lines) +
      fmt::format(
          "  Vector<{0}, {1}> line;\n  line.clear();\n"
          "  EACH(k, {2}) line.put(k, b0[i * {2}u + k]);\n"
          "  const {0} padding = b1[0];\n  EACH(k, {3}) line.put({2} + k, padding);\n"
          "  store_words<(int)sizeof({0}) * {1}>(y0 + i * {1}u, line.words);\n",
          type, padded, own, padded - own);
  return std::make_unique<TextLaunch>(
      "nvrtc/pad", request, context,
      std::vector{TextKernel{"pad_vectors", body, blocks_for(lines)}});
}

std::unique_ptr<Launch> prepare_pad(const KernelRequest& request, const PrepareContext& context) {
  const auto& attributes = request.node.attributes.as<PadAttributes>();
  const std::vector<int64_t> from = operand_sizes(request, 0), sizes = result_sizes(request);
  if (product(from) > 0 && makes_vectors(attributes, sizes, byte_size(request.operands[0].dtype())))
    return prepare_vector_pad(request, context);
  const size_t rank = sizes.size();
  const auto interior = [&](size_t a) {
    return attributes.interior.empty() ? 0 : attributes.interior[a];
  };
  // Innermost axes that stay as they are move whole.
  size_t moved = rank;
  while (moved > 0 && attributes.low[moved - 1] == 0 && attributes.high[moved - 1] == 0 &&
         interior(moved - 1) == 0)
    --moved;
  const int64_t run = product(std::span(sizes).subspan(moved));
  const std::vector<int64_t> outer(sizes.begin(),
                                   sizes.begin() + static_cast<std::ptrdiff_t>(moved));
  const int64_t bytes = byte_size(request.node.results[0].dtype());
  const ByteUnit unit = widest_unit(std::array{run * bytes});
  const int64_t units = run * bytes / unit.bytes, items = product(outer) * units;
  std::vector<std::string> names = axis_names(moved);
  std::vector<int64_t> extents = outer;
  names.push_back("at");
  extents.push_back(units);
  std::string body = one_item_each(items) + fmt::format("  typedef {} Unit;\n", unit.type()) +
                     coordinates_text(names, extents, "i") +
                     "  bool inside = true;\n  i64 source = 0;\n";
  for (size_t a = 0; a < moved; ++a)
    body += fmt::format(
        "  {{ const i64 t = (i64)c{} - ({}ll); inside = inside && t >= 0 && t % {}ll == 0 && t / "
        "{}ll < {}ll;\n"
        "    source = source * {}ll + t / {}ll; }}\n",
        a, attributes.low[a], interior(a) + 1, interior(a) + 1, from[a], from[a], interior(a) + 1);
  body += fmt::format(
      "  if (inside) {{ ((Unit*)y0)[i] = ((const Unit*)b0)[source * {}ll + (i64)at]; return; }}\n",
      units);
  body += fmt::format("  EACH(k, {}) y0[i * {}ull + k] = b1[0];\n", unit.bytes / bytes,
                      unit.bytes / bytes);
  return std::make_unique<TextLaunch>("nvrtc/pad", request, context,
                                      std::vector{TextKernel{"pad", body, blocks_for(items)}});
}

// ---- windows ------------------------------------------------------------------------------------

/// A window of `window` sizes within `whole`, copied by units; innermost axes taken whole are runs.
struct Window {
  std::vector<int64_t> window, whole;
  size_t moved;  // axes [0, moved) are counted one by one, the last of them begins the run
  int64_t units, unit_bytes, run_elements;
  std::string unit_type;

  Window(std::vector<int64_t> part, std::vector<int64_t> all, int64_t bytes)
      : window(std::move(part)), whole(std::move(all)) {
    moved = window.size();
    while (moved > 0 && window[moved - 1] == whole[moved - 1]) --moved;
    run_elements = product(std::span(window).subspan(moved));
    const ByteUnit unit = widest_unit(std::array{run_elements * bytes});
    unit_bytes = unit.bytes;
    unit_type = unit.type();
    units = run_elements * bytes / unit_bytes;
  }
  int64_t items() const { return product(std::span(window).first(moved)) * units; }
  /// Declares `i` (unit of the window) and `place` (unit of the whole); starts are b<first>...
  std::string text(size_t first) const {
    std::vector<std::string> names = axis_names(moved);
    std::vector<int64_t> extents(window.begin(),
                                 window.begin() + static_cast<std::ptrdiff_t>(moved));
    names.push_back("at");
    extents.push_back(units);
    std::string code = one_item_each(items()) + fmt::format("  typedef {} Unit;\n", unit_type) +
                       coordinates_text(names, extents, "i") + "  i64 place = 0;\n" + starts(first);
    for (size_t a = 0; a < moved; ++a)
      code += fmt::format("  place = place * {}ll + s{} + (i64)c{};\n", whole[a], a, a);
    return code + fmt::format("  place = place * {}ll + (i64)at;\n", units);
  }
  /// Declares s<axis>, clamped so that the window stays inside.
  std::string starts(size_t first) const {
    std::string code;
    for (size_t a = 0; a < moved; ++a)
      code += fmt::format("  i64 s{} = (i64)b{}[0]; s{} = s{} < 0 ? 0 : s{} > {}ll ? {}ll : s{};\n",
                          a, first + a, a, a, a, whole[a] - window[a], whole[a] - window[a], a);
    return code;
  }
};

std::unique_ptr<Launch> prepare_dynamic_slice(const KernelRequest& request,
                                              const PrepareContext& context) {
  const Window window(result_sizes(request), operand_sizes(request, 0),
                      byte_size(request.node.results[0].dtype()));
  return std::make_unique<TextLaunch>(
      "nvrtc/dynamic_slice", request, context,
      std::vector{TextKernel{"dynamic_slice",
                             window.text(1) + "  ((Unit*)y0)[i] = ((const Unit*)b0)[place];\n",
                             blocks_for(window.items())}});
}

/// Where the result is the operand's memory, the window alone is written.
class UpdateLaunch final : public TextLaunch {
 public:
  using TextLaunch::TextLaunch;
  void enqueue(const LaunchArguments& arguments) override {
    if (arguments.operands[0] != arguments.results[0]) enqueue_one(0, arguments);
    enqueue_one(1, arguments);
  }
  bool in_place(size_t, size_t operand) const override { return operand == 0; }
};

std::unique_ptr<Launch> prepare_dynamic_update_slice(const KernelRequest& request,
                                                     const PrepareContext& context) {
  const int64_t bytes = byte_size(request.node.results[0].dtype());
  const Window window(operand_sizes(request, 1), operand_sizes(request, 0), bytes);
  const int64_t all = product(result_sizes(request)) * bytes;
  const ByteUnit unit = widest_unit(std::array{all});
  const std::string copy =
      one_item_each(all / unit.bytes) +
      fmt::format("  (({}*)y0)[i] = ((const {}*)b0)[i];\n", unit.type(), unit.type());
  return std::make_unique<UpdateLaunch>(
      "nvrtc/dynamic_update_slice", request, context,
      std::vector{TextKernel{"copy", copy, blocks_for(all / unit.bytes)},
                  TextKernel{"dynamic_update_slice",
                             window.text(2) + "  ((Unit*)y0)[place] = ((const Unit*)b1)[i];\n",
                             blocks_for(window.items())}});
}

// ---- unpack_integers ----------------------------------------------------------------------------

std::optional<std::string> refuse_unpack(const KernelRequest&) {
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_unpack(const KernelRequest& request,
                                       const PrepareContext& context) {
  const int64_t count = product(result_sizes(request)), packed = (count + 1) / 2;
  const std::string body =
      one_item_each(packed) +
      fmt::format(
          "  const u32 pair = ((const u8*)b0)[i];\n"
          "  y0[2 * i] = (i8)((int)(pair << 28) >> 28);\n"
          "  if (2 * i + 1 < {}ull) y0[2 * i + 1] = (i8)((int)(pair << 24) >> 28);\n",
          count);
  return std::make_unique<TextLaunch>(
      "nvrtc/unpack_integers", request, context,
      std::vector{TextKernel{"unpack_integers", body, blocks_for(packed)}});
}

}  // namespace

std::vector<OpKernel> move_kernels() {
  return {{"concatenate", {"nvrtc", refuse_packed, prepare_concatenate}},
          {"pad", {"nvrtc", refuse_packed, prepare_pad}},
          {"dynamic_slice", {"nvrtc", refuse_packed, prepare_dynamic_slice}},
          {"dynamic_update_slice", {"nvrtc", refuse_packed, prepare_dynamic_update_slice}},
          {"unpack_integers", {"nvrtc", refuse_unpack, prepare_unpack}}};
}

}  // namespace brisk::cuda
