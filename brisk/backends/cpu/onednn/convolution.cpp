#include "brisk/backends/cpu/onednn/convolution.h"

#include <cstring>

#include "brisk/backends/cpu/kernels/scratch_layout.h"
#include "brisk/backends/cpu/onednn/convolution_shape.h"
#include "brisk/backends/cpu/onednn/primitive.h"
#include "brisk/base/error.h"
#include "brisk/ops/fused/fused.h"

// Data stays in NHWC; only filters are brought into oneDNN's layout, each run while they are
// trained and once where they are constant. Implementations that oneDNN itself calls reference are
// refused.

namespace brisk::cpu {
namespace {

using Argument = BoundPrimitive::Argument;
using Source = BoundPrimitive::Source;

dnnl::primitive_attr user_scratchpad() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

/// A reorder between brisk's memory and a scratch area, or nothing when the layouts agree.
struct Staging {
  std::optional<BoundPrimitive> reorder;
  Argument argument;  ///< what the main primitive uses
};

/// Stages an operand into the layout `wanted`.
Staging stage_operand(int id, size_t operand, const dnnl::memory::desc& own,
                      const dnnl::memory::desc& wanted, ScratchLayout& scratch) {
  if (own == wanted) return {std::nullopt, {id, own, Source::operand, operand}};
  const int64_t offset = scratch.add_bytes(static_cast<int64_t>(wanted.get_size()));
  const Argument staged{id, wanted, Source::scratch, 0, offset};
  const dnnl::reorder::primitive_desc desc(cpu_engine(), own, cpu_engine(), wanted);
  return {BoundPrimitive(dnnl::reorder(desc), {{DNNL_ARG_FROM, own, Source::operand, operand},
                                               {DNNL_ARG_TO, wanted, Source::scratch, 0, offset}}),
          staged};
}

/// A filter that does not change, brought into its layout once and kept.
struct Packing {
  std::optional<BoundPrimitive> reorder;
  std::shared_ptr<std::byte[]> packed;
  bool is_packed = false;
};

/// Where a filter stands in the layout `wanted`: kept by the launch where it is constant.
Staging stage_filter(const KernelRequest& request, const dnnl::memory::desc& own,
                     const dnnl::memory::desc& wanted, ScratchLayout& scratch, Packing& packing) {
  if (own == wanted || !request.constant_operands[1])
    return stage_operand(DNNL_ARG_WEIGHTS, 1, own, wanted, scratch);
  packing.packed = allocate_aligned(static_cast<int64_t>(wanted.get_size()));
  const Argument packed{DNNL_ARG_WEIGHTS, wanted, Source::own, 0, 0, packing.packed.get()};
  Argument target = packed;
  target.id = DNNL_ARG_TO;
  const dnnl::reorder::primitive_desc desc(cpu_engine(), own, cpu_engine(), wanted);
  packing.reorder.emplace(dnnl::reorder(desc),
                          std::vector<Argument>{{DNNL_ARG_FROM, own, Source::operand, 1}, target});
  return {std::nullopt, packed};
}

/// The same for a result: the reorder runs after the main primitive.
Staging stage_result(int id, const dnnl::memory::desc& own, const dnnl::memory::desc& wanted,
                     ScratchLayout& scratch) {
  if (own == wanted) return {std::nullopt, {id, own, Source::result, 0}};
  const int64_t offset = scratch.add_bytes(static_cast<int64_t>(wanted.get_size()));
  const dnnl::reorder::primitive_desc desc(cpu_engine(), wanted, cpu_engine(), own);
  return {BoundPrimitive(dnnl::reorder(desc), {{DNNL_ARG_FROM, wanted, Source::scratch, 0, offset},
                                               {DNNL_ARG_TO, own, Source::result, 0}}),
          {id, wanted, Source::scratch, 0, offset}};
}

class ConvolutionLaunch final : public Launch {
 public:
  /// Reorders before, the primitive, reorders after; `residual` is an operand copied into the
  /// result first, where the primitive adds to it.
  ConvolutionLaunch(std::string name, double flops, std::vector<BoundPrimitive> steps,
                    int64_t scratch_bytes, std::optional<size_t> residual, int64_t result_bytes,
                    Packing packing)
      : name_(std::move(name)),
        flops_(flops),
        steps_(std::move(steps)),
        scratch_bytes_(scratch_bytes),
        residual_(residual),
        result_bytes_(result_bytes),
        packing_(std::move(packing)) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    if (residual_ && operands[*residual_] != results[0])
      std::memcpy(results[0], operands[*residual_], static_cast<size_t>(result_bytes_));
    if (packing_.reorder && !packing_.is_packed) packing_.reorder->run(operands, results, scratch);
    packing_.is_packed = true;
    for (BoundPrimitive& step : steps_) step.run(operands, results, scratch);
  }
  void reset() override { packing_.is_packed = false; }
  int64_t scratch_bytes() const override { return scratch_bytes_; }
  bool in_place(size_t, size_t operand) const override {
    return residual_ && operand == *residual_;
  }
  std::string name() const override { return name_; }
  double flops() const override { return flops_; }

