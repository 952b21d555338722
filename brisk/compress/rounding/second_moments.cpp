#include "brisk/compress/rounding/second_moments.h"

#include <numeric>

#include "brisk/compress/calibration.h"
#include "brisk/compress/observed_values.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/move/move.h"

// What a convolution's window sees is cut out of the padded input, a slice for each place of the
// kernel, side by side: then it is a matrix product of rows, too, and the moments are one more
// product, of the rows with themselves.

namespace brisk {
namespace {

constexpr int64_t kMomentBytes = 256 << 20;  ///< held at a time

/// [batch, places..., groups, kernel * inputs / groups] of a convolution's input.
Value windows(Value x, const FusedConvolutionAttributes& fused, const Type& filter,
              const Type& result) {
  const ConvolutionAttributes& c = fused.convolution;
  const int64_t spatial = x.rank() - 2, groups = c.groups,
                inputs = x.shape().size(x.rank() - 1) / groups;
  std::vector<int64_t> low(static_cast<size_t>(x.rank()), 0), high = low;
  std::copy(c.pad_low.begin(), c.pad_low.end(), low.begin() + 1);
  std::copy(c.pad_high.begin(), c.pad_high.end(), high.begin() + 1);
  const Value padded = pad(x, x.builder->scalar(x.dtype(), 0), low, high);
  Shape shape;
  for (int64_t axis = 0; axis <= spatial; ++axis) shape.push_back(result.shape()[axis]);
  shape.push_back(Extent(groups));
  shape.push_back(Extent(inputs));
  int64_t places = 1;
  for (int64_t axis = 0; axis < spatial; ++axis) places *= filter.shape().size(axis);
  std::vector<Value> parts;
  for (int64_t place = 0; place < places; ++place) {
    std::vector<int64_t> starts = {0}, limits = {-1}, steps = {1};
    int64_t rest = place, inner = places;
    for (int64_t axis = 0; axis < spatial; ++axis) {
      const auto i = static_cast<size_t>(axis);
      inner /= filter.shape().size(axis);
      const int64_t start = rest / inner * c.dilations[i];
      rest %= inner;
      starts.push_back(start);
      limits.push_back(start + (result.shape().size(axis + 1) - 1) * c.strides[i] + 1);
      steps.push_back(c.strides[i]);
    }
    starts.push_back(0), limits.push_back(groups * inputs), steps.push_back(1);
    parts.push_back(reshape(slice(padded, starts, limits, steps), shape));
  }
  return parts.size() == 1 ? parts[0] : concatenate(parts, x.rank());
}

/// Summed over the batch, averaged over all other axes but the last `axes`, and the one of groups
/// before them: [groups, k, k].
Value moments_of(Value rows, int64_t axes, bool grouped) {
  const int64_t kept = rows.rank() - axes - (grouped ? 1 : 0);
  std::vector<int64_t> summed(static_cast<size_t>(kept));
  std::iota(summed.begin(), summed.end(), 0);
  DotAttributes attributes = {.lhs_contract = summed, .rhs_contract = summed};
  if (grouped) attributes.lhs_batch = attributes.rhs_batch = {kept};
  double places = 1;
  for (int64_t axis = 1; axis < kept; ++axis)
    places *= static_cast<double>(rows.shape().size(axis));
  int64_t k = 1;
  for (int64_t axis = rows.rank() - axes; axis < rows.rank(); ++axis) k *= rows.shape().size(axis);
  const int64_t groups = grouped ? rows.shape().size(kept) : 1;
  return reshape(dot_general(rows, rows, attributes), {Extent(groups), Extent(k), Extent(k)}) *
         (1 / places);
}

Value second_moments(const Graph& graph, const ProductPlan& product, Value input) {
  const Node& node = graph.node(product.node);
  if (node.op->name != "fused_convolution")
    return moments_of(input, product.contracted_axes, false);
  const auto& attributes = node.attributes.as<FusedConvolutionAttributes>();
  return moments_of(windows(input, attributes, graph.type(node.operands[1]), node.results[0]), 1,
                    true);
}

void visit_some(const Model& folded, std::span<const ProductPlan> products, const Dataset& data,
                int threads, const SecondMomentVisitor& visit) {
  const Graph& graph = folded.program.graph;
  Builder builder(graph.ops(), graph.name());
  std::vector<ValueId> inputs;
  for (const ProductPlan& product : products)
    inputs.push_back(graph.node(product.node).operands[0]);
  const std::vector<Value> values = observed_values(builder, folded.program, inputs);
  std::vector<Builder::Output> outputs;
  for (size_t i = 0; i < products.size(); ++i)
    outputs.push_back({fmt::format("{}:{}", graph.node(products[i].node).label, i),
                       second_moments(graph, products[i], values[i])});
  const Program program = observing(builder, folded.program, outputs);
  const std::vector<Tensor> found =
      mean_results(program, folded.weights, data, threads, BatchResult::sum);
  for (size_t i = 0; i < products.size(); ++i) visit(products[i], found[i]);
}

/// Of a product's moments.
int64_t moment_bytes(const Model& folded, const ProductPlan& product) {
  const Node& node = folded.program.graph.node(product.node);
  const Tensor filter = filter_of(node, product, folded.weights[product.filter]);
  const int64_t rows = filter.num_elements() / std::max<int64_t>(filter.sizes().back(), 1);
  return groups_of(node) * rows * rows * static_cast<int64_t>(sizeof(float));
}

}  // namespace

void for_each_second_moments(const Model& folded, const std::map<NodeId, ProductPlan>& products,
                             const Dataset& data, int threads, const SecondMomentVisitor& visit) {
  std::vector<ProductPlan> some;
  int64_t bytes = 0;
  for (const auto& [id, product] : products) {
    const int64_t more = moment_bytes(folded, product);
    if (!some.empty() && bytes + more > kMomentBytes) {
      visit_some(folded, some, data, threads, visit);
      some.clear();
      bytes = 0;
    }
    some.push_back(product);
    bytes += more;
  }
  if (!some.empty()) visit_some(folded, some, data, threads, visit);
}

}  // namespace brisk
