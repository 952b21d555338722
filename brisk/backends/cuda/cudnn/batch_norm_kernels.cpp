#include <algorithm>

#include "brisk/backends/cuda/cudnn/batch_norm_patterns.h"
#include "brisk/backends/cuda/cudnn/convolution_launch.h"
#include "brisk/backends/cuda/cudnn/kernel_lists.h"
#include "brisk/backends/cuda/cudnn/native_composites.h"

// The parts of batch norm that cuDNN has engines for, compiled into the library, in f16. What batch
// norm's gradient calls mean, deviation and scale are given as 0, 1 and 1 x scale: then its sums
// are those of dz * x and dz, and the coefficients that it gives besides are left in the workspace.

namespace brisk::cuda::cudnn {
namespace {

using Kind = Place::Kind;

std::optional<std::string> refuse_composite(const KernelRequest& request) {
  return refuse_native(request.node, request.operands);
}

int64_t vector_bytes(const TensorShape& image) {
  return memory_bytes(channel_vector(image, DType::f32));
}

// operands input, filter; results y, sum, square_sum.
std::unique_ptr<Launch> prepare_statistics(const KernelRequest& request,
                                           const PrepareContext& context) {
  const ConvolutionProblem problem = convolution_problem(request).value();
  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    convolution_statistics(graph, problem, StatisticsForm::operation);
    return std::move(graph).build(target);
  };
  const int64_t vector = vector_bytes(problem.result);
  return make_convolution_launch(
      plan_or_refuse(request, context, problem, make_graph,
                     {{Kind::operand, 0},
                      {Kind::transposed_filter},
                      {Kind::result, 0},
                      {Kind::result, 1},
                      {Kind::result, 2}},
                     {memory_bytes(problem.input), memory_bytes(problem.filter),
                      memory_bytes(problem.result), vector, vector}),
      context);
}

// operands result gradient, filter, x, scale, shift; results dz, sum of dz x, sum of dz.
std::unique_ptr<Launch> prepare_input_gradient(const KernelRequest& request,
                                               const PrepareContext& context) {
  const ConvolutionProblem problem = convolution_problem(request).value();
  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    input_gradient_batch_norm(graph, problem, JoinForm::none);
    return std::move(graph).build(target);
  };
  const int64_t image = memory_bytes(problem.input), vector = vector_bytes(problem.input);
  return make_convolution_launch(
      plan_or_refuse(request, context, problem, make_graph,
                     {{Kind::operand, 0},
                      {Kind::transposed_filter},
                      {Kind::operand, 2},
                      {Kind::zeros},
                      {Kind::ones},
                      {Kind::operand, 3},
                      {Kind::operand, 4},
                      {Kind::result, 0},
                      {Kind::result, 1},
                      {Kind::result, 2},
                      {Kind::scratch},
                      {Kind::scratch},
                      {Kind::scratch}},
                     {memory_bytes(problem.result), memory_bytes(problem.filter), image, vector,
                      vector, vector, vector, image, vector, vector, vector, vector, vector}),
      context);
}

}  // namespace

std::optional<std::string> refuse_native(const Node& node, std::span<const Type> operands) {
  if (const auto cudnn = library(); !cudnn) return cudnn.error();
  static const std::vector<bool> none_constant;
  const KernelRequest request{node, operands, none_constant, true, {}};
  const Result<ConvolutionProblem> problem = convolution_problem(request);
  if (!problem) return problem.error();
  if (problem->type != DType::f16)
    return fmt::format("element type {}, but its engines are for f16", name(problem->type));
  const std::vector<int64_t>& filter = problem->filter.sizes;
  if (filter.size() != 4) return "its engines are for two spatial axes";
  if (problem->input.sizes[1] != filter[1]) return "its engines take no groups";
  if (filter[0] % 8 != 0 || filter[1] % 8 != 0)
    return fmt::format("{} channels and {} filters, but its engines want multiples of 8", filter[1],
                       filter[0]);
  if (std::max(filter[2], filter[3]) > 3)
    return fmt::format("a {} x {} filter, but its engines go up to 3 x 3", filter[2], filter[3]);
  const ConvolutionGeometry& geometry = problem->geometry;
  if (std::ranges::max(geometry.dilations) > 1) return "its engines take no dilation";
  if (geometry.pad_low != geometry.pad_high) return "its engines pad both sides alike";
  return std::nullopt;
}

std::vector<OpKernel> batch_norm_kernels() {
  return {
      {"convolution_statistics", {"cudnn", refuse_composite, prepare_statistics}},
      {"input_gradient_scale_shift", {"cudnn", refuse_composite, prepare_input_gradient}},
  };
}

}  // namespace brisk::cuda::cudnn
