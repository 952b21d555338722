#include <array>
#include <functional>

#include "brisk/backends/cuda/cudnn/convolution_launch.h"
#include "brisk/backends/cuda/cudnn/kernel_lists.h"
#include "brisk/ops/fused/fused.h"

// Convolution, its two gradients and the fused form by cuDNN. Where cuDNN has no engine with the
// epilogue (strict f32, whose fused engines all round to TF32), a plain plan runs and a kernel of
// ours finishes its result in place.

namespace brisk::cuda::cudnn {
namespace {

std::optional<std::string> refuse_convolution(const KernelRequest& request) {
  if (const auto cudnn = library(); !cudnn) return cudnn.error();
  const Result<ConvolutionProblem> problem = convolution_problem(request);
  if (!problem) return problem.error();
  return std::nullopt;
}

using Kind = Place::Kind;

/// What the transposition of a filter takes in a step, with the gap before it, on an H100.
constexpr double kTransposition = 0.003;  // ms

/// The plan of a 1x1 convolution seen from its result, which transposes nothing, where that is no
/// slower than `straight`; `make` gives it. Where a filter never changes, it is transposed once.
ConvolutionParts or_seen_from_result(
    const KernelRequest& request, ConvolutionParts straight,
    const std::function<Result<ConvolutionParts>(const ConvolutionProblem&)>& make) {
  const auto back = seen_from_result(straight.problem);
  if (!back || straight.constant_filter || request.ordered_filter) return straight;
  Result<ConvolutionParts> other = make(*back);
  if (!other || other->plan.milliseconds > straight.plan.milliseconds + kTransposition)
    return straight;
  return std::move(*other);
}

/// What one kind of convolution asks of a graph: the operation, and which tensors it is given.
struct Operation {
  void (GraphBuilder::*add)(TensorNumber, TensorNumber, TensorNumber, const ConvolutionGeometry&);
  std::array<TensorShape ConvolutionProblem::*, 3> tensors;
};

constexpr Operation kForward = {
    &GraphBuilder::convolution,
    {&ConvolutionProblem::input, &ConvolutionProblem::filter, &ConvolutionProblem::result}};
constexpr Operation kInputGradient = {
    &GraphBuilder::convolution_input_gradient,
    {&ConvolutionProblem::result, &ConvolutionProblem::filter, &ConvolutionProblem::input}};
constexpr Operation kFilterGradient = {
    &GraphBuilder::convolution_filter_gradient,
    {&ConvolutionProblem::input, &ConvolutionProblem::result, &ConvolutionProblem::filter}};

/// `places` are of the operation's tensors, in its order.
Result<ConvolutionParts> parts_of(const Operation& operation, const KernelRequest& request,
                                  const PrepareContext& context, const ConvolutionProblem& problem,
                                  std::vector<Place> places) {
  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    std::array<TensorNumber, 3> numbers{};
    for (size_t i = 0; i < numbers.size(); ++i)
      numbers[i] = graph.tensor(problem.*operation.tensors[i]);
    (graph.*operation.add)(numbers[0], numbers[1], numbers[2], problem.geometry);
    return std::move(graph).build(target);
  };
  std::vector<int64_t> bytes;
  for (const auto tensor : operation.tensors) bytes.push_back(memory_bytes(problem.*tensor));
  return convolution_parts(request, context, problem, make_graph, std::move(places),
                           std::move(bytes));
}

// forward: operands input, filter, [bias], [residual].

ConvolutionParts plain_forward(const KernelRequest& request, const PrepareContext& context,
                               const ConvolutionProblem& problem) {
  return or_refuse(request,
                   parts_of(kForward, request, context, problem,
                            {{Kind::operand, 0}, {Kind::transposed_filter}, {Kind::result, 0}}));
}

/// A plan with the whole epilogue; fails where cuDNN has none.
Result<ConvolutionParts> fused_forward(const KernelRequest& request, const PrepareContext& context,
                                       const ConvolutionProblem& problem,
                                       const FusedConvolutionAttributes& fused) {
  if (fused.activation == Activation::relu6) return fail("no engine ends in relu6");
  const TensorShape wide = [&] {
    TensorShape shape = problem.result;
    shape.type = DType::f32;
    return shape;
  }();
  std::vector<int64_t> bias_sizes(problem.result.sizes.size(), 1);
  bias_sizes[1] = problem.result.sizes[1];
  const TensorShape bias_shape = channels_last(bias_sizes, problem.type);
  const size_t last_operand = request.operands.size() - 1;

  std::vector<Place> places = {{Kind::operand, 0}, {Kind::transposed_filter}};
  std::vector<int64_t> bytes = {memory_bytes(problem.input), memory_bytes(problem.filter)};
  if (fused.residual) {
    places.push_back({Kind::operand, last_operand});
    bytes.push_back(memory_bytes(problem.result));
  }
  if (fused.bias) {
    places.push_back({Kind::operand, 2});
    bytes.push_back(memory_bytes(bias_shape));
  }
  places.push_back({Kind::result, 0});
  bytes.push_back(memory_bytes(problem.result));

  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    const TensorNumber x = graph.tensor(problem.input), w = graph.tensor(problem.filter);
    // The order of cuDNN's own engines: residual, bias, activation. The last step writes memory.
    const bool relu = fused.activation == Activation::relu;
    int steps = (fused.residual ? 1 : 0) + (fused.bias ? 1 : 0) + (relu ? 1 : 0);
    const auto output = [&] {
      return steps-- == 0 ? graph.tensor(problem.result) : graph.inner(wide);
    };
    TensorNumber y = 0;
    if (steps == 0) {
      y = output();
      graph.convolution(x, w, y, problem.geometry);
      return std::move(graph).build(target);
    }
    y = output();
    graph.convolution(x, w, y, problem.geometry);
    const auto append = [&](PointwiseMode mode, const TensorShape& shape) {
      const TensorNumber other = graph.tensor(shape), sum = output();
      graph.binary(mode, y, other, sum);
      y = sum;
    };
    if (fused.residual) append(PointwiseMode::add, problem.result);
    if (fused.bias) append(PointwiseMode::add, bias_shape);
    if (relu) graph.unary(PointwiseMode::relu, y, output());
    return std::move(graph).build(target);
  };
  return convolution_parts(request, context, problem, make_graph, std::move(places),
                           std::move(bytes));
}

