#include "brisk/backends/cuda/cudnn/attention_patterns.h"

#include <array>
#include <limits>

#include "brisk/ops/composite/composite.h"

// The engines know these graphs by their form alone: which operation follows which, which tensors
// are transposed views, which virtual tensors are short. So nothing here may be said in another
// way, however equal (NVIDIA's cuDNN documentation, "Fused flash attention").

namespace brisk::cuda::cudnn {

TensorShape AttentionProblem::heads_first(int64_t steps, int64_t width) const {
  return {{batch, heads, steps, width}, {steps * heads * width, width, heads * width, 1}, type};
}

TensorShape AttentionProblem::transposed(int64_t steps, int64_t width) const {
  return {{batch, heads, width, steps}, {steps * heads * width, width, 1, heads * width}, type};
}

TensorShape AttentionProblem::statistics() const {
  return {{batch, heads, queries, 1}, {heads * queries, queries, 1, 1}, DType::f32};
}

double AttentionProblem::product_flops() const {
  const double pairs =
      static_cast<double>(batch * heads) * static_cast<double>(queries) * static_cast<double>(keys);
  return 2 * pairs * (is_causal ? 0.5 : 1);
}

AttentionAttributes attributes_of(const Node& node) {
  if (node.op->name == "dot_product_attention") return node.attributes.as<AttentionAttributes>();
  const auto& gradient = node.attributes.as<AttentionGradientAttributes>();
  return {.scale = gradient.scale, .is_causal = gradient.is_causal};
}

AttentionProblem attention_problem(const Node& node, std::span<const Type> operands) {
  const AttentionAttributes attributes = attributes_of(node);
  const std::vector<int64_t> query = operands[0].shape().sizes();
  AttentionProblem problem;
  problem.batch = query[0];
  problem.queries = query[1];
  problem.heads = query[2];
  problem.size = query[3];
  problem.keys = operands[1].shape().size(1);
  problem.value_size = operands[2].shape().size(3);
  problem.type = operands[0].dtype();
  problem.scale = static_cast<float>(attributes.scale);
  problem.is_causal = attributes.is_causal;
  // A random key, where weights are dropped in training, is the last operand.
  const size_t bias = node.op->name == "dot_product_attention" ? 3 : 6;
  if (operands.size() - (attributes.dropout > 0 ? 1 : 0) > bias) {
    const std::vector<int64_t> sizes = operands[bias].shape().sizes();
    problem.bias = TensorShape{sizes,
                               {sizes[1] * sizes[2] * sizes[3], sizes[2] * sizes[3], sizes[3], 1},
                               operands[bias].dtype()};
  }
  return problem;
}

namespace {

/// The scores' virtual tensors.
class Scores {
 public:
  Scores(GraphBuilder& graph, const AttentionProblem& problem) : graph_(graph), problem_(problem) {}

  TensorNumber tensor(DType type = DType::f32) {
    const auto& [b, h, t, s] = extents();
    return graph_.inner({{b, h, t, s}, {h * t * s, t * s, s, 1}, type});
  }
  /// The scores as [batch, heads, keys, queries], in the operands' type.
  TensorNumber transposed() {
    const auto& [b, h, t, s] = extents();
    return graph_.inner({{b, h, s, t}, {h * t * s, t * s, 1, s}, problem_.type});
  }
  TensorNumber unary(PointwiseMode mode, TensorNumber x) {
    const TensorNumber y = tensor();
    graph_.unary(mode, x, y);
    return y;
  }
  TensorNumber binary(PointwiseMode mode, TensorNumber a, TensorNumber b, DType type = DType::f32) {
    const TensorNumber y = tensor(type);
    graph_.binary(mode, a, b, y);
    return y;
  }
  TensorNumber product(TensorNumber a, TensorNumber b) {
    const TensorNumber y = tensor();
    graph_.matmul(a, b, y);
    return y;
  }

  /// query key^T, scaled and biased.
  TensorNumber begin(TensorNumber query, TensorNumber key, std::optional<TensorNumber> bias) {
    TensorNumber scores = product(query, key);
    scores = binary(PointwiseMode::multiply, scores, graph_.scalar(problem_.scale));
    return bias ? binary(PointwiseMode::add, scores, *bias) : scores;
  }
  /// What lies above the diagonal is minus infinity, where attention is causal.
  TensorNumber mask(TensorNumber scores) {
    if (!problem_.is_causal) return scores;
    const TensorNumber row = tensor(DType::i32), column = tensor(DType::i32),
                       seen = tensor(DType::boolean), masked = tensor();
    graph_.index(scores, 2, row);
    graph_.index(scores, 3, column);
    graph_.compare(PointwiseMode::greater_equal, row, column, seen);
    graph_.select(seen, scores, graph_.scalar(-std::numeric_limits<float>::infinity()), masked);
    return masked;
  }

