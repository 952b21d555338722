#include <algorithm>

#include "brisk/backends/cuda/cudnn/choose_plan.h"
#include "brisk/backends/cuda/cudnn/convolution_problem.h"
#include "brisk/backends/cuda/cudnn/filter_transpose.h"
#include "brisk/backends/cuda/epilogue.h"
#include "brisk/backends/cuda/kernel.h"
#include "brisk/ops/fused/fused.h"

// Convolution, its two gradients and the fused form by cuDNN, images channels-last as brisk has
// them. Filters are transposed into the workspace before a plan reads them and out of it after a
// plan has written one (cuDNN takes a filter's strides and then does not look at them: with brisk's
// own order it computes something else without a word). Where cuDNN has no engine with the epilogue (strict f32, whose fused
// engines all round to TF32), a plain plan runs and a kernel of ours finishes its result in place.

namespace brisk::cuda::cudnn {
namespace {

/// Where a plan's tensor lies.
struct Place {
  enum class Kind : uint8_t { operand, result, transposed_filter } kind;
  size_t number = 0;
};

constexpr int64_t kAlignment = 256;

int64_t aligned(int64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

int64_t memory_bytes(const TensorShape& shape) {
  int64_t elements = 1;
  for (const int64_t size : shape.sizes) elements *= size;
  return elements * byte_size(shape.type);
}

/// What the three kinds of convolution have in common, made by the functions below.
struct ConvolutionParts {
  ConvolutionProblem problem;
  ChosenPlan plan;
  std::vector<Place> places;  ///< of the plan's tensors
  bool writes_filter = false;  ///< the result is a filter, not an image
  std::optional<EpilogueParts> epilogue;  ///< left to our kernel
};

class ConvolutionLaunch final : public Launch {
 public:
  ConvolutionLaunch(ConvolutionParts parts, CodeLibrary& code)
      : parts_(std::move(parts)),
        filter_bytes_(aligned(memory_bytes(parts_.problem.filter))),
        transpose_(code, byte_size(parts_.problem.type)) {
    if (parts_.epilogue) epilogue_.emplace(code, parts_.problem.type, *parts_.epilogue);
  }

  void load(const CodeLibrary& code) override {
    transpose_.load(code);
    if (epilogue_) epilogue_->load(code);
  }

  void enqueue(const LaunchArguments& arguments) override {
    invariant(parts_.plan.plan.has_value(), "a convolution lowered without a device is run");
    const ConvolutionProblem& problem = parts_.problem;
    const DeviceAddress transposed = arguments.workspace;
    if (!parts_.writes_filter)
      transpose_.enqueue(arguments.operands[1], transposed, problem.filter_rows,
                         problem.filter_columns, arguments.stream);
    std::vector<DeviceAddress> addresses;
    for (const Place& place : parts_.places) {
      switch (place.kind) {
        case Place::Kind::operand: addresses.push_back(arguments.operands[place.number]); break;
        case Place::Kind::result: addresses.push_back(arguments.results[place.number]); break;
        case Place::Kind::transposed_filter: addresses.push_back(transposed); break;
      }
    }
    parts_.plan.plan->execute(parts_.plan.memory_ids, addresses,
                              arguments.workspace + static_cast<DeviceAddress>(filter_bytes_),
                              arguments.stream);
    if (parts_.writes_filter)
      transpose_.enqueue(transposed, arguments.results[0], problem.filter_columns,
                         problem.filter_rows, arguments.stream);
    if (epilogue_) finish(arguments);
  }

  int64_t workspace_bytes() const override { return filter_bytes_ + parts_.plan.workspace_bytes; }
  std::string name() const override {
    return fmt::format("cudnn/{}{}", parts_.plan.name, epilogue_ ? " + epilogue" : "");
  }
  double flops() const override { return parts_.problem.flops; }

 private:
  void finish(const LaunchArguments& arguments) {
    const TensorShape& result = parts_.problem.result;
    const DeviceAddress bias = parts_.epilogue->bias ? arguments.operands[2] : 0;
    const DeviceAddress residual = parts_.epilogue->residual ? arguments.operands.back() : 0;
    epilogue_->enqueue(arguments.results[0], bias, residual,
                       memory_bytes(result) / byte_size(result.type), result.sizes[1],
                       arguments.stream);
  }

  ConvolutionParts parts_;
  int64_t filter_bytes_;
  FilterTranspose transpose_;
  std::optional<Epilogue> epilogue_;
};

EngineRules rules(const KernelRequest& request, const ConvolutionProblem& problem) {
  return {.deterministic = request.deterministic, .tensor_cores = problem.type != DType::f32};
}

std::optional<std::string> refuse_convolution(const KernelRequest& request) {
  if (const auto cudnn = library(); !cudnn) return cudnn.error();
  const Result<ConvolutionProblem> problem = convolution_problem(request);
  if (!problem) return problem.error();
  return std::nullopt;
}

/// The plan of a graph whose tensors lie at `places`; throws UserError with cuDNN's reasons.
ConvolutionParts plan_or_refuse(const KernelRequest& request, const PrepareContext& context,
                                ConvolutionProblem problem, const MakeGraph& make_graph,
                                std::vector<Place> places, std::vector<int64_t> bytes) {
  Result<ChosenPlan> plan = choose_plan(
      make_graph, {.rules = rules(request, problem), .bytes = std::move(bytes)}, request.device,
      context);
  if (!plan) refuse("[{}] {}", request.node.op->name, plan.error());
  return {std::move(problem), std::move(*plan), std::move(places)};
}

using Kind = Place::Kind;

// forward: operands input, filter, [bias], [residual].

ConvolutionParts plain_forward(const KernelRequest& request, const PrepareContext& context,
                               const ConvolutionProblem& problem) {
  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    const TensorNumber x = graph.tensor(problem.input), w = graph.tensor(problem.filter);
    graph.convolution(x, w, graph.tensor(problem.result), problem.geometry);
    return std::move(graph).build(target);
  };
  return plan_or_refuse(
      request, context, problem, make_graph,
      {{Kind::operand, 0}, {Kind::transposed_filter}, {Kind::result, 0}},
      {memory_bytes(problem.input), memory_bytes(problem.filter), memory_bytes(problem.result)});
}

/// A plan with the whole epilogue; fails where cuDNN has none.
Result<ConvolutionParts> fused_forward(const KernelRequest& request, const PrepareContext& context,
                                       const ConvolutionProblem& problem,
                                       const FusedConvolutionAttributes& fused) {
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
  Result<ChosenPlan> plan = choose_plan(
      make_graph, {.rules = rules(request, problem), .bytes = std::move(bytes)}, request.device,
      context);
  if (!plan) return plan.failure();
  return ConvolutionParts{problem, std::move(*plan), std::move(places)};
}

std::unique_ptr<Launch> prepare_forward(const KernelRequest& request,
                                        const PrepareContext& context) {
  const ConvolutionProblem problem = convolution_problem(request).value();
  if (request.node.op->name == "convolution")
    return std::make_unique<ConvolutionLaunch>(plain_forward(request, context, problem),
                                               context.code);
  const auto& fused = request.node.attributes.as<FusedConvolutionAttributes>();
  Result<ConvolutionParts> parts = fused_forward(request, context, problem, fused);
  if (parts) return std::make_unique<ConvolutionLaunch>(std::move(*parts), context.code);
  if (problem.type != DType::f32) refuse("[fused_convolution] {}", parts.error());
  ConvolutionParts plain = plain_forward(request, context, problem);
  plain.epilogue = EpilogueParts{fused.bias, fused.residual, fused.activation};
  return std::make_unique<ConvolutionLaunch>(std::move(plain), context.code);
}

// input gradient: operands result gradient, filter.

std::unique_ptr<Launch> prepare_input_gradient(const KernelRequest& request,
                                               const PrepareContext& context) {
  const ConvolutionProblem problem = convolution_problem(request).value();
  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    const TensorNumber dy = graph.tensor(problem.result), w = graph.tensor(problem.filter);
    graph.convolution_input_gradient(dy, w, graph.tensor(problem.input), problem.geometry);
    return std::move(graph).build(target);
  };
  return std::make_unique<ConvolutionLaunch>(
      plan_or_refuse(request, context, problem, make_graph,
                     {{Kind::operand, 0}, {Kind::transposed_filter}, {Kind::result, 0}},
                     {memory_bytes(problem.result), memory_bytes(problem.filter),
                      memory_bytes(problem.input)}),
      context.code);
}

// filter gradient: operands input, result gradient.

std::unique_ptr<Launch> prepare_filter_gradient(const KernelRequest& request,
                                                const PrepareContext& context) {
  const ConvolutionProblem problem = convolution_problem(request).value();
  const auto make_graph = [&](const Target& target) {
    GraphBuilder graph;
    const TensorNumber x = graph.tensor(problem.input), dy = graph.tensor(problem.result);
    graph.convolution_filter_gradient(x, dy, graph.tensor(problem.filter), problem.geometry);
    return std::move(graph).build(target);
  };
  ConvolutionParts parts = plan_or_refuse(
      request, context, problem, make_graph,
      {{Kind::operand, 0}, {Kind::operand, 1}, {Kind::transposed_filter}},
      {memory_bytes(problem.input), memory_bytes(problem.result), memory_bytes(problem.filter)});
  parts.writes_filter = true;
  return std::make_unique<ConvolutionLaunch>(std::move(parts), context.code);
}

}  // namespace
}  // namespace brisk::cuda::cudnn

namespace brisk::cuda {

std::vector<OpKernel> cudnn_kernels() {
  using namespace cudnn;
  return {
      {"fused_convolution", {"cudnn", refuse_convolution, prepare_forward}},
      {"convolution", {"cudnn", refuse_convolution, prepare_forward}},
      {"convolution_input_gradient", {"cudnn", refuse_convolution, prepare_input_gradient}},
      {"convolution_filter_gradient", {"cudnn", refuse_convolution, prepare_filter_gradient}},
  };
}

}  // namespace brisk::cuda