std::unique_ptr<Launch> prepare_forward(const KernelRequest& request,
                                        const PrepareContext& context) {
  const ConvolutionProblem problem = convolution_problem(request).value();
  if (request.node.op->name == "convolution")
    return make_convolution_launch(
        or_seen_from_result(request, plain_forward(request, context, problem),
                            [&](const ConvolutionProblem& back) {
                              return parts_of(
                                  kInputGradient, request, context, back,
                                  {{Kind::operand, 0}, {Kind::operand, 1}, {Kind::result, 0}});
                            }),
        context);
  const auto& fused = request.node.attributes.as<FusedConvolutionAttributes>();
  Result<ConvolutionParts> parts = fused_forward(request, context, problem, fused);
  if (parts) return make_convolution_launch(std::move(*parts), context);
  ConvolutionParts plain = plain_forward(request, context, problem);
  plain.epilogue = EpilogueParts{fused.bias, fused.residual, fused.activation};
  return make_convolution_launch(std::move(plain), context);
}

// input gradient: operands result gradient, filter.

std::unique_ptr<Launch> prepare_input_gradient(const KernelRequest& request,
                                               const PrepareContext& context) {
  const ConvolutionProblem problem = convolution_problem(request).value();
  ConvolutionParts parts = or_refuse(
      request, parts_of(kInputGradient, request, context, problem,
                        {{Kind::operand, 0}, {Kind::transposed_filter}, {Kind::result, 0}}));
  return make_convolution_launch(
      or_seen_from_result(request, std::move(parts),
                          [&](const ConvolutionProblem& back) {
                            return parts_of(
                                kForward, request, context, back,
                                {{Kind::operand, 0}, {Kind::operand, 1}, {Kind::result, 0}});
                          }),
      context);
}

// filter gradient: operands input, result gradient.

std::unique_ptr<Launch> prepare_filter_gradient(const KernelRequest& request,
                                                const PrepareContext& context) {
  const ConvolutionProblem problem = convolution_problem(request).value();
  ConvolutionParts parts = or_refuse(
      request, parts_of(kFilterGradient, request, context, problem,
                        {{Kind::operand, 0}, {Kind::operand, 1}, {Kind::transposed_filter}}));
  parts.writes_filter = true;
  parts.constant_filter = false;
  return make_convolution_launch(
      or_seen_from_result(request, std::move(parts),
                          [&](const ConvolutionProblem& back) {
                            return parts_of(
                                kFilterGradient, request, context, back,
                                {{Kind::operand, 1}, {Kind::operand, 0}, {Kind::result, 0}});
                          }),
      context);
}

}  // namespace

std::vector<OpKernel> convolution_kernels() {
  return {
      {"fused_convolution", {"cudnn", refuse_convolution, prepare_forward}},
      {"convolution", {"cudnn", refuse_convolution, prepare_forward}},
      {"convolution_input_gradient", {"cudnn", refuse_convolution, prepare_input_gradient}},
      {"convolution_filter_gradient", {"cudnn", refuse_convolution, prepare_filter_gradient}},
  };
}

}  // namespace brisk::cuda::cudnn
