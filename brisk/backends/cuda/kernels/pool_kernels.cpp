#include <limits>

#include "brisk/backends/cuda/kernels/pool_text.h"
#include "brisk/backends/cuda/loop/line_writer.h"
#include "brisk/ops/fused/batch_norm_fusion.h"

// Pooling, channels last: a thread takes a vector of channels at one place. Forward kernels go
// through the window's places; gradients go through the windows that cover an input place, so that
// sums need no atomics.

namespace brisk::cuda {
namespace {

std::string lowest_text(DType type) {
  if (is_floating(type))
    return literal_text(compute_type(type), -std::numeric_limits<double>::infinity(), 0);
  if (!is_signed(type)) return literal_text(type, 0, 0);
  return literal_text(type, 0, ~uint64_t{0} << (bits(type) - 1));
}

/// Of max_pool, and of scale_shift_max_pool with its scale and shift and, where asked for, sources.
std::unique_ptr<Launch> prepare_max_pool(const KernelRequest& request,
                                         const PrepareContext& context) {
  const bool scaled = request.operands.size() == 3;
  const PoolShape p(scaled ? request.node.attributes.as<ScaleShiftMaxPoolAttributes>().window
                           : request.node.attributes.as<WindowAttributes>(),
                    operand_sizes(request, 0), result_sizes(request));
  const bool sources = request.node.results.size() == 3;
  const DType type = request.operands[0].dtype();
  const int32_t lanes = lanes_for(p, type);
  int64_t items = 0;
  std::string body = item_text(p, p.pooled, "o", lanes, items);
  std::string value = "x.get(v)";
  if (scaled) {
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
  if (sources) body += fmt::format("  {} source[{}] = {{}};\n", compute_text(type), lanes);
  body += over_window(
      p, fmt::format("    const auto x = load<{}>(b0 + {});\n    EACH(v, {}) {{\n      "
                     "const {} value = {};\n"
                     "      if (!found || (best[v] == best[v] && (value != value || "
                     "value > best[v]))) {{ best[v] = value; at[v] = (u8)window; {} }}\n"
                     "    }}\n    found = true;\n",
                     lanes, offset_text(p, p.input, "s"), lanes, compute_text(type), value,
                     sources ? "source[v] = x.get(v);" : ""));
  body += fmt::format(
      "  const ix to = {};\n  store<{}, {}>(y0 + to, best);\n  store<u8, {}>(y1 + to, at);\n",
      offset_text(p, p.pooled, "o"), storage_text(type), lanes, lanes);
  if (sources)
    body += fmt::format("  store<{}, {}>(y2 + to, source);\n", storage_text(type), lanes);
  return launch_items(request, context, body, items);
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
  return launch_items(request, context, body, items);
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
  return launch_items(request, context, body, items);
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
  return launch_items(request, context, body, items);
}

}  // namespace

std::vector<OpKernel> pool_kernels() {
  return {{"max_pool", {"nvrtc", refuse_packed, prepare_max_pool}},
          {"scale_shift_max_pool", {"nvrtc", refuse_packed, prepare_max_pool}},
          {"max_pool_gradient", {"nvrtc", refuse_packed, prepare_max_pool_gradient}},
          {"scale_shift_max_pool_gradient", {"nvrtc", refuse_packed, prepare_max_pool_gradient}},
          {"max_pool_select", {"nvrtc", refuse_packed, prepare_max_pool_select}},
          {"average_pool", {"nvrtc", refuse_integers, prepare_average_pool}},
          {"average_pool_gradient", {"nvrtc", refuse_integers, prepare_average_pool_gradient}}};
}

}  // namespace brisk::cuda
