#include "brisk/compress/channel_units.h"

#include <algorithm>
#include <set>

#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"

// A walk over the graph, regions of calls included, that gives each value its axes. A rule says
// which axes an op's results have: an operand's own, where an index of one is the same index of the
// other; new ones, joined by hand, where it is another; and which of them cannot lose an index.
//
// Taking a class out is exact where every op that sums over it multiplies with weights that lose it
// too: then the rest is what it would be if those weights were zero. That is why a product's
// contracted axis is held where neither factor is made of weights alone, and why reductions hold
// what they fold.
//
// A reshape that merges or splits axes can hand on the indices of one of the small axes only. Which
// one is decided when all other ops have spoken: the one that leaves the most classes that may go.
// A flattened image's places are held by then, and of a channel shuffle's groups each place is tied
// to that of the other groups.

namespace brisk {
namespace {

constexpr std::string_view kModelInput = "it is an input of the model";
constexpr std::string_view kModelResult = "it is the model's result";
constexpr std::string_view kReshape = "a reshape mixes it with other axes";

/// A reshape of several axes into one, or back.
struct Merge {
  AxisId whole;
  Axes parts;  ///< outermost first
};

class Walk {
 public:
  explicit Walk(ChannelUnits& result) : result_(result), units_(result.units) {}

  /// `axes` and `weights_only` (whether a value depends on weights alone) of the inputs.
  RegionAxes graph(const Graph& graph, const std::vector<Axes>& axes,
                   const std::vector<bool>& weights_only, const std::string& layer);

  void resolve_merges() {
    for (const Merge& merge : merges_) resolve(merge);
  }

 private:
  /// Which index of part `chosen` an index of the whole has.
  int64_t place_in(const Merge& merge, size_t chosen, int64_t index) const {
    for (size_t i = merge.parts.size(); --i > chosen;) index /= units_.extent(merge.parts[i]);
    return index % units_.extent(merge.parts[chosen]);
  }

  /// How many classes of the whole may go if part `chosen` hands its indices on.
  int64_t free_classes(const Merge& merge, size_t chosen) const {
    std::map<int32_t, int32_t> parents;
    const auto find = [&](int32_t number) {
      parents.emplace(number, number);
      while (parents[number] != number) number = parents[number];
      return number;
    };
    std::set<int32_t> held;
    for (int64_t i = 0; i < units_.extent(merge.whole); ++i) {
      const int32_t a = units_.class_of(merge.whole, i),
                    b = units_.class_of(merge.parts[chosen], place_in(merge, chosen, i));
      for (const int32_t number : {a, b})
        if (!units_.pinned(number).empty()) held.insert(number);
      parents[find(a)] = find(b);
    }
    std::set<int32_t> classes, held_classes;
    for (const auto& [number, parent] : std::map(parents)) classes.insert(find(number));
    for (const int32_t number : held) held_classes.insert(find(number));
    return std::ssize(classes) - std::ssize(held_classes);
  }

  void resolve(const Merge& merge) {
    size_t chosen = merge.parts.size();
    int64_t most = 0;
    for (size_t i = 0; i < merge.parts.size(); ++i) {
      if (!units_.is_free(merge.parts[i])) continue;
      const int64_t classes = free_classes(merge, i);
      if (classes > most) chosen = i, most = classes;
    }
    for (size_t i = 0; i < merge.parts.size(); ++i)
      if (i != chosen) units_.pin(merge.parts[i], kReshape);
    if (chosen == merge.parts.size()) return units_.pin(merge.whole, kReshape);
    for (int64_t i = 0; i < units_.extent(merge.whole); ++i)
      units_.join(merge.whole, i, merge.parts[chosen], place_in(merge, chosen, i));
  }

  ChannelUnits& result_;
  UnitTable& units_;
  std::vector<Merge> merges_;
  friend class NodeRule;
};

/// One node's axes from those of its operands.
class NodeRule {
 public:
  NodeRule(Walk& walk, const Graph& graph, const Node& node, std::vector<Axes> in,
           const std::vector<bool>& weights_only, const std::string& layer)
      : walk_(walk),
        units_(walk.units_),
        graph_(graph),
        node_(node),
        in_(std::move(in)),
        weights_only_(weights_only),
        layer_(layer) {}

