#include "brisk/passes/batch_norm/fuse_pools.h"

#include <set>
#include <utility>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/window/pooled_shape.h"
#include "brisk/passes/batch_norm/copy_walk.h"

// Three rewrites in one walk. The pool takes the normalisation along. Each pooled gradient goes to
// one place of the image: the sums of ReLU and gradient over the image are sums over the pooled
// places, of the elements of x that the pool chose, which the pool then hands on besides (found
// before the walk). And dz * scale + x * slope + offset, the image's whole gradient, becomes one op
// that gathers dz itself; the sums that dz's node had given have no reader by then.

namespace brisk {
namespace {

class PoolFuser {
 public:
  PoolFuser(const Graph& graph, const LoweringTarget& target)
      : graph_(graph),
        uses_(graph),
        takes_gradients_(target.native_composites.contains("scale_shift_max_pool_gradient")) {
    if (!takes_gradients_) return;
    for (size_t id = 0; id < graph.nodes().size(); ++id)
      if (const auto pool = pool_before(graph.nodes()[id])) {
        pools_with_sources_.insert(*pool);
        gradients_.insert(static_cast<NodeId>(id));
      }
  }

  Graph run() {
    return rewrite(
        graph_,
        [this](Builder& builder, const Node& node, NodeId id, std::span<const Value> operands) {
          const std::string& op = node.op->name;
          return op == "max_pool"                    ? pool(builder, node, id, operands)
                 : op == "scale_shift_relu_gradient" ? sums(builder, id, operands)
                 : op == "cast" || op == "add"       ? whole(builder, node, operands)
                                                     : std::nullopt;
        },
        false);
  }

 private:
  using Replacement = std::optional<std::vector<Value>>;
  using Place = CopyWalk::Place;

  const Node& producer(ValueId value) const { return graph_.node(value.node); }

  /// A scale_shift with ReLU alone that the pool alone reads.
  const Node* normalisation_of(const Node& pool) const {
    if (!uses_.is_private(pool.operands[0])) return nullptr;
    const Node& normalised = producer(pool.operands[0]);
    if (normalised.op->name != "scale_shift") return nullptr;
    const auto& form = normalised.attributes.as<ScaleShiftAttributes>();
    return form.residual || form.activation != Activation::relu ? nullptr : &normalised;
  }

  /// The pool that a scale_shift_relu_gradient's gradient comes through.
  std::optional<NodeId> pool_before(const Node& node) const {
    if (node.op->name != "scale_shift_relu_gradient" || !uses_.is_private(node.operands[0]))
      return std::nullopt;
    const Node& scattered = producer(node.operands[0]);
    if (scattered.op->name != "max_pool_gradient" ||
        !windows_reach_input(scattered.attributes.as<WindowGradientAttributes>()))
      return std::nullopt;
    const Node& pool = producer(scattered.operands[1]);
    if (pool.op->name != "max_pool") return std::nullopt;
    const Node* normalised = normalisation_of(pool);
    if (normalised == nullptr || !std::equal(normalised->operands.begin(),
                                             normalised->operands.end(), node.operands.begin() + 1))
      return std::nullopt;
    return scattered.operands[1].node;
  }

  Replacement pool(Builder& builder, const Node& node, NodeId id,
                   std::span<const Value> operands) const {
    if (normalisation_of(node) == nullptr) return std::nullopt;
    const std::vector<ValueId> in = builder.node(operands[0].id.node).operands;
    const ScaleShiftMaxPool pool = scale_shift_max_pool(
        {&builder, in[0]}, {&builder, in[1]}, {&builder, in[2]},
        {node.attributes.as<WindowAttributes>(), pools_with_sources_.contains(id)});
    return std::vector<Value>{pool.values, pool.positions};
  }

  Replacement sums(Builder& builder, NodeId id, std::span<const Value> operands) const {
    if (!gradients_.contains(id)) return std::nullopt;
    const std::vector<ValueId> scattered = builder.node(operands[0].id.node).operands;
    const Value gradient{&builder, scattered[0]}, sources{&builder, {scattered[1].node, 2}};
    const Value &x = operands[1], &scale = operands[2], &shift = operands[3];
    const Value dz = scale_shift_relu_gradient(operands[0], x, scale, shift).dz;
    const ScaleShiftGradient at = scale_shift_relu_gradient(gradient, sources, scale, shift);
    return std::vector<Value>{dz, at.sum_x, at.sum};
  }

  Replacement whole(Builder& builder, const Node& node, std::span<const Value> operands) const {
    if (!takes_gradients_) return std::nullopt;
    const Type& type = node.results[0];
    const DType wide = compute_type(type.dtype());
    const CopyWalk walk(builder, graph_, uses_);
    // The last sum's operands: this node's in a long type, else those of what it rounds.
    Place products{operands[0].id, node.operands[0]}, everywhere{};
    if (node.op->name == "cast") {
      const Place sum = products;
      if (!walk.is(sum, "add") || !walk.is_private(sum) || operands[0].dtype() != wide)
        return std::nullopt;
      products = walk.in(sum, 0), everywhere = walk.in(sum, 1);
    } else if (type.dtype() == wide) {
      everywhere = {operands[1].id, node.operands[1]};
    } else {
      return std::nullopt;
    }
    const auto offset = walk.per_channel(everywhere);
    if (!offset || !walk.is(products, "add") || !walk.is_private(products)) return std::nullopt;
    const Place along = walk.in(products, 1), scaled = unrounded(walk, walk.in(products, 0));
    if (!walk.is(along, "multiply") || !walk.is(scaled, "multiply")) return std::nullopt;
    const auto slope = walk.per_channel(walk.in(along, 1));
    const auto scale = walk.per_channel(walk.in(scaled, 1));
    const Place image = walk.uncast(walk.in(along, 0)), dz = walk.uncast(walk.in(scaled, 0));
    if (!slope || !scale || !walk.is(dz, "scale_shift_relu_gradient") || dz.old.result != 0 ||
        !walk.is_private(dz))
      return std::nullopt;
    const Place scattered = walk.in(dz, 0), x = walk.in(dz, 1);
    if (!walk.is(scattered, "max_pool_gradient") || image.at != x.at ||
        scale->at != walk.in(dz, 2).at || walk.value(x).type() != type)
      return std::nullopt;
    return std::vector<Value>{scale_shift_max_pool_gradient(
        walk.value(walk.in(scattered, 0)), walk.value(walk.in(scattered, 1)), walk.value(x),
        walk.value(*scale), walk.value(walk.in(dz, 3)), {walk.value(*slope), walk.value(*offset)},
        walk.producer(scattered).attributes.as<WindowGradientAttributes>())};
  }

  /// Without the rounding to a short type and back.
  static Place unrounded(const CopyWalk& walk, const Place& place) {
    return walk.uncast(walk.uncast(place));
  }

  const Graph& graph_;
  const UseCounts uses_;
  const bool takes_gradients_;
  std::set<NodeId> pools_with_sources_, gradients_;
};

Graph with_fused_pools(const Graph& graph, const LoweringTarget& target) {
  const Graph inside =
      map_regions(graph, [&](const Graph& region) { return with_fused_pools(region, target); });
  return PoolFuser(inside, target).run();
}

}  // namespace

Program fuse_pools(Program program, const PassContext& context) {
  if (context.target.native_composites.contains("scale_shift_max_pool"))
    program.graph = with_fused_pools(program.graph, context.target);
  return program;
}

}  // namespace brisk
