#include "brisk/passes/loop_form.h"

#include <algorithm>
#include <bit>
#include <map>

#include "brisk/ir/op.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/passes/loop_cost.h"

// One loop has one iteration space: the shape of its points and of its folds' operands. All folds
// go over the same axes. Points of the folded shape belong to a loop with folds: they are computed
// once per kept index. With rows allowed, a fold or a point of the folded shape may be read again
// at every point through moves that lead to the point's own kept index; the loop then runs over its
// space once per phase: softmax is maximum, sum, quotient.
//
// Later phases read their operands again and compute again what earlier ones computed. Along short
// rows, folded axes innermost, this is free: the row is in the first-level cache and costly lines
// are kept. Otherwise it must be cheaper than storing: few operands, no costly function.

namespace brisk {
namespace {

/// Operands of full size that may be read in several phases: writing and reading an intermediate
/// result moves as much memory as reading three operands.
constexpr int kMostReadAgain = 3;

bool is_loop_type(const Type& type) {
  return type.is_tensor() && bits(type.dtype()) >= 8 && !type.tensor().quantization;
}

bool is_load(const Graph& graph, const Node& node) {
  const OpKind kind = node.op->kind;
  if (node.op->name == "input") return false;
  if (kind == OpKind::source) {
    if (node.op->name == "constant") return node.results[0].shape().num_elements() == 1;
    return node.op->expr_rule != nullptr;
  }
  if (kind != OpKind::move || !node.op->index_map_rule) return false;
  std::vector<Type> operands;
  for (const ValueId& operand : node.operands) operands.push_back(graph.type(operand));
  const InferContext context{*node.op, operands, node.attributes, node.regions};
  return node.op->index_map_rule(context, node.results[0]).has_value();
}

template <typename List, typename T>
bool contains(const List& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

LoopRole loop_role(const Graph& graph, const Node& node) {
  if (node.results.size() != 1 || !is_loop_type(node.results[0])) return LoopRole::none;
  if (!node.results[0].shape().is_static()) return LoopRole::none;
  for (const ValueId& operand : node.operands)
    if (!is_loop_type(graph.type(operand))) return LoopRole::none;
  if (node.op->name == "optimization_barrier") return LoopRole::none;
  if (node.op->kind == OpKind::elementwise && node.op->expr_rule) return LoopRole::point;
  if (node.op->kind == OpKind::reduce && node.op->combiner != ScalarOp::input)
    return LoopRole::fold;
  return is_load(graph, node) ? LoopRole::load : LoopRole::none;
}

LoopForms::LoopForms(const Graph& graph, int64_t longest_row)
    : graph_(graph), longest_row_(longest_row) {
  const size_t count = graph.nodes().size();
  direct_.resize(count);
  behind_loads_.resize(count);
  for (size_t id = 0; id < count; ++id) {
    const Node& node = graph.nodes()[id];
    roles_.push_back(loop_role(graph, node));
    costs_.push_back(roles_[id] == LoopRole::point ? loop_cost(graph, node) : 0);
    for (const ValueId& operand : node.operands) {
      const auto source = static_cast<size_t>(operand.node);
      if (roles_[source] == LoopRole::load) {
        for (const auto* list : {&direct_[source], &behind_loads_[source]})
          behind_loads_[id].insert(behind_loads_[id].end(), list->begin(), list->end());
      } else {
        direct_[id].push_back(operand.node);
      }
    }
  }
}

/// One set of nodes under judgement.
class LoopForms::Candidate {
 public:
  Candidate(const LoopForms& forms, std::span<const NodeId> nodes)
      : forms_(forms), graph_(forms.graph_), nodes_(nodes) {}

  bool fits() {
    if (!find_space() || !place_nodes()) return false;
    for (size_t i = 0; i < nodes_.size(); ++i)
      if (!reads_fit(i)) return false;
    return num_phases() == 1 || pays_in_phases();
  }

 private:
  /// How a member of the set is computed.
  struct Member {
    bool folded = false;  ///< once per kept index: a fold, or a point of the folded shape
    int phase = 0;
  };

  bool is_fold(NodeId id) const { return forms_.role(id) == LoopRole::fold; }

  const Shape& own_space(NodeId id) const {
    const Node& node = graph_.node(id);
    return is_fold(id) ? graph_.type(node.operands[0]).shape() : node.results[0].shape();
  }

  /// Place in the set, or nothing.
  std::optional<size_t> place(NodeId id) const {
    const auto it = std::lower_bound(nodes_.begin(), nodes_.end(), id);
    if (it == nodes_.end() || *it != id) return std::nullopt;
    return static_cast<size_t>(it - nodes_.begin());
  }

  bool find_space() {
    const std::vector<int64_t>* axes = nullptr;
    for (const NodeId id : nodes_) {
      if (!is_fold(id)) continue;
      const auto& own = graph_.node(id).attributes.as<ReduceAttributes>().axes;
      if (axes != nullptr && (*axes != own || !(*shape_ == own_space(id)))) return false;
      axes = &own;
      shape_ = &own_space(id);
    }
    if (shape_ == nullptr) {
      // Without folds the points' one shape; the last one's is as good as any.
      shape_ = &own_space(nodes_.back());
    }
    space_.sizes = shape_->sizes();
    space_.folded.assign(space_.sizes.size(), false);
    if (axes == nullptr) return true;
    has_folds_ = true;
    for (const int64_t axis : *axes) space_.folded[static_cast<size_t>(axis)] = true;
    // A fold of axes of extent 1 has the full shape: a point could not be told from a fold.
    for (size_t a = 0; a < space_.sizes.size(); ++a)
      if (space_.folded[a] && space_.sizes[a] != 1) return true;
    return nodes_.size() == 1;
  }

  bool place_nodes() {
    members_.resize(nodes_.size());
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const NodeId id = nodes_[i];
      members_[i].folded = is_fold(id);
      if (is_fold(id) || graph_.node(id).results[0].shape() == *shape_) continue;
      if (!has_folds_ || !view_of_fold(space_, graph_.node(id).results[0].shape())) return false;
      members_[i].folded = true;
    }
    return true;
  }

  /// Checks what member `i` reads of other members, and finds its phase.
  bool reads_fit(size_t i) {
    const NodeId id = nodes_[i];
    Member& member = members_[i];
    const bool at_points = is_fold(id) || !member.folded;
    for (const NodeId source : forms_.direct(id)) {
      const auto at = place(source);
      if (!at) continue;
      if (members_[*at].folded == at_points) return false;
      member.phase = std::max(member.phase, members_[*at].phase);
    }
    if (std::ranges::none_of(forms_.behind_loads(id),
                             [&](NodeId s) { return place(s).has_value(); }))
      return true;
    // A fold of what is the same at every point, and a point that only spreads a fold, have no
    // form of their own.
    if (forms_.longest_row() == 0 || is_fold(id)) return false;
    const Node& node = graph_.node(id);
    const LoopView view =
        at_points ? view_at_points(space_) : *view_of_fold(space_, node.results[0].shape());
    bool reads_own_points = false;
    for (const ValueId& operand : node.operands) {
      if (forms_.role(operand.node) != LoopRole::load) {
        reads_own_points = true;
        continue;
      }
      if (!load_fits(operand, view, member, at_points)) return false;
      if (!leads_to_member(operand.node) && graph_.node(operand.node).op->name != "constant")
        reads_own_points = true;
    }
    return reads_own_points || !at_points;
  }

  bool leads_to_member(NodeId id) const {
    const auto is_member = [&](NodeId source) { return place(source).has_value(); };
    return std::ranges::any_of(forms_.direct(id), is_member) ||
           std::ranges::any_of(forms_.behind_loads(id), is_member);
  }

  /// Every member behind the load must be known once per kept index and be read at the own one.
  bool load_fits(ValueId value, const LoopView& view, Member& reader, bool at_points) {
    const Node& node = graph_.node(value.node);
    if (forms_.role(value.node) != LoopRole::load) {
      const auto at = place(value.node);
      if (!at) return true;
      if (!members_[*at].folded || view_of_fold(space_, node.results[0].shape()) != view)
        return false;
      reader.phase = std::max(reader.phase, members_[*at].phase + (at_points ? 1 : 0));
      return true;
    }
    if (!leads_to_member(value.node)) return true;
    const auto source = view_through_move(graph_, node, space_, view);
    return source && load_fits(node.operands[0], *source, reader, at_points);
  }

  int num_phases() const {
    int phases = 1;
    for (const Member& member : members_) phases = std::max(phases, member.phase + 1);
    return phases;
  }

  bool pays_in_phases() const {
    int64_t row = 1;
    bool seen_folded = false, seen_kept_after = false, seen_kept = false, seen_folded_after = false;
    for (size_t a = 0; a < space_.sizes.size(); ++a) {
      if (space_.sizes[a] == 1) continue;
      if (space_.folded[a]) {
        row *= space_.sizes[a];
        seen_folded = true;
        seen_folded_after |= seen_kept;
      } else {
        seen_kept = true;
        seen_kept_after |= seen_folded;
      }
    }
    if (!seen_kept_after && row <= forms_.longest_row()) return true;  // rows
    if (seen_kept_after && seen_folded_after) return false;            // neither rows nor columns
    return reading_again_is_cheap();
  }

  bool reading_again_is_cheap() const {
    // In which phases each member of the full space is computed: its own where it is a result, and
    // those of what reads it.
    std::vector<uint64_t> phases(nodes_.size());
    std::vector<bool> is_read(nodes_.size());
    for (size_t i = nodes_.size(); i-- > 0;) {
      if (is_fold(nodes_[i]) || (!members_[i].folded && !is_read[i]))
        phases[i] |= uint64_t{1} << std::min(members_[i].phase, 63);
      if (members_[i].folded && !is_fold(nodes_[i])) continue;
      for (const NodeId source : forms_.direct(nodes_[i])) {
        const auto at = place(source);
        if (!at) continue;
        phases[*at] |= phases[i];
        is_read[*at] = true;
      }
    }
    std::map<NodeId, uint64_t> reads;  // operands of full size
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (members_[i].folded && !is_fold(nodes_[i])) continue;
      if (std::popcount(phases[i]) > 1 &&
          forms_.costs_[static_cast<size_t>(nodes_[i])] >= kCostlyPoint)
        return false;
      for (const auto& list : {forms_.direct(nodes_[i]), forms_.behind_loads(nodes_[i])})
        for (const NodeId source : list)
          if (!place(source)) reads[source] |= phases[i];
    }
    int again = 0;
    for (const auto& [source, in] : reads) {
      const Type& type = graph_.node(source).results[0];
      const bool full = type.is_tensor() && type.shape().num_elements() >= shape_->num_elements();
      again += full && std::popcount(in) > 1;
    }
    return again <= kMostReadAgain;
  }

  const LoopForms& forms_;
  const Graph& graph_;
  std::span<const NodeId> nodes_;
  const Shape* shape_ = nullptr;  ///< of the iteration space
  LoopSpace space_;
  bool has_folds_ = false;
  std::vector<Member> members_;  ///< of nodes_
};

bool LoopForms::fits(std::span<const NodeId> nodes) const {
  return Candidate(*this, nodes).fits();
}

}  // namespace brisk
