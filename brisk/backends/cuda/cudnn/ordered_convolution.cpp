#include "brisk/backends/cuda/cudnn/convolution_problem.h"
#include "brisk/backends/cuda/cudnn/kernel_lists.h"
#include "brisk/backends/cuda/cudnn/native_composites.h"
#include "brisk/ops/fused/filter_order.h"

// "ordered_convolution": the convolution within, by the kernel that it would have alone.

namespace brisk::cuda::cudnn {
namespace {

/// The request of the convolution within, while the types last.
KernelRequest request_within(const KernelRequest& request, std::span<const Type> operands) {
  return {.node = convolution_within(request.node),
          .operands = operands,
          .constant_operands = request.constant_operands,
          .deterministic = request.deterministic,
          .device = request.device,
          .tf32 = request.tf32,
          .ordered_filter = true};
}

Result<ConvolutionProblem> problem_within(const Node& ordered_convolution) {
  const std::vector<Type> operands = operands_within(ordered_convolution);
  static const std::vector<bool> none_constant;
  return convolution_problem(
      {convolution_within(ordered_convolution), operands, none_constant, true, {}});
}

std::optional<std::string> refuse_ordered(const KernelRequest& request) {
  return refuse_ordered_filter(request.node);
}

std::unique_ptr<Launch> prepare_ordered(const KernelRequest& request,
                                        const PrepareContext& context) {
  const std::vector<Type> operands = operands_within(request.node);
  return std::move(choose_kernel(request_within(request, operands), context).launch);
}

}  // namespace

std::optional<std::string> refuse_ordered_filter(const Node& ordered_convolution) {
  if (const auto cudnn = library(); !cudnn) return cudnn.error();
  const Result<ConvolutionProblem> problem = problem_within(ordered_convolution);
  if (!problem) return problem.error();
  return std::nullopt;
}

bool wants_ordered_filter(const Node& ordered_convolution) {
  if (refuse_ordered_filter(ordered_convolution)) return false;
  const std::string& op = convolution_within(ordered_convolution).op->name;
  const bool plain = op == "convolution" || op == "convolution_input_gradient";
  return !plain || !seen_from_result(problem_within(ordered_convolution).value());
}

std::vector<OpKernel> ordered_convolution_kernels() {
  return {{"ordered_convolution", {"cudnn", refuse_ordered, prepare_ordered}}};
}

}  // namespace brisk::cuda::cudnn
