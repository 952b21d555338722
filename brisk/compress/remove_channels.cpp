#include "brisk/compress/remove_channels.h"

#include <algorithm>
#include <numeric>

#include "brisk/compress/smaller_layer.h"
#include "brisk/ir/mapped_values.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

// Every node is emitted again over smaller operands. Ops infer their results' shapes; those whose
// attributes say shapes or places get new ones.

namespace brisk {
namespace {

/// The indices that each axis keeps.
class Kept {
 public:
  Kept(const UnitTable& units, const std::function<bool(int32_t)>& goes) {
    for (AxisId axis = 0; axis < units.num_axes(); ++axis) {
      std::vector<int64_t>& kept = kept_.emplace_back();
      for (int64_t i = 0; i < units.extent(axis); ++i)
        if (!goes(units.class_of(axis, i))) kept.push_back(i);
      invariant(!kept.empty() || units.extent(axis) == 0, "an axis of {} would lose all of it",
                units.extent(axis));
    }
  }
  const std::vector<int64_t>& of(AxisId axis) const { return kept_[static_cast<size_t>(axis)]; }

  Shape shape(const Shape& shape, const Axes& axes) const {
    Shape result;
    for (size_t i = 0; i < axes.size(); ++i)
      result.push_back(axes[i] < 0 ? shape[static_cast<int64_t>(i)]
                                   : Extent(static_cast<int64_t>(of(axes[i]).size())));
    return result;
  }
  Type type(const Type& type, const Axes& axes) const {
    return type.is_tensor() ? Type(type.dtype(), shape(type.shape(), axes)) : type;
  }

  Tensor tensor(const Tensor& from, const Axes& axes) const {
    std::vector<int64_t> sizes;
    for (const AxisId axis : axes) sizes.push_back(static_cast<int64_t>(of(axis).size()));
    if (sizes == from.sizes()) return from;
    Tensor result(from.dtype(), sizes);
    const std::vector<int64_t> strides = row_major_strides(from.sizes());
    std::vector<int64_t> index(sizes.size(), 0);
    const int64_t bytes = byte_size(from.dtype(), 1);
    for (int64_t i = 0; i < result.num_elements(); ++i) {
      int64_t source = 0;
      for (size_t axis = 0; axis < axes.size(); ++axis)
        source += strides[axis] * of(axes[axis])[static_cast<size_t>(index[axis])];
      std::copy_n(from.bytes() + source * bytes, bytes, result.bytes() + i * bytes);
      for (size_t axis = sizes.size(); axis-- > 0;) {
        if (++index[axis] < sizes[axis]) break;
        index[axis] = 0;
      }
    }
    return result;
  }

 private:
  std::vector<std::vector<int64_t>> kept_;
};

class Rewriter {
 public:
  Rewriter(const Kept& kept, std::vector<std::string>& dissolved)
      : kept_(kept), dissolved_(dissolved) {}

  Graph graph(const Graph& graph, const RegionAxes& region) {
    Builder builder(graph.ops(), graph.name());
    MappedValues mapped(graph.nodes().size());
    for (size_t i = 0; i < graph.inputs().size(); ++i) {
      const NodeId node = graph.inputs()[i];
      mapped[static_cast<size_t>(node)] = {builder.input(
          graph.input_name(i), kept_.type(graph.input_type(i), region.of({node, 0})))};
    }
    for (size_t id = 0; id < graph.nodes().size(); ++id) {
      if (!mapped[id].empty()) continue;
      const Node& node = graph.nodes()[id];
      const std::vector<Value> operands = mapped_operands(node, mapped);
      const LabelScope label(builder, node.label);
      const auto number = static_cast<NodeId>(id);
      mapped[id] =
          node.op->name == "call"
              ? call(builder, node, operands, region.calls.at(number))
              : builder.emit(*node.op, operands, attributes(graph, node, number, operands, region),
                             node.regions);
      for (size_t r = 0; r < node.results.size(); ++r)
        invariant(mapped[id][r].type() ==
                      kept_.type(node.results[r], region.of({number, static_cast<int32_t>(r)})),
                  "[{}] gives {} without the channels that go", node.op->name,
                  mapped[id][r].type().to_string());
    }
    return builder.finish(mapped_outputs(graph, mapped));
  }

