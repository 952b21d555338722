#include <algorithm>
#include <limits>

#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/backends/cuda/loop/line_writer.h"
#include "brisk/ops/window/window.h"

// Pooling, channels last: a thread takes a vector of channels at one place. Forward kernels go
// through the window's places; gradients go through the windows that cover an input place, so that
// sums need no atomics.

namespace brisk::cuda {
namespace {

struct PoolShape {
  std::vector<int64_t> input, window, pooled, strides, low;  // spatial axes
  int64_t batch = 1, channels = 1;
  size_t rank() const { return input.size(); }

  PoolShape(const WindowAttributes& w, const std::vector<int64_t>& whole,
            const std::vector<int64_t>& small)
      : input(whole.begin() + 1, whole.end() - 1),
        window(w.window),
        pooled(small.begin() + 1, small.end() - 1),
        strides(w.strides),
        low(w.pad_low),
        batch(whole.front()),
        channels(whole.back()) {
    if (strides.empty()) strides.assign(input.size(), 1);
    if (low.empty()) low.assign(input.size(), 0);
  }
};

int32_t lanes_for(const PoolShape& p, DType type) {
  int32_t lanes = static_cast<int32_t>(std::clamp<int64_t>(16 / byte_size(type), 1, 8));
  while (p.channels % lanes != 0) lanes /= 2;
  return lanes;
}

/// `i` -> n, <stem>0..., c (first channel of the vector).
std::string item_text(const PoolShape& p, const std::vector<int64_t>& spatial,
                      const std::string& stem, int32_t lanes, int64_t& items) {
  std::vector<std::string> all{"n"};
  std::vector<int64_t> sizes{p.batch};
  for (size_t a = 0; a < spatial.size(); ++a)
    all.push_back(fmt::format("{}{}", stem, a)), sizes.push_back(spatial[a]);
  all.push_back("group");
  sizes.push_back(p.channels / lanes);
  items = 1;
  for (const int64_t size : sizes) items *= size;
  return one_item_each(items) + coordinates_text(all, sizes, "i") +
         fmt::format("  const ix c = group * {}u;\n", lanes);
}

/// Offset of (n, <stem>..., c) in a tensor with these spatial sizes.
std::string offset_text(const PoolShape& p, const std::vector<int64_t>& spatial,
                        const std::string& stem) {
  std::string text = "n";
  for (size_t a = 0; a < spatial.size(); ++a)
    text = fmt::format("({} * {}ull + (ix){}{})", text, spatial[a], stem, a);
  return fmt::format("{} * {}ull + c", text, p.channels);
}

/// Loops over the window's places around pooled place o<a>, with input place s<a> inside; `window`
/// counts them. `body` is one place's work.
std::string over_window(const PoolShape& p, const std::string& body) {
  int64_t places = 1;
  for (const int64_t size : p.window) places *= size;
  const std::string unroll = places <= 16 ? "_Pragma(\"unroll\") " : "";
  std::string open, close, window = "0";
  for (size_t a = 0; a < p.rank(); ++a) {
    open += fmt::format(
        "  {}for (int k{} = 0; k{} < {}; ++k{}) {{\n    const i64 s{} = (i64)o{} * {}ll - ({}ll) + "
        "k{};\n"
        "    if (s{} < 0 || s{} >= {}ll) continue;\n",
        unroll, a, a, p.window[a], a, a, a, p.strides[a], p.low[a], a, a, a, p.input[a]);
    window = fmt::format("({} * {} + k{})", window, p.window[a], a);
    close += "  }\n";
  }
  return open + fmt::format("    const u32 window = (u32){};\n", window) + body + close;
}

/// Loops over the pooled places o<a> whose windows cover input place s<a>.
std::string over_covering(const PoolShape& p, const std::string& body) {
  std::string open, close, window = "0";
  for (size_t a = 0; a < p.rank(); ++a) {
    // o * stride - low <= s <= o * stride - low + window - 1; at most ceil(window / stride) places.
    const int64_t most = (p.window[a] + p.strides[a] - 1) / p.strides[a];
    open += fmt::format(
        "  {{ const i64 last{} = ((i64)s{} + ({}ll)) / {}ll;\n  {}for (int j{} = {}; j{} >= 0; "
        "--j{}) {{\n"
        "    const i64 o{} = last{} - j{}, k{} = (i64)s{} + ({}ll) - o{} * {}ll;\n"
        "    if (o{} < 0 || o{} >= {}ll || k{} < 0 || k{} >= {}ll) continue;\n",
        a, a, p.low[a], p.strides[a], most <= 4 ? "_Pragma(\"unroll\") " : "", a, most - 1, a, a, a,
        a, a, a, a, p.low[a], a, p.strides[a], a, a, p.pooled[a], a, a, p.window[a]);
    window = fmt::format("({} * {} + (u32)k{})", window, p.window[a], a);
    close += "  } }\n";
  }
  return open + fmt::format("    const u32 window = (u32){};\n", window) + body + close;
}

std::string lowest_text(DType type) {
  if (is_floating(type))
    return literal_text(compute_type(type), -std::numeric_limits<double>::infinity(), 0);
  if (!is_signed(type)) return literal_text(type, 0, 0);
  return literal_text(type, 0, ~uint64_t{0} << (bits(type) - 1));
}

std::unique_ptr<Launch> launch(const KernelRequest& request, const PrepareContext& context,
                               const std::string& body, int64_t items) {
  const std::string& op = request.node.op->name;
  return std::make_unique<TextLaunch>("nvrtc/" + op, request, context,
                                      std::vector{TextKernel{op, body, blocks_for(items)}});
}

/// Of max_pool, and of scale_shift_max_pool with its scale and shift.
std::unique_ptr<Launch> prepare_max_pool(const KernelRequest& request,
                                         const PrepareContext& context) {
  const PoolShape p(request.node.attributes.as<WindowAttributes>(), operand_sizes(request, 0),
                    result_sizes(request));
  const DType type = request.operands[0].dtype();
  const int32_t lanes = lanes_for(p, type);
  int64_t items = 0;
  std::string body = item_text(p, p.pooled, "o", lanes, items);
  std::string value = "x.get(v)";
  if (request.operands.size() == 3) {
    body +=
        fmt::format("  const auto scale = load<{0}>(b1 + c), shift = load<{0}>(b2 + c);\n", lanes);
    value = fmt::format("op_maximum(x.get(v) * scale.get(v) + shift.get(v), ({})0)",
                        compute_text(type));
    if (compute_type(type) != type)
      value = fmt::format("rounded<{}>({})", storage_text(type), value);
  }
  body += fmt::format(
      "  {} best[{}];\n  u8 at[{}];\n  bool found = false;\n  EACH(v, {}) {{ best[v] = {}; at[v] = "
      "0; }}\n",
      compute_text(type), lanes, lanes, lanes, lowest_text(type));
  body += over_window(
      p, fmt::format("    const auto x = load<{}>(b0 + {});\n    EACH(v, {}) {{\n      "
                     "const {} value = {};\n"
                     "      if (!found || (best[v] == best[v] && (value != value || "
                     "value > best[v]))) {{ best[v] = value; at[v] = (u8)window; }}\n"
                     "    }}\n    found = true;\n",
                     lanes, offset_text(p, p.input, "s"), lanes, compute_text(type), value));
  body += fmt::format(
      "  const ix to = {};\n  store<{}, {}>(y0 + to, best);\n  store<u8, {}>(y1 + to, at);\n",
      offset_text(p, p.pooled, "o"), storage_text(type), lanes, lanes);
  return launch(request, context, body, items);
}

std::unique_ptr<Launch> prepare_max_pool_gradient(const KernelRequest& request,
                                                  const PrepareContext& context) {
  const PoolShape p(request.node.attributes.as<WindowGradientAttributes>().window,
                    result_sizes(request), operand_sizes(request, 0));
  const DType type = request.node.results[0].dtype();
  const int32_t lanes = lanes_for(p, type);
  int64_t items = 0;
  std::string body = item_text(p, p.input, "s", lanes, items);
  body +=
      fmt::format("  {} sum[{}];\n  EACH(v, {}) sum[v] = 0;\n", compute_text(type), lanes, lanes);
  body +=
      over_covering(p, fmt::format("    const ix from = {};\n    const auto g = load<{}>(b0 + "
                                   "from);\n    const auto at = load<{}>(b1 + from);\n"
                                   "    EACH(v, {}) if (at.get(v) == window) sum[v] += g.get(v);\n",
                                   offset_text(p, p.pooled, "o"), lanes, lanes, lanes));
  body += fmt::format("  store<{}, {}>(y0 + ({}), sum);\n", storage_text(type), lanes,
                      offset_text(p, p.input, "s"));
  return launch(request, context, body, items);
}

std::unique_ptr<Launch> prepare_max_pool_select(const KernelRequest& request,
                                                const PrepareContext& context) {
  const PoolShape p(request.node.attributes.as<WindowAttributes>(), operand_sizes(request, 0),
                    result_sizes(request));
  const DType type = request.node.results[0].dtype();
  const int32_t lanes = lanes_for(p, type);
  int64_t items = 0;
  std::string body = item_text(p, p.pooled, "o", lanes, items);
  body += fmt::format(
      "  const ix to = {};\n  const auto at = load<{}>(b1 + to);\n  {} chosen[{}];\n  EACH(v, {}) "
      "chosen[v] = 0;\n",
      offset_text(p, p.pooled, "o"), lanes, compute_text(type), lanes, lanes);
  body += over_window(p, fmt::format("    const auto x = load<{}>(b0 + {});\n    EACH(v, {}) if "
                                     "(at.get(v) == window) chosen[v] = x.get(v);\n",
                                     lanes, offset_text(p, p.input, "s"), lanes));
  body += fmt::format("  store<{}, {}>(y0 + to, chosen);\n", storage_text(type), lanes);
  return launch(request, context, body, items);
}

/// Declares `weight` of pooled place o<a>.
std::string weight_text(const PoolShape& p, const std::string& type, bool count_padding) {
  if (count_padding) {
    int64_t full = 1;
    for (const int64_t size : p.window) full *= size;
    return fmt::format("    const {} weight = ({})1 / ({}){}ll;\n", type, type, type, full);
  }
  std::string code = "    i64 places = 1;\n";
  for (size_t a = 0; a < p.rank(); ++a)
    code += fmt::format(
        "    {{ const i64 first = (i64)o{} * {}ll - ({}ll), end = first + {}ll;\n"
        "      const i64 inside = (end < {}ll ? end : {}ll) - (first > 0 ? first : 0); places *= "
        "inside > 0 ? inside : 0; }}\n",
        a, p.strides[a], p.low[a], p.window[a], p.input[a], p.input[a]);
  return code + fmt::format("    const {} weight = places > 0 ? ({})1 / ({})places : ({})0;\n",
                            type, type, type, type);
}

std::optional<std::string> refuse_integers(const KernelRequest& request) {
  if (!is_floating(request.operands[0].dtype())) return "averages of integers";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_average_pool(const KernelRequest& request,
                                             const PrepareContext& context) {
  const auto& attributes = request.node.attributes.as<AveragePoolAttributes>();
  const PoolShape p(attributes.window, operand_sizes(request, 0), result_sizes(request));
  const DType type = request.operands[0].dtype();
  const int32_t lanes = lanes_for(p, type);
  int64_t items = 0;
  std::string body = item_text(p, p.pooled, "o", lanes, items);
  body +=
      fmt::format("  {} sum[{}];\n  EACH(v, {}) sum[v] = 0;\n", compute_text(type), lanes, lanes);
  body += over_window(
      p, fmt::format("    const auto x = load<{}>(b0 + {});\n    EACH(v, {}) sum[v] += x.get(v);\n",
                     lanes, offset_text(p, p.input, "s"), lanes));
  body += weight_text(p, compute_text(type), attributes.count_padding);
  body += fmt::format("  EACH(v, {}) sum[v] *= weight;\n  store<{}, {}>(y0 + ({}), sum);\n", lanes,
                      storage_text(type), lanes, offset_text(p, p.pooled, "o"));
  return launch(request, context, body, items);
}

std::unique_ptr<Launch> prepare_average_pool_gradient(const KernelRequest& request,
                                                      const PrepareContext& context) {
  const auto& attributes = request.node.attributes.as<AveragePoolGradientAttributes>().pool;
  const PoolShape p(attributes.window, result_sizes(request), operand_sizes(request, 0));
  const DType type = request.node.results[0].dtype();
  const int32_t lanes = lanes_for(p, type);
  int64_t items = 0;
  std::string body = item_text(p, p.input, "s", lanes, items);
  body +=
      fmt::format("  {} sum[{}];\n  EACH(v, {}) sum[v] = 0;\n", compute_text(type), lanes, lanes);
  body += over_covering(p, weight_text(p, compute_text(type), attributes.count_padding) +
                               fmt::format("    const auto g = load<{}>(b0 + {});\n    EACH(v, {}) "
                                           "sum[v] += g.get(v) * weight;\n",
                                           lanes, offset_text(p, p.pooled, "o"), lanes));
  body += fmt::format("  store<{}, {}>(y0 + ({}), sum);\n", storage_text(type), lanes,
                      offset_text(p, p.input, "s"));
  return launch(request, context, body, items);
}

}  // namespace

std::vector<OpKernel> pool_kernels() {
  return {{"max_pool", {"nvrtc", refuse_packed, prepare_max_pool}},
          {"scale_shift_max_pool", {"nvrtc", refuse_packed, prepare_max_pool}},
          {"max_pool_gradient", {"nvrtc", refuse_packed, prepare_max_pool_gradient}},
          {"max_pool_select", {"nvrtc", refuse_packed, prepare_max_pool_select}},
          {"average_pool", {"nvrtc", refuse_integers, prepare_average_pool}},
          {"average_pool_gradient", {"nvrtc", refuse_integers, prepare_average_pool_gradient}}};
}

}  // namespace brisk::cuda
