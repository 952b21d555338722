#include <algorithm>

#include "brisk/backends/cuda/epilogue.h"
#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/backends/cuda/loop/line_writer.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"

// Convolutions, their gradients and contractions of every type, dilation, grouping and number of
// axes: for what the vendor's libraries refuse. A thread for each element of the result (of the
// filter's gradient: a block), sums in order. Correct, never fast.

namespace brisk::cuda {
namespace {

struct ConvolutionShape {
  std::vector<int64_t> input, filter, result;  // spatial axes
  std::vector<int64_t> strides, dilations, low;
  int64_t batch, channels, filters, groups;
  size_t rank() const { return input.size(); }

  ConvolutionShape(const ConvolutionAttributes& a, const std::vector<int64_t>& x,
                   const std::vector<int64_t>& w, const std::vector<int64_t>& y)
      : input(x.begin() + 1, x.end() - 1),
        filter(w.begin(), w.end() - 2),
        result(y.begin() + 1, y.end() - 1),
        strides(a.strides),
        dilations(a.dilations),
        low(a.pad_low),
        batch(x.front()),
        channels(x.back()),
        filters(w.back()),
        groups(a.groups) {
    if (strides.empty()) strides.assign(rank(), 1);
    if (dilations.empty()) dilations.assign(rank(), 1);
    if (low.empty()) low.assign(rank(), 0);
  }
  int64_t group_channels() const { return channels / groups; }
  int64_t group_filters() const { return filters / groups; }
};

/// ((first * size0 + stem0) * size1 + stem1) ...
std::string place(const std::string& first, const std::vector<int64_t>& sizes,
                  const std::string& stem) {
  std::string text = first;
  for (size_t a = 0; a < sizes.size(); ++a)
    text = fmt::format("({} * {}ll + {}{})", text, sizes[a], stem, a);
  return text;
}

struct Items {
  std::string text;
  int64_t count = 1;
};
/// Declares i64 names from the item's number.
Items items_over(const std::vector<std::pair<std::string, int64_t>>& axes,
                 const std::string& number = "i") {
  Items items;
  for (size_t a = axes.size(); a-- > 0;) {
    const int64_t size = std::max<int64_t>(axes[a].second, 1);
    items.text += fmt::format("  const i64 {} = (i64)({} / {}ull % {}ull);\n", axes[a].first,
                              number, items.count == 0 ? 1 : items.count, size);
    items.count *= axes[a].second;
  }
  return items;
}
std::vector<std::pair<std::string, int64_t>> spatial(const std::string& stem,
                                                     const std::vector<int64_t>& sizes) {
  std::vector<std::pair<std::string, int64_t>> axes;
  for (size_t a = 0; a < sizes.size(); ++a)
    axes.emplace_back(fmt::format("{}{}", stem, a), sizes[a]);
  return axes;
}
template <typename A, typename B>
auto joined(A first, const B& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// The end of fused ops: bias, residual, activation on `sum`; operand numbers follow the first two.
std::string epilogue(const std::string& type, bool bias, const std::string& bias_at, bool residual,
                     Activation activation) {
  std::string code;
  size_t operand = 2;
  if (bias) code += fmt::format("  sum += ({})widen(b{}[{}]);\n", type, operand++, bias_at);
  if (residual) code += fmt::format("  sum += ({})widen(b{}[i]);\n", type, operand);
  return code + "  " + activation_code(activation, "sum") + "\n";
}

std::unique_ptr<Launch> launch(const KernelRequest& request, const PrepareContext& context,
                               const std::string& body, int64_t blocks, int32_t threads = 256) {
  const std::string& op = request.node.op->name;
  return std::make_unique<TextLaunch>(
      "nvrtc/plain_" + op, request, context,
      std::vector{TextKernel{"plain_" + op, body, blocks, threads}});
}

std::string write_sum(const KernelRequest& request, const std::string& at) {
  const DType type = request.node.results[0].dtype();
  return fmt::format("  y0[{}] = narrow<{}>(({})sum);\n", at, storage_text(type),
                     compute_text(type));
}

std::unique_ptr<Launch> prepare_forward(const KernelRequest& request, const PrepareContext& context,
                                        const ConvolutionAttributes& attributes,
                                        const FusedConvolutionAttributes* fused) {
  const ConvolutionShape s(attributes, operand_sizes(request, 0), operand_sizes(request, 1),
                           result_sizes(request));
  const std::string type = accumulator_text(request.operands[0].dtype());
  const Items items = items_over(joined(
      joined(std::vector<std::pair<std::string, int64_t>>{{"n", s.batch}}, spatial("r", s.result)),
      std::vector<std::pair<std::string, int64_t>>{{"f", s.filters}}));
  std::string body = one_item_each(items.count) + items.text +
                     fmt::format("  {} sum = 0;\n  const i64 base = f / {}ll * {}ll;\n", type,
                                 std::max<int64_t>(s.group_filters(), 1), s.group_channels());
  std::string close;
  for (size_t a = 0; a < s.rank(); ++a) {
    body += fmt::format(
        "  for (i64 k{} = 0; k{} < {}ll; ++k{}) {{\n    const i64 s{} = r{} * {}ll - ({}ll) + k{} "
        "* {}ll;\n"
        "    if (s{} < 0 || s{} >= {}ll) continue;\n",
        a, a, s.filter[a], a, a, a, s.strides[a], s.low[a], a, s.dilations[a], a, a, s.input[a]);
    close += "  }\n";
  }
  body += fmt::format(
      "    for (i64 c = 0; c < {}ll; ++c) sum += ({})widen(b0[{} * {}ll + base + c]) * "
      "({})widen(b1[({} * {}ll + c) * {}ll + f]);\n",
      s.group_channels(), type, place("n", s.input, "s"), s.channels, type,
      place("0ll", s.filter, "k"), s.group_channels(), s.filters);
  body += close;
  if (fused != nullptr)
    body += epilogue(type, fused->bias, "f", fused->residual, fused->activation);
  return launch(request, context, body + write_sum(request, "i"), blocks_for(items.count));
}

std::unique_ptr<Launch> prepare_convolution(const KernelRequest& request,
                                            const PrepareContext& context) {
  return prepare_forward(request, context, request.node.attributes.as<ConvolutionAttributes>(),
                         nullptr);
}
std::unique_ptr<Launch> prepare_fused_convolution(const KernelRequest& request,
                                                  const PrepareContext& context) {
  const auto& fused = request.node.attributes.as<FusedConvolutionAttributes>();
  return prepare_forward(request, context, fused.convolution, &fused);
}

std::unique_ptr<Launch> prepare_input_gradient(const KernelRequest& request,
                                               const PrepareContext& context) {
  const auto& attributes = request.node.attributes.as<ConvolutionGradientAttributes>().convolution;
  const ConvolutionShape s(attributes, result_sizes(request), operand_sizes(request, 1),
                           operand_sizes(request, 0));
  const std::string type = accumulator_text(request.operands[0].dtype());
  const Items items = items_over(joined(
      joined(std::vector<std::pair<std::string, int64_t>>{{"n", s.batch}}, spatial("s", s.input)),
      std::vector<std::pair<std::string, int64_t>>{{"channel", s.channels}}));
  const int64_t each = std::max<int64_t>(s.group_channels(), 1);
  std::string body =
      one_item_each(items.count) + items.text +
      fmt::format("  {} sum = 0;\n  const i64 c = channel % {}ll, base = channel / {}ll * {}ll;\n",
                  type, each, each, s.group_filters());
  std::string close;
  for (size_t a = 0; a < s.rank(); ++a) {
    body += fmt::format(
        "  for (i64 k{} = 0; k{} < {}ll; ++k{}) {{\n    const i64 t{} = s{} + ({}ll) - k{} * {}ll, "
        "r{} = t{} / {}ll;\n"
        "    if (t{} < 0 || t{} % {}ll != 0 || r{} >= {}ll) continue;\n",
        a, a, s.filter[a], a, a, a, s.low[a], a, s.dilations[a], a, a, s.strides[a], a, a,
        s.strides[a], a, s.result[a]);
    close += "  }\n";
  }
  body += fmt::format(
      "    for (i64 f = base; f < base + {}ll; ++f) sum += ({})widen(b0[{} * {}ll + f]) * "
      "({})widen(b1[({} * {}ll + c) * {}ll + f]);\n",
      s.group_filters(), type, place("n", s.result, "r"), s.filters, type,
      place("0ll", s.filter, "k"), s.group_channels(), s.filters);
  return launch(request, context, body + close + write_sum(request, "i"), blocks_for(items.count));
}

std::unique_ptr<Launch> prepare_filter_gradient(const KernelRequest& request,
                                                const PrepareContext& context) {
  const auto& attributes = request.node.attributes.as<ConvolutionGradientAttributes>().convolution;
  const ConvolutionShape s(attributes, operand_sizes(request, 0), result_sizes(request),
                           operand_sizes(request, 1));
  const std::string type = accumulator_text(request.operands[0].dtype());
  const Items items = items_over(joined(spatial("k", s.filter),
                                        std::vector<std::pair<std::string, int64_t>>{
                                            {"c", s.group_channels()}, {"f", s.filters}}),
                                 "(ix)blockIdx.x");
  const Items places = items_over(
      joined(std::vector<std::pair<std::string, int64_t>>{{"n", s.batch}}, spatial("r", s.result)),
      "i");
  std::string body =
      items.text + fmt::format(
                       "  __shared__ u64 shared[32];\n  {} sum = 0;\n  const i64 channel = f / "
                       "{}ll * {}ll + c;\n",
                       type, std::max<int64_t>(s.group_filters(), 1), s.group_channels());
  body += fmt::format("  for (ix i = threadIdx.x; i < {}ull; i += 128u) {{\n{}", places.count,
                      places.text);
  for (size_t a = 0; a < s.rank(); ++a)
    body += fmt::format(
        "    const i64 s{} = r{} * {}ll - ({}ll) + k{} * {}ll;\n    if (s{} < 0 || s{} >= {}ll) "
        "continue;\n",
        a, a, s.strides[a], s.low[a], a, s.dilations[a], a, a, s.input[a]);
  body += fmt::format(
      "    sum += ({})widen(b0[{} * {}ll + channel]) * ({})widen(b1[{} * {}ll + f]);\n  }}\n", type,
      place("n", s.input, "s"), s.channels, type, place("n", s.result, "r"), s.filters);
  body += fmt::format(
      "  sum = fold_threads<128>(sum, []({} x, {} y) {{ return x + y; }}, ({}*)shared);\n  if "
      "(threadIdx.x != 0) return;\n",
      type, type, type);
  return launch(request, context, body + write_sum(request, "blockIdx.x"), items.count, 128);
}

// ---- contractions -------------------------------------------------------------------------------

std::string strided(const std::vector<int64_t>& sizes, const std::vector<std::string>& names) {
  std::string text = "0ll";
  int64_t stride = 1;
  std::vector<int64_t> strides(sizes.size());
  for (size_t a = sizes.size(); a-- > 0;) strides[a] = stride, stride *= sizes[a];
  for (size_t a = 0; a < sizes.size(); ++a)
    text += fmt::format(" + {} * {}ll", names[a], strides[a]);
  return text;
}

std::unique_ptr<Launch> prepare_contraction(const KernelRequest& request,
                                            const PrepareContext& context, const DotAttributes& a,
                                            const FusedDotAttributes* fused) {
  const std::vector<int64_t> lhs = operand_sizes(request, 0), rhs = operand_sizes(request, 1);
  std::vector<std::string> left(lhs.size()), right(rhs.size());
  std::vector<std::pair<std::string, int64_t>> axes;  // of the result
  for (size_t b = 0; b < a.lhs_batch.size(); ++b) {
    axes.emplace_back(fmt::format("p{}", b), lhs[static_cast<size_t>(a.lhs_batch[b])]);
    left[static_cast<size_t>(a.lhs_batch[b])] = right[static_cast<size_t>(a.rhs_batch[b])] =
        axes.back().first;
  }
  std::string open, close;
  for (size_t k = 0; k < a.lhs_contract.size(); ++k) {
    const int64_t size = lhs[static_cast<size_t>(a.lhs_contract[k])];
    left[static_cast<size_t>(a.lhs_contract[k])] = right[static_cast<size_t>(a.rhs_contract[k])] =
        fmt::format("k{}", k);
    open += fmt::format("  for (i64 k{} = 0; k{} < {}ll; ++k{})\n", k, k, size, k);
  }
  for (size_t d = 0; d < lhs.size(); ++d)
    if (left[d].empty()) axes.emplace_back(left[d] = fmt::format("m{}", d), lhs[d]);
  for (size_t d = 0; d < rhs.size(); ++d)
    if (right[d].empty()) axes.emplace_back(right[d] = fmt::format("n{}", d), rhs[d]);
  const std::string type = accumulator_text(request.operands[0].dtype());
  const Items items = items_over(axes);
  std::string body = one_item_each(items.count) + items.text +
                     fmt::format("  {} sum = 0;\n", type) + open +
                     fmt::format("    sum += ({})widen(b0[{}]) * ({})widen(b1[{}]);\n", type,
                                 strided(lhs, left), type, strided(rhs, right));
  if (fused != nullptr)
    body += epilogue(type, fused->bias, axes.back().first, false, fused->activation);
  return launch(request, context, body + write_sum(request, "i"), blocks_for(items.count));
}

std::unique_ptr<Launch> prepare_dot(const KernelRequest& request, const PrepareContext& context) {
  return prepare_contraction(request, context, request.node.attributes.as<DotAttributes>(),
                             nullptr);
}
std::unique_ptr<Launch> prepare_fused_dot(const KernelRequest& request,
                                          const PrepareContext& context) {
  const auto& fused = request.node.attributes.as<FusedDotAttributes>();
  const DotAttributes plain{.lhs_contract = {fused.transpose_lhs ? 0 : 1},
                            .rhs_contract = {fused.transpose_rhs ? 1 : 0},
                            .lhs_batch = {},
                            .rhs_batch = {}};
  return prepare_contraction(request, context, plain, &fused);
}

}  // namespace

std::vector<OpKernel> plain_kernels() {
  return {{"convolution", {"nvrtc/plain", refuse_packed, prepare_convolution}},
          {"convolution_input_gradient", {"nvrtc/plain", refuse_packed, prepare_input_gradient}},
          {"convolution_filter_gradient", {"nvrtc/plain", refuse_packed, prepare_filter_gradient}},
          {"fused_convolution", {"nvrtc/plain", refuse_packed, prepare_fused_convolution}},
          {"dot_general", {"nvrtc/plain", refuse_packed, prepare_dot}},
          {"fused_dot", {"nvrtc/plain", refuse_packed, prepare_fused_dot}}};
}

}  // namespace brisk::cuda