 private:
  std::vector<Value> call(Builder& builder, const Node& node, std::span<const Value> operands,
                          const RegionAxes& region) {
    const Graph body = graph(node.regions[0], region);
    const auto& attributes = node.attributes.as<CallAttributes>();
    if (body == node.regions[0]) return builder.emit(*node.op, operands, attributes, {body});
    if (const auto config = smaller_config(attributes, node.regions[0], body))
      return builder.emit(*node.op, operands,
                          CallAttributes{attributes.kind, attributes.name, *config}, {body});
    if (std::find(dissolved_.begin(), dissolved_.end(), attributes.name) == dissolved_.end())
      dissolved_.push_back(attributes.name);
    const LabelScope label(builder, attributes.name);
    return builder.inline_graph(body, operands);
  }

  Attributes attributes(const Graph& graph, const Node& node, NodeId id,
                        std::span<const Value> operands, const RegionAxes& region) const {
    const Shape shape = kept_.shape(node.results[0].shape(), region.of({id, 0}));
    const Attributes& given = node.attributes;
    if (given.is<ShapeAttributes>()) return ShapeAttributes{shape};
    if (given.is<BroadcastAttributes>())
      return BroadcastAttributes{shape, given.as<BroadcastAttributes>().axes};
    if (given.is<ConstantAttributes>())
      return ConstantAttributes{
          kept_.tensor(given.as<ConstantAttributes>().value, region.of({id, 0}))};
    if (given.is<ConvolutionGradientAttributes>())
      return ConvolutionGradientAttributes{given.as<ConvolutionGradientAttributes>().convolution,
                                           shape};
    if (given.is<ConvolutionAttributes>()) {
      ConvolutionAttributes convolution = given.as<ConvolutionAttributes>();
      const Shape& filter = operands[1].shape();
      if (convolution.groups > 1 && filter.size(filter.rank() - 2) == 1 &&
          convolution.groups == channels(graph.type(node.operands[0])))
        convolution.groups = channels(operands[0].type());  // depthwise
      return convolution;
    }
    if (given.is<SliceAttributes>())
      return slice(given.as<SliceAttributes>(), graph.type(node.operands[0]).shape(),
                   region.of(node.operands[0]));
    return given;
  }

  static int64_t channels(const Type& type) { return type.shape().size(type.rank() - 1); }

  /// The same box among the indices that are left.
  SliceAttributes slice(SliceAttributes box, const Shape& from, const Axes& axes) const {
    for (size_t axis = 0; axis < axes.size(); ++axis) {
      if (axes[axis] < 0 || box.steps[axis] != 1) continue;
      const std::vector<int64_t>& kept = kept_.of(axes[axis]);
      const int64_t extent = from.size(static_cast<int64_t>(axis));
      const auto left_below = [&](int64_t index) {
        return std::lower_bound(kept.begin(), kept.end(), index) - kept.begin();
      };
      box.starts[axis] = left_below(box.starts[axis]);
      box.limits[axis] = left_below(box.limits[axis] < 0 ? extent : box.limits[axis]);
    }
    return box;
  }

  const Kept& kept_;
  std::vector<std::string>& dissolved_;
};

}  // namespace

SmallerModel remove_channels(const Model& model, const ChannelUnits& channels,
                             const std::function<bool(int32_t)>& goes) {
  const Kept kept(channels.units, goes);
  SmallerModel result{{model.name, model.program, {}, model.class_names}, {}, {}};
  Program& program = result.model.program;
  program.graph = Rewriter(kept, result.dissolved).graph(model.program.graph, channels.graph);
  for (size_t i = 0; i < program.state.size(); ++i) {
    const Axes& axes = channels.graph.of({model.program.graph.inputs()[i], 0});
    StateEntry& entry = program.state[i];
    entry.type = kept.type(entry.type, axes);
    std::vector<std::vector<int64_t>>& indices = result.kept.emplace_back();
    for (const AxisId axis : axes) indices.push_back(kept.of(axis));
    if (!model.weights.empty()) result.model.weights.push_back(kept.tensor(model.weights[i], axes));
  }
  verify(program);
  return result;
}

}  // namespace brisk
