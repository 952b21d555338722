#include "brisk/backends/cpu/onednn/quantized_launch.h"

#include <cstring>

#include "brisk/backends/cpu/kernels/kernel_isa.h"
#include "brisk/base/error.h"

// oneDNN 2 takes multipliers when a primitive is made and not when it runs, at least where it is
// fast. So what runs is made in the first run, together with the packed right operand; which
// implementation it will be, and how much scratch it takes, does not depend on their values.

namespace brisk::cpu {
namespace {

using Source = BoundPrimitive::Source;

constexpr size_t kRhs = 1, kBias = 2, kMultiplier = 3, kResidual = 4;
constexpr int kByChannel = 1 << 1;  ///< axis 1 of oneDNN's logical order is the result's channels

class QuantizedLaunch final : public Launch {
 public:
  QuantizedLaunch(MakeQuantized make, const QuantizedPrimitive& any, const Type& result,
                  const RequantizeAttributes& requantize, double flops)
      : make_(std::move(make)),
        channels_(result.shape().size(result.rank() - 1)),
        result_bytes_(result.shape().num_elements() * byte_size(result.dtype())),
        scratch_bytes_(static_cast<int64_t>(any.scratchpad.get_size())),
        residual_(requantize.residual),
        name_("onednn/" + any.implementation),
        flops_(flops),
        packed_(allocate_aligned(static_cast<int64_t>(any.rhs.get_size()))) {}

  void run(std::span<std::byte* const> operands, std::span<std::byte* const> results,
           std::byte* scratch) override {
    if (!primitive_) make(operands, results, scratch);
    if (residual_ && operands[kResidual] != results[0])
      std::memcpy(results[0], operands[kResidual], static_cast<size_t>(result_bytes_));
    primitive_->run(operands, results, scratch);
  }
  void reset() override { primitive_.reset(); }
  int64_t scratch_bytes() const override { return scratch_bytes_; }
  bool in_place(size_t, size_t operand) const override { return residual_ && operand == kResidual; }
  std::string name() const override { return name_; }
  double flops() const override { return flops_; }

 private:
  void make(std::span<std::byte* const> operands, std::span<std::byte* const> results,
            std::byte* scratch) {
    const auto* multiplier = reinterpret_cast<const float*>(operands[kMultiplier]);
    const QuantizedPrimitive made = make_({multiplier, multiplier + channels_});
    const dnnl::reorder::primitive_desc pack(cpu_engine(), made.own_rhs, cpu_engine(), made.rhs);
    BoundPrimitive(dnnl::reorder(pack), {{DNNL_ARG_FROM, made.own_rhs, Source::operand, kRhs},
                                         {DNNL_ARG_TO, made.rhs, Source::own, 0, 0, packed_.get()}})
        .run(operands, results, scratch);
    std::vector<BoundPrimitive::Argument> arguments = {
        {DNNL_ARG_SRC, made.lhs, Source::operand, 0},
        {DNNL_ARG_WEIGHTS, made.rhs, Source::own, 0, 0, packed_.get()},
        {DNNL_ARG_BIAS, made.bias, Source::operand, kBias},
        {DNNL_ARG_DST, made.result, Source::result, 0}};
    if (scratch_bytes_ > 0)
      arguments.push_back({DNNL_ARG_SCRATCHPAD, made.scratchpad, Source::scratch, 0});
    primitive_.emplace(made.primitive, std::move(arguments));
  }

  MakeQuantized make_;
  int64_t channels_, result_bytes_, scratch_bytes_;
  bool residual_;
  std::string name_;
  double flops_;
  std::shared_ptr<std::byte[]> packed_;
  std::optional<BoundPrimitive> primitive_;
};

}  // namespace

dnnl::primitive_attr quantized_epilogue(const RequantizeAttributes& requantize,
                                        const std::vector<float>& multiplier,
                                        std::optional<DType> residual) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_output_scales(kByChannel, multiplier);
  dnnl::post_ops epilogue;
  if (requantize.product_scale > 0) {
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_round, 0.0f, 0.0f);
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_clip,
                            static_cast<float>(requantize.product_low),
                            static_cast<float>(requantize.product_high));
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_linear,
                            static_cast<float>(requantize.product_scale), 0.0f);
  }
  if (residual)
    epilogue.append_sum(static_cast<float>(requantize.residual_scale), 0, *onednn_type(*residual));
  if (requantize.activation == Activation::relu)
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_relu, 0.0f, 0.0f);
  if (requantize.activation == Activation::relu6)
    epilogue.append_eltwise(1.0f, dnnl::algorithm::eltwise_bounded_relu,
                            static_cast<float>(requantize.limit), 0.0f);
  attributes.set_post_ops(epilogue);
  return attributes;
}

bool sums_are_exact() {
  // Without VNNI, oneDNN adds pairs of products in 16 bits, which saturate. It may have been told
  // to do without (ONEDNN_MAX_CPU_ISA).
  const auto vnni = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_vnni);
  return kernels_have_vnni() &&
         (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & vnni) == vnni;
}

std::optional<std::string> refuse_quantized(const KernelRequest& request,
                                            const MakeQuantized& make) {
  if (!sums_are_exact()) return "8-bit sums are exact only with VNNI";
  for (const size_t i : {kRhs, kMultiplier})
    if (!request.constant_operands[i]) return "weights and multipliers that change";
  for (const Type& type : request.operands)
    if (type.shape().num_elements() == 0) return "an extent is 0";
  try {
    const std::string implementation = make(any_multiplier(request)).implementation;
    if (is_reference(implementation))
      return fmt::format("only oneDNN's reference implementation ({}) takes it", implementation);
  } catch (const dnnl::error& error) {
    return fmt::format("oneDNN has no implementation ({})", error.message);
  }
  return std::nullopt;
}

std::unique_ptr<Launch> prepare_quantized(const KernelRequest& request,
                                          const RequantizeAttributes& requantize, double flops,
                                          MakeQuantized make) {
  const QuantizedPrimitive any = make(any_multiplier(request));
  return std::make_unique<QuantizedLaunch>(std::move(make), any, request.node.results[0],
                                           requantize, flops);
}

std::vector<float> any_multiplier(const KernelRequest& request) {
  return std::vector<float>(static_cast<size_t>(request.operands[kMultiplier].shape().size(0)),
                            0.5f);
}

std::optional<DType> residual_type(const KernelRequest& request,
                                   const RequantizeAttributes& requantize) {
  if (!requantize.residual) return std::nullopt;
  return request.operands[kResidual].dtype();
}

}  // namespace brisk::cpu
