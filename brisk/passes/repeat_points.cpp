#include "brisk/passes/repeat_points.h"

#include <algorithm>
#include <map>
#include <set>

#include "brisk/ir/op.h"
#include "brisk/passes/loop_cost.h"

// Points are judged in topological order, so that of the points before it is known whether they are
// stored. The cone of a point is what must be computed again: itself, what its own loop computes on
// the way but does not store, and points that are repeated already. What the cone reads is stored
// by loops that come before the point's own, or by its own (a fold's result), so repeating never
// makes a cycle: the reader depended on all of them through the point.
//
// Where the whole cone does not pay, its end may: a loop that ends in a cast to f32 should store
// what was cast.

namespace brisk {
namespace {

/// Smaller values stay in the cache between two loops.
constexpr int64_t kSmallElements = 4096;

class Repeater {
 public:
  Repeater(const Graph& graph, const LoopForms& forms, LoopClusters& clusters)
      : graph_(graph), forms_(forms), clusters_(clusters), users_(graph.users()) {
    for (const NamedValue& output : graph.outputs()) outputs_.insert(output.value.node);
    for (NodeId id = 0; id < static_cast<NodeId>(graph.nodes().size()); ++id)
      if (const int cluster = number(id); cluster >= 0)
        for (const ValueId& operand : graph.node(id).operands)
          collect_reads(operand.node, cluster, reads_[cluster]);
  }

  void run() {
    for (NodeId id = 0; id < static_cast<NodeId>(graph_.nodes().size()); ++id) consider(id);
  }

 private:
  int number(NodeId id) const { return clusters_.number[static_cast<size_t>(id)]; }
  const Type& type(NodeId id) const { return graph_.node(id).results[0]; }

  /// What loop `cluster` reads from memory for a value outside of it.
  void collect_reads(NodeId id, int cluster, std::set<NodeId>& reads) const {
    if (number(id) == cluster && forms_.in_loop(id)) return;
    if (!clusters_.is_cloned(forms_, id)) {
      reads.insert(id);
      return;
    }
    for (const ValueId& operand : graph_.node(id).operands)
      collect_reads(operand.node, cluster, reads);
  }

  /// Computed by the loop on the way to something else.
  bool is_private(NodeId id, int cluster) const {
    if (number(id) != cluster || outputs_.contains(id)) return false;
    for (const NodeId user : users_[static_cast<size_t>(id)])
      if (number(user) != cluster) return false;
    return true;
  }

  struct Cone {
    int cost = 0;
    std::set<NodeId> points, reads;
  };

  /// Adds the point and what must be computed before it. Folds are stored by their loop.
  void collect_cone(NodeId id, Cone& cone) const {
    if (cone.cost >= kCostlyPoint || !cone.points.insert(id).second) return;
    cone.cost += loop_cost(graph_, graph_.node(id));
    for (const ValueId& operand : graph_.node(id).operands) {
      const NodeId source = operand.node;
      if (forms_.role(source) == LoopRole::point && type(source).shape() == type(id).shape() &&
          ((is_private(source, number(id)) && !stored_.contains(source)) ||
           clusters_.repeated[static_cast<size_t>(source)]))
        collect_cone(source, cone);
      else
        collect_reads(source, -1, cone.reads);
    }
  }

  void consider(NodeId id) {
    if (forms_.role(id) != LoopRole::point || outputs_.contains(id)) return;
    if (type(id).shape().num_elements() < kSmallElements) return;
    std::set<int> readers;
    for (const NodeId user : users_[static_cast<size_t>(id)]) {
      if (!forms_.in_loop(user)) return;
      if (number(user) != number(id)) readers.insert(number(user));
    }
    if (readers.empty()) return;
    Cone cone;
    collect_cone(id, cone);
    const bool pays = cone.cost < kCostlyPoint && std::ranges::all_of(readers, [&](int reader) {
                        return added_bytes(reader, id, cone) <= bits(type(id).dtype());
                      });
    if (!pays) cone = cone_from_narrower(id);
    for (const NodeId point : cone.points) clusters_.repeated[static_cast<size_t>(point)] = true;
    if (cone.points.empty()) return;
    for (const NodeId read : cone.reads)
      if (number(read) == number(id)) stored_.insert(read);
    for (const int reader : readers) {
      reads_[reader].erase(id);
      reads_[reader].insert(cone.reads.begin(), cone.reads.end());
    }
  }

  /// Where the point's own loop can store something narrower in its place: back from the point as
  /// long as there is one source of full size, of the same loop. Of the narrowest sources the
  /// earliest, so that several points made of it are served by one. No points: there is none.
  Cone cone_from_narrower(NodeId id) const {
    Cone best, cone;
    int64_t narrowest = bits(type(id).dtype()) - 1;
    for (NodeId point = id; point >= 0;) {
      cone.cost += loop_cost(graph_, graph_.node(point));
      if (cone.cost >= kCostlyPoint) break;
      cone.points.insert(point);
      const NodeId source = only_source(point, cone.reads);
      if (source < 0 || number(source) != number(id) ||
          clusters_.repeated[static_cast<size_t>(source)])
        break;
      if (bits(type(source).dtype()) <= narrowest) {
        narrowest = bits(type(source).dtype());
        best = cone;
        best.reads.insert(source);
      }
      point = source;
    }
    return best;
  }

  /// The point's one operand of full size, where it is a point; the others go to `reads`. -1 where
  /// there are several, or none.
  NodeId only_source(NodeId id, std::set<NodeId>& reads) const {
    NodeId only = -1;
    for (const ValueId& operand : graph_.node(id).operands) {
      const NodeId source = operand.node;
      const bool is_point =
          forms_.role(source) == LoopRole::point && type(source).shape() == type(id).shape();
      if (is_point && (only < 0 || only == source)) {
        only = source;
        continue;
      }
      if (is_point) return -1;
      std::set<NodeId> others;
      collect_reads(source, -1, others);
      for (const NodeId other : others)
        if (type(other).shape().num_elements() >= type(id).shape().num_elements()) return -1;
      reads.insert(others.begin(), others.end());
    }
    return only;
  }

  /// Bits for each point that the reader would read and does not read now.
  int64_t added_bytes(int reader, NodeId id, const Cone& cone) const {
    int64_t added = 0;
    for (const NodeId source : cone.reads)
      if (!reads_.at(reader).contains(source) &&
          type(source).shape().num_elements() >= type(id).shape().num_elements())
        added += bits(type(source).dtype());
    return added;
  }

  const Graph& graph_;
  const LoopForms& forms_;
  LoopClusters& clusters_;
  std::vector<std::vector<NodeId>> users_;
  std::set<NodeId> outputs_;
  std::set<NodeId> stored_;  ///< points that their loop stores for what is repeated elsewhere
  std::map<int, std::set<NodeId>> reads_;  ///< of each loop
};

}  // namespace

void repeat_points(const Graph& graph, const LoopForms& forms, LoopClusters& clusters) {
  Repeater(graph, forms, clusters).run();
}

}  // namespace brisk