 private:
  std::array<int64_t, 4> extents() const {
    return {problem_.batch, problem_.heads, problem_.queries, problem_.keys};
  }
  GraphBuilder& graph_;
  const AttentionProblem& problem_;
};

}  // namespace

void attention_forward(GraphBuilder& graph, const AttentionProblem& problem) {
  const int64_t t = problem.queries, s = problem.keys;
  const TensorNumber query = graph.tensor(problem.heads_first(t, problem.size)),
                     key = graph.tensor(problem.transposed(s, problem.size)),
                     value = graph.tensor(problem.heads_first(s, problem.value_size));
  std::optional<TensorNumber> bias;
  if (problem.bias) bias = graph.tensor(*problem.bias);
  const TensorNumber result = graph.tensor(problem.heads_first(t, problem.value_size)),
                     statistics = graph.tensor(problem.statistics());
  const auto row = [&] { return graph.inner(problem.statistics()); };

  Scores scores(graph, problem);
  const TensorNumber masked = scores.mask(scores.begin(query, key, bias));
  const TensorNumber largest = row(), sum = row(), logarithm = row();
  graph.reduction(ReductionOperator::maximum, masked, largest);
  const TensorNumber exponentials = scores.unary(
      PointwiseMode::exponential, scores.binary(PointwiseMode::subtract, masked, largest));
  graph.reduction(ReductionOperator::add, exponentials, sum);
  graph.unary(PointwiseMode::logarithm, sum, logarithm);
  graph.binary(PointwiseMode::add, largest, logarithm, statistics);
  const TensorNumber weights =
      scores.binary(PointwiseMode::divide, exponentials, sum, problem.type);
  graph.matmul(weights, value, result);
}

void attention_backward(GraphBuilder& graph, const AttentionProblem& problem, QueryGradient form) {
  const int64_t t = problem.queries, s = problem.keys, d = problem.size, v = problem.value_size;
  const TensorNumber query = graph.tensor(problem.heads_first(t, d)),
                     key = graph.tensor(problem.transposed(s, d)),
                     value = graph.tensor(problem.transposed(s, v)),
                     result = graph.tensor(problem.heads_first(t, v)),
                     statistics = graph.tensor(problem.statistics()),
                     dy = graph.tensor(problem.heads_first(t, v));
  std::optional<TensorNumber> bias;
  if (problem.bias) bias = graph.tensor(*problem.bias);
  const TensorNumber query_gradient = graph.tensor(problem.heads_first(t, d)),
                     key_gradient = graph.tensor(problem.heads_first(s, d)),
                     value_gradient = graph.tensor(problem.heads_first(s, v)),
                     row_sums = graph.tensor(problem.statistics());

  const int64_t b = problem.batch, h = problem.heads;
  const TensorNumber agreement =
      graph.inner({{b, h, t, v}, {h * t * v, t * v, h * v, 1}, DType::f32});
  const TensorNumber sums = graph.inner(problem.statistics());
  graph.binary(PointwiseMode::multiply, dy, result, agreement);
  graph.reduction(ReductionOperator::add, agreement, sums);
  graph.binary(PointwiseMode::multiply, sums, graph.scalar(1), row_sums);

  Scores scores(graph, problem);
  const TensorNumber shifted =
      scores.binary(PointwiseMode::subtract, scores.begin(query, key, bias), statistics);
  const TensorNumber weights = scores.unary(PointwiseMode::exponential, scores.mask(shifted));
  const TensorNumber weights_across = scores.transposed();
  graph.view(weights, weights_across);
  graph.matmul(weights_across, dy, value_gradient);

  TensorNumber gradient = scores.product(dy, value);
  gradient = scores.binary(PointwiseMode::subtract, gradient, row_sums);
  gradient = scores.binary(PointwiseMode::multiply, gradient, weights);
  gradient = scores.binary(PointwiseMode::multiply, gradient, graph.scalar(problem.scale));
  const TensorNumber gradient_across = scores.transposed();
  graph.view(gradient, gradient_across);
  graph.matmul(gradient_across, query, key_gradient);

  const TensorNumber key_upright = graph.inner(problem.heads_first(s, d));
  graph.view(key, key_upright);
  if (form == QueryGradient::exact) {
    graph.matmul(gradient, key_upright, query_gradient);
    return;
  }
  const TensorNumber accumulated =
      graph.tensor({{b, h, t, d}, {h * t * d, t * d, d, 1}, DType::f32});
  graph.matmul(gradient, key_upright, accumulated);
  graph.unary(PointwiseMode::identity, accumulated, query_gradient);
}

}  // namespace brisk::cuda::cudnn