  std::vector<Axes> results() {
    const std::string& op = node_.op->name;
    if (op == "constant") return {units_.add_axes(node_.results[0].shape())};
    if (op == "batch_norm") return batch_norm();
    if (op == "layer_norm") return layer_norm();
    if (op == "dropout") return {in_[0]};
    if (op == "softmax" || op == "log_softmax" || op == "cumulative_sum") return along_axis();
    if (node_.attributes.is<ReduceAttributes>() &&
        (node_.op->kind == OpKind::reduce || op == "reduce_mean"))
      return reduced();
    if (op == "max_pool" || op == "average_pool") return pooled();
    if (op == "convolution") return convolved();
    if (op == "convolution_input_gradient") return transposed_convolution();
    if (op == "dot_general") return product();
    if (op == "embedding") return looked_up(0);
    if (op == "gather") return looked_up(node_.attributes.as<AxisAttributes>().axis);
    if (op == "broadcast") return broadcast();
    if (op == "reshape") return reshaped();
    if (op == "transpose") return transposed();
    if (op == "slice") return sliced();
    if (op == "pad") return padded();
    if (op == "concatenate") return concatenated();
    if (op == "reverse") return reversed();
    if (node_.op->kind == OpKind::elementwise) return elementwise();
    return held();
  }

 private:
  const Shape& shape(size_t operand) const { return graph_.type(node_.operands[operand]).shape(); }
  const Shape& result_shape() const { return node_.results[0].shape(); }
  std::string why(std::string_view what) const {
    return fmt::format("{} {}", node_.op->name, what);
  }

  /// A new axis that keeps its indices.
  AxisId held_axis(const Extent& extent) {
    if (extent.is_named()) return -1;
    const AxisId axis = units_.add_axis(extent.size());
    units_.pin(axis, why("makes it"));
    return axis;
  }

  /// No rule: all that goes in and comes out keeps its indices.
  std::vector<Axes> held() {
    for (const Axes& axes : in_)
      for (const AxisId axis : axes) units_.pin(axis, why("takes it whole"));
    std::vector<Axes> out;
    for (const Type& type : node_.results) {
      out.emplace_back();
      if (type.is_tensor())
        for (const Extent& extent : type.shape()) out.back().push_back(held_axis(extent));
    }
    return out;
  }

  std::vector<Axes> elementwise() {
    const Axes* first = nullptr;
    for (size_t i = 0; i < in_.size(); ++i) {
      if (shape(i) != result_shape()) {
        for (const AxisId axis : in_[i]) units_.pin(axis, why("takes it whole"));
      } else if (first == nullptr) {
        first = &in_[i];
      } else {
        for (size_t axis = 0; axis < first->size(); ++axis)
          units_.join_axes((*first)[axis], in_[i][axis]);
      }
    }
    return first == nullptr ? held() : std::vector<Axes>(node_.results.size(), *first);
  }

  std::vector<Axes> batch_norm() {
    const AxisId channels = in_[0].back();
    for (size_t i = 1; i < in_.size(); ++i) units_.join_axes(channels, in_[i][0]);
    walk_.result_.scales.push_back(in_[1][0]);
    return {in_[0], {channels}, {channels}};
  }

  std::vector<Axes> layer_norm() {
    const std::vector<int64_t>& axes = node_.attributes.as<LayerNormAttributes>().axes;
    for (size_t i = 0; i < axes.size(); ++i) {
      const AxisId axis = in_[0][static_cast<size_t>(axes[i])];
      units_.pin(axis, why("averages over it"));
      for (size_t operand = 1; operand < in_.size(); ++operand)
        units_.join_axes(axis, in_[operand][i]);
    }
    return {in_[0]};
  }

  std::vector<Axes> along_axis() {
    const auto rank = static_cast<int64_t>(in_[0].size());
    const int64_t axis =
        normalize_axis(node_.attributes.as<AxisAttributes>().axis, rank, node_.op->name);
    units_.pin(in_[0][static_cast<size_t>(axis)], why("sums over it"));
    return {in_[0]};
  }

  std::vector<Axes> reduced() {
    const auto& attributes = node_.attributes.as<ReduceAttributes>();
    Axes out;
    for (size_t axis = 0; axis < in_[0].size(); ++axis) {
      const bool folded = std::find(attributes.axes.begin(), attributes.axes.end(),
                                    static_cast<int64_t>(axis)) != attributes.axes.end();
      if (folded) units_.pin(in_[0][axis], why("folds it"));
      if (!folded)
        out.push_back(in_[0][axis]);
      else if (attributes.keep_dims)
        out.push_back(held_axis(1));
    }
    return {out};
  }

