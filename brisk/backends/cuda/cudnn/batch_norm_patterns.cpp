#include "brisk/backends/cuda/cudnn/batch_norm_patterns.h"

// Intermediate values are f32 but where an engine insists on the short type: what a convolution
// reads from a prologue, and what statistics are taken of.

namespace brisk::cuda::cudnn {
namespace {

TensorShape as(TensorShape shape, DType type) {
  shape.type = type;
  return shape;
}

TensorNumber normalized(GraphBuilder& graph, TensorNumber x, TensorNumber scale,
                        TensorNumber shift) {
  const TensorShape shape = graph.shape(x);
  const TensorShape wide = as(shape, DType::f32);
  const TensorNumber scaled = graph.inner(wide), shifted = graph.inner(wide);
  const TensorNumber positive = graph.inner(shape);
  graph.binary(PointwiseMode::multiply, x, scale, scaled);
  graph.binary(PointwiseMode::add, scaled, shift, shifted);
  graph.unary(PointwiseMode::relu, shifted, positive);
  return positive;
}

void take_statistics(GraphBuilder& graph, TensorNumber y, StatisticsForm form) {
  const TensorShape shape = graph.shape(y);
  const TensorShape vector = channel_vector(shape, DType::f32);
  if (form == StatisticsForm::operation) {
    const TensorNumber sum = graph.tensor(vector), square_sum = graph.tensor(vector);
    graph.statistics(y, sum, square_sum);
    return;
  }
  const TensorNumber squares = graph.inner(as(shape, DType::f32));
  const TensorNumber sum = graph.tensor(vector), square_sum = graph.tensor(vector);
  graph.reduction(ReductionOperator::add, y, sum);
  graph.binary(PointwiseMode::multiply, y, y, squares);
  graph.reduction(ReductionOperator::add, squares, square_sum);
}

/// A batch norm whose output is recomputed from its input.
struct RecomputedNorm {
  TensorNumber x, mean, inverse_deviation, scale, bias, result;
};

RecomputedNorm recompute(GraphBuilder& graph, const TensorShape& shape) {
  const TensorShape wide = as(shape, DType::f32), vector = channel_vector(shape, DType::f32);
  RecomputedNorm norm{};
  norm.x = graph.tensor(shape);
  norm.mean = graph.tensor(vector);
  norm.inverse_deviation = graph.tensor(vector);
  norm.scale = graph.tensor(vector);
  norm.bias = graph.tensor(vector);
  const TensorNumber centred = graph.inner(wide), normal = graph.inner(wide),
                     scaled = graph.inner(wide);
  norm.result = graph.inner(wide);
  graph.binary(PointwiseMode::subtract, norm.x, norm.mean, centred);
  graph.binary(PointwiseMode::multiply, centred, norm.inverse_deviation, normal);
  graph.binary(PointwiseMode::multiply, normal, norm.scale, scaled);
  graph.binary(PointwiseMode::add, scaled, norm.bias, norm.result);
  return norm;
}

void sum_gradients(GraphBuilder& graph, const RecomputedNorm& norm, TensorNumber dz) {
  const TensorShape vector = channel_vector(graph.shape(dz), DType::f32);
  GraphBuilder::BatchNormSums sums{};
  sums.mean = norm.mean;
  sums.inverse_deviation = norm.inverse_deviation;
  sums.scale = norm.scale;
  sums.x = norm.x;
  sums.dy = dz;
  sums.scale_gradient = graph.tensor(vector);
  sums.bias_gradient = graph.tensor(vector);
  sums.dy_scale = graph.tensor(vector);
  sums.x_scale = graph.tensor(vector);
  sums.bias = graph.tensor(vector);
  graph.batch_norm_backward_weights(sums);
}

}  // namespace

TensorShape channel_vector(const TensorShape& image, DType type) {
  std::vector<int64_t> sizes(image.sizes.size(), 1);
  sizes[1] = image.sizes[1];
  return channels_last(std::move(sizes), type);
}

void convolution_statistics(GraphBuilder& graph, const ConvolutionProblem& problem,
                            StatisticsForm form) {
  const TensorNumber x = graph.tensor(problem.input), w = graph.tensor(problem.filter);
  const TensorNumber y = graph.tensor(problem.result);
  graph.convolution(x, w, y, problem.geometry);
  take_statistics(graph, y, form);
}

void normalized_convolution_statistics(GraphBuilder& graph, const ConvolutionProblem& problem,
                                       StatisticsForm form) {
  const TensorShape vector = channel_vector(problem.input, problem.type);
  const TensorNumber x = graph.tensor(problem.input);
  const TensorNumber scale = graph.tensor(vector), shift = graph.tensor(vector);
  const TensorNumber w = graph.tensor(problem.filter), y = graph.tensor(problem.result);
  graph.convolution(normalized(graph, x, scale, shift), w, y, problem.geometry);
  take_statistics(graph, y, form);
}

void normalized_filter_gradient(GraphBuilder& graph, const ConvolutionProblem& problem) {
  const TensorShape vector = channel_vector(problem.input, problem.type);
  const TensorNumber x = graph.tensor(problem.input);
  const TensorNumber scale = graph.tensor(vector), shift = graph.tensor(vector);
  const TensorNumber dy = graph.tensor(problem.result), dw = graph.tensor(problem.filter);
  graph.convolution_filter_gradient(normalized(graph, x, scale, shift), dy, dw, problem.geometry);
}

void input_gradient_batch_norm(GraphBuilder& graph, const ConvolutionProblem& problem,
                               JoinForm form) {
  const TensorShape wide = as(problem.input, DType::f32);
  const TensorNumber dy = graph.tensor(problem.result), w = graph.tensor(problem.filter);
  TensorNumber gradient = graph.inner(wide);
  graph.convolution_input_gradient(dy, w, gradient, problem.geometry);
  if (form != JoinForm::none) {
    const TensorNumber other = graph.tensor(problem.input), sum = graph.inner(wide);
    graph.binary(PointwiseMode::add, gradient, other, sum);
    gradient = sum;
  }
  const RecomputedNorm norm = recompute(graph, problem.input);
  TensorNumber before_relu = norm.result;
  std::optional<RecomputedNorm> second;
  if (form == JoinForm::shortcut) {
    const TensorNumber residual = graph.tensor(problem.input);
    before_relu = graph.inner(wide);
    graph.binary(PointwiseMode::add, norm.result, residual, before_relu);
  } else if (form == JoinForm::projection) {
    second = recompute(graph, problem.input);
    before_relu = graph.inner(wide);
    graph.binary(PointwiseMode::add, norm.result, second->result, before_relu);
  }
  const TensorNumber dz = graph.tensor(problem.input);
  graph.relu_gradient(gradient, before_relu, dz);
  sum_gradients(graph, norm, dz);
  if (second) sum_gradients(graph, *second, dz);
}

void convolution_bias_relu(GraphBuilder& graph, const ConvolutionProblem& problem, bool residual) {
  const TensorShape wide = as(problem.result, DType::f32);
  const TensorNumber x = graph.tensor(problem.input), w = graph.tensor(problem.filter);
  const TensorNumber bias = graph.tensor(channel_vector(problem.result, problem.type));
  TensorNumber y = graph.inner(wide);
  graph.convolution(x, w, y, problem.geometry);
  TensorNumber sum = graph.inner(wide);
  if (residual) {  // the order of cuDNN's own engines: addition first, then bias
    graph.binary(PointwiseMode::add, y, graph.tensor(problem.result), sum);
    y = sum;
    sum = graph.inner(wide);
  }
  graph.binary(PointwiseMode::add, y, bias, sum);
  graph.unary(PointwiseMode::relu, sum, graph.tensor(problem.result));
}

}  // namespace brisk::cuda::cudnn