 private:
  std::string name_;
  double flops_;
  std::vector<BoundPrimitive> steps_;
  int64_t scratch_bytes_;
  std::optional<size_t> residual_;
  int64_t result_bytes_;
  Packing packing_;
};

/// Adds `main`'s scratchpad and puts the steps together.
std::unique_ptr<Launch> assemble(const dnnl::primitive& main, const dnnl::memory::desc& scratchpad,
                                 std::string name, double flops, std::vector<Staging> stagings,
                                 std::vector<Argument> arguments, std::optional<Staging> result,
                                 ScratchLayout scratch,
                                 std::optional<size_t> residual = std::nullopt,
                                 int64_t result_bytes = 0, Packing packing = {}) {
  std::vector<BoundPrimitive> steps;
  for (Staging& staging : stagings) {
    if (staging.reorder) steps.push_back(std::move(*staging.reorder));
    arguments.push_back(staging.argument);
  }
  if (result) arguments.push_back(result->argument);
  if (scratchpad.get_size() > 0)
    arguments.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, Source::scratch, 0,
                         scratch.add_bytes(static_cast<int64_t>(scratchpad.get_size()))});
  steps.emplace_back(main, std::move(arguments));
  if (result && result->reorder) steps.push_back(std::move(*result->reorder));
  return std::make_unique<ConvolutionLaunch>(std::move(name), flops, std::move(steps),
                                             scratch.bytes(), residual, result_bytes,
                                             std::move(packing));
}

dnnl::convolution_forward::primitive_desc forward_desc(const ConvolutionShape& shape,
                                                       const FusedConvolutionAttributes& fused) {
  const auto kind = dnnl::prop_kind::forward_training;
  const auto algorithm = dnnl::algorithm::convolution_direct;
  dnnl::primitive_attr attributes = user_scratchpad();
  dnnl::post_ops epilogue;
  if (fused.residual) epilogue.append_sum(1.0f);
  if (fused.activation == Activation::relu)
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  if (fused.activation == Activation::relu6)
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_bounded_relu, 6.0f, 0.0f);
  attributes.set_post_ops(epilogue);
  if (fused.bias) {
    const int64_t filters = shape.result[1];
    const dnnl::convolution_forward::desc desc(
        kind, algorithm, shape.input_desc, shape.any_filter(), row_major({filters}, shape.type),
        shape.result_desc, shape.strides, shape.dilations, shape.pad_low, shape.pad_high);
    return {desc, attributes, cpu_engine()};
  }
  const dnnl::convolution_forward::desc desc(kind, algorithm, shape.input_desc, shape.any_filter(),
                                             shape.result_desc, shape.strides, shape.dilations,
                                             shape.pad_low, shape.pad_high);
  return {desc, attributes, cpu_engine()};
}

FusedConvolutionAttributes fused_attributes(const Node& node) {
  if (node.op->name == "fused_convolution") return node.attributes.as<FusedConvolutionAttributes>();
  return {.convolution = node.attributes.as<ConvolutionAttributes>()};
}

/// Runs `make` and turns "no implementation" and reference implementations into reasons.
template <typename Make>
std::optional<std::string> refuse_unless_fast(Make&& make) {
  try {
    const std::string name = make().impl_info_str();
    if (is_reference(name))
      return fmt::format("only oneDNN's reference implementation ({}) takes it", name);
    return std::nullopt;
  } catch (const dnnl::error& error) {
    return fmt::format("oneDNN has no implementation ({})", error.message);
  }
}

// forward: operands input, filter, [bias], [residual].

std::optional<std::string> refuse_forward(const KernelRequest& request) {
  const FusedConvolutionAttributes fused = fused_attributes(request.node);
  if (auto reason = refuse_convolution(request.operands[0], fused.convolution)) return reason;
  const ConvolutionShape shape = convolution_shape(request.operands[0], request.operands[1],
                                                   request.node.results[0], fused.convolution);
  return refuse_unless_fast([&] { return forward_desc(shape, fused); });
}

std::unique_ptr<Launch> prepare_forward(const KernelRequest& request) {
  const FusedConvolutionAttributes fused = fused_attributes(request.node);
  const ConvolutionShape shape = convolution_shape(request.operands[0], request.operands[1],
                                                   request.node.results[0], fused.convolution);
  const auto desc = forward_desc(shape, fused);
  ScratchLayout scratch;
  Packing packing;
  std::vector<Staging> stagings;
  stagings.push_back(
      stage_filter(request, shape.filter_desc, desc.weights_desc(), scratch, packing));
  std::vector<Argument> arguments = {{DNNL_ARG_SRC, shape.input_desc, Source::operand, 0},
                                     {DNNL_ARG_DST, shape.result_desc, Source::result, 0}};
  if (fused.bias) arguments.push_back({DNNL_ARG_BIAS, desc.bias_desc(), Source::operand, 2});
  std::optional<size_t> residual;
  if (fused.residual) residual = request.operands.size() - 1;
  return assemble(dnnl::convolution_forward(desc), desc.scratchpad_desc(),
                  implementation_name(desc), shape.flops, std::move(stagings), std::move(arguments),
                  std::nullopt, scratch, residual,
                  static_cast<int64_t>(shape.result_desc.get_size()), std::move(packing));
}