  /// [batch, spatial..., channels] with new spatial axes; `channels` last.
  Axes spatial_result(const Type& type, AxisId channels) {
    const Shape& shape = type.shape();
    Axes out = {in_[0][0]};
    for (int64_t axis = 1; axis + 1 < shape.rank(); ++axis) {
      units_.pin(in_[0][static_cast<size_t>(axis)], why("slides over it"));
      out.push_back(held_axis(shape[axis]));
    }
    out.push_back(channels);
    return out;
  }

  std::vector<Axes> pooled() {
    std::vector<Axes> out;
    for (const Type& type : node_.results) out.push_back(spatial_result(type, in_[0].back()));
    return out;
  }

  void add_producer(AxisId axis) { walk_.result_.producers.push_back({axis, layer_}); }

  /// Spatial axes of a filter stay.
  void hold_kernel(const Axes& filter) {
    for (size_t axis = 0; axis + 2 < filter.size(); ++axis)
      units_.pin(filter[axis], why("slides over it"));
  }

  std::vector<Axes> convolved() {
    const Axes &input = in_[0], &filter = in_[1];
    const int64_t groups = node_.attributes.as<ConvolutionAttributes>().groups;
    if (!weights_only_[1]) return held();
    hold_kernel(filter);
    const AxisId channels = input.back(), in_filter = filter[filter.size() - 2],
                 filters = filter.back();
    add_producer(filters);
    const int64_t of_group = units_.extent(in_filter), made = units_.extent(filters) / groups;
    if (groups == 1) {
      units_.join_axes(channels, in_filter);
    } else if (of_group == 1) {  // depthwise: a group goes with its channel
      for (int64_t f = 0; f < units_.extent(filters); ++f)
        units_.join(filters, f, channels, f / made);
    } else {  // every group loses the same place, so that they stay of one size
      for (int64_t c = 0; c < units_.extent(channels); ++c)
        units_.join(channels, c, in_filter, c % of_group);
      for (int64_t f = 0; f < units_.extent(filters); ++f)
        units_.join(filters, f, filters, f % made);
    }
    return {spatial_result(node_.results[0], filters)};
  }

  std::vector<Axes> transposed_convolution() {
    const Axes &gradient = in_[0], &filter = in_[1];
    if (!weights_only_[1] ||
        node_.attributes.as<ConvolutionGradientAttributes>().convolution.groups != 1)
      return held();
    hold_kernel(filter);
    units_.join_axes(gradient.back(), filter.back());
    const AxisId made = filter[filter.size() - 2];
    add_producer(made);
    return {spatial_result(node_.results[0], made)};
  }

  std::vector<Axes> product() {
    const auto& dot = node_.attributes.as<DotAttributes>();
    const auto is_in = [](const std::vector<int64_t>& axes, size_t axis) {
      return std::find(axes.begin(), axes.end(), static_cast<int64_t>(axis)) != axes.end();
    };
    for (size_t i = 0; i < dot.lhs_contract.size(); ++i) {
      const AxisId lhs = in_[0][static_cast<size_t>(dot.lhs_contract[i])],
                   rhs = in_[1][static_cast<size_t>(dot.rhs_contract[i])];
      units_.join_axes(lhs, rhs);
      if (!weights_only_[0] && !weights_only_[1]) units_.pin(lhs, why("of two activations"));
    }
    Axes out;
    for (size_t i = 0; i < dot.lhs_batch.size(); ++i) {
      out.push_back(in_[0][static_cast<size_t>(dot.lhs_batch[i])]);
      units_.join_axes(out.back(), in_[1][static_cast<size_t>(dot.rhs_batch[i])]);
    }
    const auto add_free = [&](size_t operand, const std::vector<int64_t>& contract,
                              const std::vector<int64_t>& batch) {
      for (size_t axis = 0; axis < in_[operand].size(); ++axis) {
        if (is_in(contract, axis) || is_in(batch, axis)) continue;
        out.push_back(in_[operand][axis]);
        if (weights_only_[operand] && !weights_only_[1 - operand] && out.back() >= 0)
          add_producer(out.back());
      }
    };
    add_free(0, dot.lhs_contract, dot.lhs_batch);
    add_free(1, dot.rhs_contract, dot.rhs_batch);
    return {out};
  }

