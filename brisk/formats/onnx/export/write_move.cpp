#include <algorithm>
#include <limits>
#include <optional>

#include "brisk/formats/onnx/canonical/non_negative.h"
#include "brisk/formats/onnx/export/emitter.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Moves, reductions, index ops and sources, in brisk's own layout.

namespace brisk::onnx {
namespace {

void constant(Emitter& e, const Node& node, NodeId id) {
  e.set_known({id, 0}, "", node.attributes.as<ConstantAttributes>().value);
}

/// A list is a Range, which stays one when it is read; others are what they hold.
void iota(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<IotaAttributes>();
  if (a.shape.rank() == 1) {
    const std::string list =
        e.node("Range",
               {e.scalar(DType::i64, 0), e.scalar(DType::i64, static_cast<double>(a.shape.size(0))),
                e.scalar(DType::i64, 1)});
    const auto type = static_cast<int64_t>(element_type_of(a.dtype));
    return e.set_plain(
        {id, 0}, a.dtype == DType::i64 ? list : e.node("Cast", {list}, {attribute("to", type)}));
  }
  Tensor tensor(a.dtype, a.shape.sizes());
  const std::vector<int64_t> strides = row_major_strides(tensor.sizes());
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    tensor.set(
        i, static_cast<double>(i / strides[static_cast<size_t>(a.axis)] % a.shape.size(a.axis)));
  e.set_known({id, 0}, "", std::move(tensor));
}

void broadcast(Emitter& e, const Node& node, NodeId id) {
  e.set_broadcast({id, 0}, node.operands[0], node.attributes.as<BroadcastAttributes>().axes);
}

void reshape(Emitter& e, const Node& node, NodeId id) {
  e.set_plain({id, 0}, e.reshaped(e.plain(node.operands[0]), e.type({id, 0}).shape()));
}

/// A transpose that is no more than the other layout costs nothing.
void transpose(Emitter& e, const Node& node, NodeId id) {
  const std::vector<int64_t>& permutation = node.attributes.as<TransposeAttributes>().permutation;
  const auto rank = static_cast<int64_t>(permutation.size());
  std::vector<int64_t> last = {0}, first = {0, rank - 1};
  for (int64_t i = 2; i < rank; ++i) last.push_back(i);
  last.push_back(1);
  for (int64_t i = 1; i + 1 < rank; ++i) first.push_back(i);
  if (rank >= 3 && permutation == last) return e.set_first({id, 0}, e.plain(node.operands[0]));
  if (rank >= 3 && permutation == first) return e.set_plain({id, 0}, e.first(node.operands[0]));
  e.set_plain({id, 0}, e.transposed(e.plain(node.operands[0]), permutation));
}

void slice(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<SliceAttributes>();
  std::vector<int64_t> axes, starts, limits, steps;
  const Shape& shape = e.type(node.operands[0]).shape();
  for (size_t i = 0; i < a.starts.size(); ++i) {
    const Extent& extent = shape[static_cast<int64_t>(i)];
    const int64_t step = a.steps.empty() ? 1 : a.steps[i];
    if (extent.is_named()) continue;
    const int64_t limit = a.limits[i] == -1 ? extent.size() : a.limits[i];  // ONNX's -1 is the last
    if (a.starts[i] == 0 && limit == extent.size() && step == 1) continue;
    axes.push_back(static_cast<int64_t>(i));
    starts.push_back(a.starts[i]);
    limits.push_back(limit);
    steps.push_back(step);
  }
  if (axes.empty()) return e.set_plain({id, 0}, e.node("Identity", {e.plain(node.operands[0])}));
  e.set_plain({id, 0}, e.node("Slice", {e.plain(node.operands[0]), e.integers(starts),
                                        e.integers(limits), e.integers(axes), e.integers(steps)}));
}

void pad(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<PadAttributes>();
  std::vector<int64_t> low = a.low, high = a.high;
  const bool first = e.prefers_first({node.operands[0]}) && low.size() >= 3;
  if (first) {  // padding is written in the layout that is there
    std::rotate(low.begin() + 1, low.end() - 1, low.end());
    std::rotate(high.begin() + 1, high.end() - 1, high.end());
  }
  std::vector<int64_t> pads = low;
  pads.insert(pads.end(), high.begin(), high.end());
  const std::string x = first ? e.first(node.operands[0]) : e.plain(node.operands[0]);
  const std::string y = e.node("Pad", {x, e.integers(pads), e.plain(node.operands[1])});
  first ? e.set_first({id, 0}, y) : e.set_plain({id, 0}, y);
}

void concatenate(Emitter& e, const Node& node, NodeId id) {
  int64_t axis = node.attributes.as<AxisAttributes>().axis;
  const int64_t rank = e.type({id, 0}).rank();
  const bool first = e.prefers_first(node.operands) && rank >= 3;
  std::vector<std::string> parts;
  for (const ValueId& operand : node.operands)
    parts.push_back(first ? e.first(operand) : e.plain(operand));
  if (first && axis != 0) axis = axis == rank - 1 ? 1 : axis + 1;
  const std::string y = e.node("Concat", parts, {attribute("axis", axis)});
  first ? e.set_first({id, 0}, y) : e.set_plain({id, 0}, y);
}

void reverse(Emitter& e, const Node& node, NodeId id) {
  const std::vector<int64_t>& axes = node.attributes.as<AxesAttributes>().axes;
  const std::vector<int64_t> back(axes.size(), -1),
      end(axes.size(), std::numeric_limits<int64_t>::min());
  e.set_plain({id, 0}, e.node("Slice", {e.plain(node.operands[0]), e.integers(back),
                                        e.integers(end), e.integers(axes), e.integers(back)}));
}

struct ReduceRow {
  std::string_view op, onnx;
};
constexpr ReduceRow kReductions[] = {{"reduce_sum", "ReduceSum"},   {"reduce_mean", "ReduceMean"},
                                     {"reduce_max", "ReduceMax"},   {"reduce_min", "ReduceMin"},
                                     {"reduce_prod", "ReduceProd"}, {"reduce_any", "ReduceMax"},
                                     {"reduce_all", "ReduceMin"}};

void reduce(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<ReduceAttributes>();
  std::string op;
  for (const ReduceRow& row : kReductions)
    if (row.op == node.op->name) op = row.onnx;
  const bool boolean = e.type({id, 0}).dtype() == DType::boolean;
  // Where the channels are second already, the axes are counted there (only if nothing stays behind
  // that would need its own layout).
  const int64_t rank = e.type(node.operands[0]).rank();
  std::vector<int64_t> axes = a.axes;
  const bool spatial = e.prefers_first({node.operands[0]}) && rank >= 3 &&
                       static_cast<int64_t>(axes.size()) == rank - 2 && axes.front() == 1 &&
                       axes.back() == rank - 2;
  if (spatial)
    for (int64_t& axis : axes) ++axis;
  std::string x = spatial ? e.first(node.operands[0]) : e.plain(node.operands[0]);
  const bool as_integers = boolean && e.opset() < 20;      // since then bool has a maximum
  if (as_integers && op == "ReduceMax") op = "ReduceSum";  // 0 where there is nothing
  if (as_integers)
    x = e.node("Cast", {x}, {attribute("to", static_cast<int64_t>(ElementType::i32))});
  std::vector<AttributeDef> attributes = {attribute("keepdims", int64_t{a.keep_dims ? 1 : 0})};
  std::vector<std::string> inputs = {x};
  if (op == "ReduceSum" || e.opset() >= 18)
    inputs.push_back(e.integers(axes));
  else
    attributes.push_back(attribute("axes", axes));
  std::string y = e.node(op, inputs, attributes);
  if (as_integers)
    y = e.node("Cast", {y}, {attribute("to", static_cast<int64_t>(ElementType::boolean))});
  spatial&& a.keep_dims ? e.set_first({id, 0}, y) : e.set_plain({id, 0}, y);
}

void extreme(Emitter& e, const Node& node, NodeId id) {
  const std::string y =
      e.node(node.op->name == "argmax" ? "ArgMax" : "ArgMin", {e.plain(node.operands[0])},
             {attribute("axis", node.attributes.as<AxisAttributes>().axis),
              attribute("keepdims", int64_t{0})});
  e.set_plain({id, 0},
              e.node("Cast", {y}, {attribute("to", static_cast<int64_t>(e.element({id, 0})))}));
}

void cumulative_sum(Emitter& e, const Node& node, NodeId id) {
  e.set_plain(
      {id, 0},
      e.node("CumSum", {e.plain(node.operands[0]),
                        e.scalar(DType::i64,
                                 static_cast<double>(node.attributes.as<AxisAttributes>().axis))}));
}

/// ONNX counts negative positions from the end; what an importer writes for that,
/// select(i < 0, i + size, i), is i again.
ValueId positions(const Emitter& e, ValueId index, const Extent& size) {
  const Node& choice = e.graph().node(index.node);
  if (choice.op->name != "select" || size.is_named()) return index;
  const auto counted = size_counted_from_end(e.graph(), choice);
  return counted == static_cast<double>(size.size()) ? choice.operands[2] : index;
}
/// Of a node that reads operand 0 along its axis at operand 1.
std::string positions_of(Emitter& e, const Node& node) {
  const int64_t axis = node.attributes.as<AxisAttributes>().axis;
  return e.plain(positions(e, node.operands[1], e.type(node.operands[0]).shape()[axis]));
}

void gather(Emitter& e, const Node& node, NodeId id) {
  e.set_plain({id, 0}, e.node("Gather", {e.plain(node.operands[0]), positions_of(e, node)},
                              {attribute("axis", node.attributes.as<AxisAttributes>().axis)}));
}
void take_along_axis(Emitter& e, const Node& node, NodeId id) {
  e.set_plain({id, 0}, e.node("GatherElements", {e.plain(node.operands[0]), positions_of(e, node)},
                              {attribute("axis", node.attributes.as<AxisAttributes>().axis)}));
}
void put_along_axis_add(Emitter& e, const Node& node, NodeId id) {
  e.set_plain({id, 0},
              e.node("ScatterElements",
                     {e.plain(node.operands[0]), positions_of(e, node), e.plain(node.operands[2])},
                     {attribute("axis", node.attributes.as<AxisAttributes>().axis),
                      attribute("reduction", std::string("add"))}));
}
/// Slices added at positions of the first axis; another axis is brought to the front and back.
void scatter_add(Emitter& e, const Node& node, NodeId id) {
  if (e.type({id, 0}).rank() == 1 && e.type(node.operands[1]).rank() == 1)
    return put_along_axis_add(e, node, id);
  const int64_t axis = node.attributes.as<AxisAttributes>().axis, rank = e.type({id, 0}).rank();
  const int64_t indices_rank = e.type(node.operands[1]).rank();
  std::vector<int64_t> to_front, updates_to_front, back(static_cast<size_t>(rank));
  for (int64_t i = 0; i < indices_rank; ++i) updates_to_front.push_back(axis + i);
  to_front.push_back(axis);
  for (int64_t i = 0; i < rank; ++i) {
    if (i == axis) continue;
    to_front.push_back(i);
    updates_to_front.push_back(i < axis ? i : i + indices_rank - 1);
  }
  for (int64_t i = 0; i < rank; ++i)
    back[static_cast<size_t>(to_front[static_cast<size_t>(i)])] = i;
  const std::string places =
      e.node("Unsqueeze", {positions_of(e, node), e.integers({indices_rank})});
  const std::string wide =
      e.node("Cast", {places}, {attribute("to", static_cast<int64_t>(ElementType::i64))});
  const std::string y = e.node("ScatterND",
                               {e.transposed(e.plain(node.operands[0]), to_front), wide,
                                e.transposed(e.plain(node.operands[2]), updates_to_front)},
                               {attribute("reduction", std::string("add"))});
  e.set_plain({id, 0}, e.transposed(y, back));
}
void embedding(Emitter& e, const Node& node, NodeId id) {
  e.set_plain({id, 0}, e.node("Gather", {e.plain(node.operands[0]), e.plain(node.operands[1])},
                              {attribute("axis", int64_t{0})}));
}
void one_hot(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<OneHotAttributes>();
  // ONNX's knows no bf16, and no index alone.
  const DType type = a.dtype == DType::bf16 ? DType::f32 : a.dtype;
  const Tensor values = Tensor::of<float>({2}, std::vector<float>{0, 1}).cast(type);
  const Type& index = e.type(node.operands[0]);
  std::string at = e.plain(node.operands[0]);
  if (index.rank() == 0) at = e.reshaped(at, {1});
  std::string y = e.node(
      "OneHot", {at, e.scalar(index.dtype(), static_cast<double>(a.depth)), e.constant(values)});
  if (index.rank() == 0) y = e.reshaped(y, {a.depth});
  if (type != a.dtype)
    y = e.node("Cast", {y}, {attribute("to", static_cast<int64_t>(element_type_of(a.dtype)))});
  e.set_plain({id, 0}, y);
}

constexpr WriterRow kWriteMoveRows[] = {
    {"constant", constant},
    {"iota", iota},
    {"broadcast", broadcast},
    {"reshape", reshape},
    {"transpose", transpose},
    {"slice", slice},
    {"pad", pad},
    {"concatenate", concatenate},
    {"reverse", reverse},
    {"argmax", extreme},
    {"argmin", extreme},
    {"cumulative_sum", cumulative_sum},
    {"gather", gather},
    {"take_along_axis", take_along_axis},
    {"scatter_add", scatter_add},
    {"put_along_axis_add", put_along_axis_add},
    {"embedding", embedding},
    {"one_hot", one_hot},
};

}  // namespace

std::span<const WriterRow> move_writers() {
  static const std::vector<WriterRow> kAll = [] {
    std::vector<WriterRow> rows(std::begin(kWriteMoveRows), std::end(kWriteMoveRows));
    for (const ReduceRow& row : kReductions) rows.push_back({row.op, reduce});
    return rows;
  }();
  return kAll;
}

}  // namespace brisk::onnx
