#include "brisk/backends/cuda/kernels/quantized/quantized_kernels.h"
#include "brisk/backends/cuda/kernels/quantized/requantize_text.h"
#include "brisk/backends/cuda/kernels/text_launch.h"

// Quantized products without tensor cores, of any grouping: depthwise ones, which are bound by
// memory, with several channels a thread, and what is left with an element a thread.

namespace brisk::cuda {
namespace {

/// Channels of a thread: neighbours that each have a filter of their own, or one.
int64_t lanes_of(const QuantizedProblem& p) {
  if (p.groups != p.channels || p.filters != p.channels) return 1;
  return p.channels % 8 == 0 ? 8 : p.channels % 4 == 0 ? 4 : 1;
}

/// Sums over the taps of the thread's place; `f` is its first filter.
std::string sums_text(const QuantizedProblem& p, int64_t lanes) {
  const int64_t depth = p.channels / p.groups;
  std::string code = fmt::format(
      "  i32 sums[{0}] = {{}};\n"
      "  for (i32 ky = 0; ky < {1}; ++ky) {{\n"
      "    const i32 in_y = (i32)oy * {2} + ky * {3} - ({4});\n"
      "    if (in_y < 0 || in_y >= {5}) continue;\n"
      "    _Pragma(\"unroll 4\") for (i32 kx = 0; kx < {6}; ++kx) {{\n"
      "      const i32 in_x = (i32)ox * {7} + kx * {8} - ({9});\n"
      "      if (in_x < 0 || in_x >= {10}) continue;\n",
      lanes, p.kernel[0], p.strides[0], p.dilations[0], p.low[0], p.input[0], p.kernel[1],
      p.strides[1], p.dilations[1], p.low[1], p.input[1]);
  code += fmt::format(
      "      const u32 from = (((u32)n * {0}u + (u32)in_y) * {1}u + (u32)in_x) * {2}u + (u32)f / "
      "{3}u * "
      "{4}u;\n      const u32 tap = (u32)(ky * {5} + kx) * {4}u;\n",
      p.input[0], p.input[1], p.channels, p.filters / p.groups, depth, p.kernel[1]);
  if (lanes > 1)
    return code +
           fmt::format(
               "      const auto x = load<{0}>(b0 + from);\n"
               "      const auto w = load<{0}>(b1 + tap * {1}u + (u32)f);\n"
               "      EACH(c, {0}) sums[c] += (i32)x.get(c) * (i32)w.get(c);\n    }}\n  }}\n",
               lanes, p.filters);
  return code + fmt::format(
                    "      for (u32 c = 0; c < {}u; ++c)\n"
                    "        sums[0] += (i32)b0[from + c] * (i32)b1[(tap + c) * {}u + (u32)f];\n"
                    "    }}\n  }}\n",
                    depth, p.filters);
}

std::string body_text(const QuantizedProblem& p, int64_t lanes) {
  const int64_t items = p.rows() * (p.filters / lanes);
  std::string code = one_item_each(items);
  const std::vector<int64_t> sizes = {p.batch, p.result[0], p.result[1], p.filters / lanes};
  code += coordinates_text({"n", "oy", "ox", "group"}, sizes, "i");
  code += fmt::format("  const ix f = group * {}u;\n  const ix at = i * {}u;\n", lanes, lanes);
  code += requantize_text(p.requantize) + sums_text(p, lanes);
  code += fmt::format(
      "  f32 results[{0}];\n  EACH(c, {0}) results[c] = finish(sums[c], b2[f + c], "
      "b3[f + c], {1});\n  ",
      lanes, p.requantize.residual ? "(f32)b4[at + c]" : "0.f");
  return code + store_text(p.requantize, lanes) + "\n";
}

class GroupedLaunch final : public TextLaunch {
 public:
  GroupedLaunch(const QuantizedProblem& p, int64_t lanes, const KernelRequest& request,
                const PrepareContext& context)
      : TextLaunch(
            fmt::format("nvrtc/plain_{}", request.node.op->name), request, context,
            {{"plain_quantized", body_text(p, lanes), blocks_for(p.rows() * (p.filters / lanes))}}),
        flops_(p.operations()) {}
  double flops() const override { return flops_; }

 private:
  double flops_;
};

}  // namespace

std::unique_ptr<Launch> prepare_plain_quantized(const KernelRequest& request,
                                                const PrepareContext& context) {
  const QuantizedProblem problem = quantized_problem(request.node, request.operands).value();
  return std::make_unique<GroupedLaunch>(problem, lanes_of(problem), request, context);
}

}  // namespace brisk::cuda