  std::vector<Axes> looked_up(int64_t axis) {
    axis = normalize_axis(axis, static_cast<int64_t>(in_[0].size()), node_.op->name);
    Axes out;
    for (size_t i = 0; i < in_[0].size(); ++i) {
      if (static_cast<int64_t>(i) != axis) {
        out.push_back(in_[0][i]);
        if (weights_only_[0] && in_[0][i] >= 0) add_producer(in_[0][i]);
        continue;
      }
      units_.pin(in_[0][i], why("looks it up by number"));
      out.insert(out.end(), in_[1].begin(), in_[1].end());
    }
    return {out};
  }

  std::vector<Axes> broadcast() {
    const auto& attributes = node_.attributes.as<BroadcastAttributes>();
    Axes out = units_.add_axes(attributes.shape);
    for (size_t i = 0; i < in_[0].size(); ++i) {
      const int64_t to = attributes.axes[i];
      if (shape(0)[static_cast<int64_t>(i)] == attributes.shape[to])
        out[static_cast<size_t>(to)] = in_[0][i];
      else
        units_.pin(in_[0][i], why("repeats it"));
    }
    return {out};
  }

  std::vector<Axes> reshaped() {
    const Shape &from = shape(0), &to = result_shape();
    for (const Shape* shape : {&from, &to})
      for (const Extent& extent : *shape)
        if (!extent.is_named() && extent.size() == 0) return held();
    Axes out = units_.add_axes(to);
    const auto is_one = [](const Extent& e) { return !e.is_named() && e.size() == 1; };
    int64_t i = 0, j = 0;
    const auto hold_rest = [&] {
      for (; i < from.rank(); ++i) units_.pin(in_[0][static_cast<size_t>(i)], kReshape);
      for (; j < to.rank(); ++j) units_.pin(out[static_cast<size_t>(j)], kReshape);
    };
    while (i < from.rank() || j < to.rank()) {
      if (i < from.rank() && is_one(from[i])) {
        ++i;
      } else if (j < to.rank() && is_one(to[j])) {
        ++j;
      } else if (i == from.rank() || j == to.rank() || from[i].is_named() != to[j].is_named()) {
        hold_rest();
      } else if (from[i].is_named()) {
        ++i, ++j;
      } else {
        Axes sources, targets;
        int64_t before = 1, after = 1;
        do {
          const bool take_source = sources.empty() || (before < after && !targets.empty());
          const Shape& shape = take_source ? from : to;
          int64_t& next = take_source ? i : j;
          if (next == shape.rank() || shape[next].is_named())
            return hold_rest(), std::vector<Axes>{out};
          (take_source ? before : after) *= shape.size(next);
          (take_source ? sources : targets)
              .push_back((take_source ? in_[0] : out)[static_cast<size_t>(next)]);
          ++next;
        } while (targets.empty() || before != after);
        relate(sources, targets, out, j);
      }
    }
    return {out};
  }

  /// `sources` and `targets` hold the same elements; the last target is axis `end` - 1.
  void relate(const Axes& sources, const Axes& targets, Axes& out, int64_t end) {
    if (sources.size() == 1 && targets.size() == 1) {
      out[static_cast<size_t>(end - 1)] = sources[0];
    } else if (targets.size() == 1) {
      walk_.merges_.push_back({targets[0], sources});
    } else if (sources.size() == 1) {
      walk_.merges_.push_back({sources[0], targets});
    } else {
      for (const Axes* axes : {&sources, &targets})
        for (const AxisId axis : *axes) units_.pin(axis, kReshape);
    }
  }

  std::vector<Axes> transposed() {
    Axes out;
    for (const int64_t axis : node_.attributes.as<TransposeAttributes>().permutation)
      out.push_back(in_[0][static_cast<size_t>(axis)]);
    return {out};
  }

  std::vector<Axes> sliced() {
    const auto& attributes = node_.attributes.as<SliceAttributes>();
    Axes out;
    for (size_t axis = 0; axis < in_[0].size(); ++axis) {
      const AxisId from = in_[0][axis];
      const Extent& extent = result_shape()[static_cast<int64_t>(axis)];
      if (from < 0 || units_.extent(from) == extent.size()) {
        out.push_back(from);
      } else if (attributes.steps[axis] != 1) {
        units_.pin(from, why("takes every other of it"));
        out.push_back(held_axis(extent));
      } else {
        out.push_back(units_.add_axis(extent.size()));
        for (int64_t i = 0; i < extent.size(); ++i)
          units_.join(out.back(), i, from, attributes.starts[axis] + i);
      }
    }
    return {out};
  }