// input gradient: operands result gradient, filter.

ConvolutionShape input_gradient_shape(const KernelRequest& request) {
  const auto& attributes = request.node.attributes.as<ConvolutionGradientAttributes>();
  return convolution_shape(request.node.results[0], request.operands[1], request.operands[0],
                           attributes.convolution);
}

dnnl::convolution_backward_data::primitive_desc input_gradient_desc(const ConvolutionShape& shape) {
  const auto hint = forward_desc(shape, {});
  const dnnl::convolution_backward_data::desc desc(
      dnnl::algorithm::convolution_direct, shape.input_desc, shape.any_filter(), shape.result_desc,
      shape.strides, shape.dilations, shape.pad_low, shape.pad_high);
  return {desc, user_scratchpad(), cpu_engine(), hint};
}

std::optional<std::string> refuse_input_gradient(const KernelRequest& request) {
  const auto& attributes = request.node.attributes.as<ConvolutionGradientAttributes>();
  if (auto reason = refuse_convolution(request.operands[0], attributes.convolution)) return reason;
  return refuse_unless_fast([&] { return input_gradient_desc(input_gradient_shape(request)); });
}

std::unique_ptr<Launch> prepare_input_gradient(const KernelRequest& request) {
  const ConvolutionShape shape = input_gradient_shape(request);
  const auto desc = input_gradient_desc(shape);
  ScratchLayout scratch;
  Packing packing;
  std::vector<Staging> stagings;
  stagings.push_back(
      stage_filter(request, shape.filter_desc, desc.weights_desc(), scratch, packing));
  return assemble(dnnl::convolution_backward_data(desc), desc.scratchpad_desc(),
                  implementation_name(desc), shape.flops, std::move(stagings),
                  {{DNNL_ARG_DIFF_DST, shape.result_desc, Source::operand, 0},
                   {DNNL_ARG_DIFF_SRC, shape.input_desc, Source::result, 0}},
                  std::nullopt, scratch, std::nullopt, 0, std::move(packing));
}

// filter gradient: operands input, result gradient.

ConvolutionShape filter_gradient_shape(const KernelRequest& request) {
  const auto& attributes = request.node.attributes.as<ConvolutionGradientAttributes>();
  return convolution_shape(request.operands[0], request.node.results[0], request.operands[1],
                           attributes.convolution);
}

dnnl::convolution_backward_weights::primitive_desc filter_gradient_desc(
    const ConvolutionShape& shape) {
  const auto hint = forward_desc(shape, {});
  const dnnl::convolution_backward_weights::desc desc(
      dnnl::algorithm::convolution_direct, shape.input_desc, shape.any_filter(), shape.result_desc,
      shape.strides, shape.dilations, shape.pad_low, shape.pad_high);
  return {desc, user_scratchpad(), cpu_engine(), hint};
}

std::optional<std::string> refuse_filter_gradient(const KernelRequest& request) {
  const auto& attributes = request.node.attributes.as<ConvolutionGradientAttributes>();
  if (auto reason = refuse_convolution(request.operands[0], attributes.convolution)) return reason;
  return refuse_unless_fast([&] { return filter_gradient_desc(filter_gradient_shape(request)); });
}

std::unique_ptr<Launch> prepare_filter_gradient(const KernelRequest& request) {
  const ConvolutionShape shape = filter_gradient_shape(request);
  const auto desc = filter_gradient_desc(shape);
  ScratchLayout scratch;
  Staging result =
      stage_result(DNNL_ARG_DIFF_WEIGHTS, shape.filter_desc, desc.diff_weights_desc(), scratch);
  return assemble(dnnl::convolution_backward_weights(desc), desc.scratchpad_desc(),
                  implementation_name(desc), shape.flops, {},
                  {{DNNL_ARG_SRC, shape.input_desc, Source::operand, 0},
                   {DNNL_ARG_DIFF_DST, shape.result_desc, Source::operand, 1}},
                  std::move(result), scratch);
}

}  // namespace

std::vector<OpKernel> convolution_kernels() {
  return {
      {"fused_convolution", {"onednn", refuse_forward, prepare_forward}},
      {"convolution", {"onednn", refuse_forward, prepare_forward}},
      {"convolution_input_gradient", {"onednn", refuse_input_gradient, prepare_input_gradient}},
      {"convolution_filter_gradient", {"onednn", refuse_filter_gradient, prepare_filter_gradient}},
  };
}

}  // namespace brisk::cpu
