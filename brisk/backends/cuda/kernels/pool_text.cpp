#include "brisk/backends/cuda/kernels/pool_text.h"

#include <algorithm>

namespace brisk::cuda {

PoolShape::PoolShape(const WindowAttributes& attributes, const std::vector<int64_t>& whole,
                     const std::vector<int64_t>& small)
    : input(whole.begin() + 1, whole.end() - 1),
      window(attributes.window),
      pooled(small.begin() + 1, small.end() - 1),
      strides(attributes.strides),
      low(attributes.pad_low),
      batch(whole.front()),
      channels(whole.back()) {
  if (strides.empty()) strides.assign(input.size(), 1);
  if (low.empty()) low.assign(input.size(), 0);
}

int32_t lanes_for(const PoolShape& p, DType type) {
  int32_t lanes = static_cast<int32_t>(std::clamp<int64_t>(16 / byte_size(type), 1, 8));
  while (p.channels % lanes != 0) lanes /= 2;
  return lanes;
}

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

std::string offset_text(const PoolShape& p, const std::vector<int64_t>& spatial,
                        const std::string& stem) {
  std::string text = "n";
  for (size_t a = 0; a < spatial.size(); ++a)
    text = fmt::format("({} * {}ull + (ix){}{})", text, spatial[a], stem, a);
  return fmt::format("{} * {}ull + c", text, p.channels);
}

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

std::unique_ptr<Launch> launch_items(const KernelRequest& request, const PrepareContext& context,
                                     const std::string& body, int64_t items) {
  const std::string& op = request.node.op->name;
  return std::make_unique<TextLaunch>("nvrtc/" + op, request, context,
                                      std::vector{TextKernel{op, body, blocks_for(items)}});
}

}  // namespace brisk::cuda