  std::vector<Axes> padded() {
    const auto& attributes = node_.attributes.as<PadAttributes>();
    Axes out;
    for (size_t axis = 0; axis < in_[0].size(); ++axis) {
      if (attributes.low[axis] == 0 && attributes.high[axis] == 0 &&
          attributes.interior[axis] == 0) {
        out.push_back(in_[0][axis]);
      } else {
        units_.pin(in_[0][axis], why("widens it"));
        out.push_back(held_axis(result_shape()[static_cast<int64_t>(axis)]));
      }
    }
    return {out};
  }

  std::vector<Axes> concatenated() {
    const auto rank = static_cast<int64_t>(in_[0].size());
    const auto along = static_cast<size_t>(
        normalize_axis(node_.attributes.as<AxisAttributes>().axis, rank, node_.op->name));
    if (result_shape()[static_cast<int64_t>(along)].is_named()) return held();
    Axes out = in_[0];
    for (size_t part = 1; part < in_.size(); ++part)
      for (size_t axis = 0; axis < out.size(); ++axis)
        if (axis != along) units_.join_axes(out[axis], in_[part][axis]);
    out[along] = units_.add_axis(result_shape().size(static_cast<int64_t>(along)));
    int64_t offset = 0;
    for (const Axes& part : in_)
      for (int64_t i = 0; i < units_.extent(part[along]); ++i)
        units_.join(out[along], offset++, part[along], i);
    return {out};
  }

  std::vector<Axes> reversed() {
    for (const int64_t axis : node_.attributes.as<AxesAttributes>().axes)
      units_.pin(in_[0][static_cast<size_t>(axis)], why("turns it around"));
    return {in_[0]};
  }

  Walk& walk_;
  UnitTable& units_;
  const Graph& graph_;
  const Node& node_;
  std::vector<Axes> in_;
  const std::vector<bool>& weights_only_;  ///< by operand
  const std::string& layer_;
};

RegionAxes Walk::graph(const Graph& graph, const std::vector<Axes>& axes,
                       const std::vector<bool>& weights_only, const std::string& layer) {
  RegionAxes region;
  region.values.resize(graph.nodes().size());
  std::vector<bool> of_weights(graph.nodes().size(), false);
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const auto node = static_cast<size_t>(graph.inputs()[i]);
    region.values[node] = {axes[i]};
    of_weights[node] = weights_only[i];
  }
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    if (!region.values[id].empty()) continue;
    const Node& node = graph.nodes()[id];
    std::vector<Axes> in;
    std::vector<bool> in_of_weights;
    for (const ValueId& operand : node.operands) {
      in.push_back(region.of(operand));
      in_of_weights.push_back(of_weights[static_cast<size_t>(operand.node)]);
    }
    if (node.op->name == "call") {
      const std::string& name = node.attributes.as<CallAttributes>().name;
      RegionAxes inside = this->graph(node.regions[0], in, in_of_weights, name);
      for (const NamedValue& output : node.regions[0].outputs())
        region.values[id].push_back(inside.of(output.value));
      region.calls.emplace(static_cast<NodeId>(id), std::move(inside));
    } else {
      region.values[id] = NodeRule(*this, graph, node, std::move(in), in_of_weights,
                                   layer.empty() ? node.label : layer)
                              .results();
    }
    of_weights[id] =
        (!node.operands.empty() || node.op->name == "constant") &&
        std::find(in_of_weights.begin(), in_of_weights.end(), false) == in_of_weights.end();
  }
  return region;
}

}  // namespace

ChannelUnits channel_units(const Program& program) {
  ChannelUnits result;
  std::vector<Axes> axes;
  std::vector<bool> weights_only;
  for (size_t i = 0; i < program.graph.inputs().size(); ++i) {
    axes.push_back(result.units.add_axes(program.graph.input_type(i).shape()));
    weights_only.push_back(i < program.state.size());
    if (!weights_only.back())
      for (const AxisId axis : axes.back()) result.units.pin(axis, kModelInput);
  }
  Walk walk(result);
  result.graph = walk.graph(program.graph, axes, weights_only, "");
  for (size_t i = 0; i < program.graph.outputs().size(); ++i) {
    const Axes& output = result.graph.of(program.graph.outputs()[i].value);
    const auto update = static_cast<int64_t>(i) - program.num_results;
    for (size_t axis = 0; axis < output.size(); ++axis)
      if (update < 0)
        result.units.pin(output[axis], kModelResult);
      else
        result.units.join_axes(
            output[axis],
            axes[static_cast<size_t>(program.updates[static_cast<size_t>(update)])][axis]);
  }
  walk.resolve_merges();
  return result;
}

}  // namespace brisk
