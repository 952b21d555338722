#include "brisk/formats/onnx/export/emitter.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/source/source.h"

// Elementwise ops, in the layout of their operands.

namespace brisk::onnx {
namespace {

/// Operands in one layout, and where the result goes.
struct Elementwise {
  Emitter& e;
  const Node& node;
  ValueId result;
  bool first;
  std::vector<std::string> x;

  Elementwise(Emitter& emitter, const Node& given, NodeId id)
      : e(emitter), node(given), result{id, 0} {
    first = e.prefers_first(node.operands) && e.type(result).rank() >= 3;
    for (const ValueId& operand : node.operands) x.push_back(e.operand(operand, first));
    // ONNX's result is as wide as its operands: where all of them are broadcasts, one is spread.
    if (!fills_result()) x[0] = first ? e.first(node.operands[0]) : e.plain(node.operands[0]);
  }
  bool fills_result() const {
    const Shape& shape = e.type(result).shape();
    for (int64_t axis = 0; axis < shape.rank(); ++axis) {
      bool filled = shape[axis] == Extent(1);
      for (const ValueId& operand : node.operands) {
        const Node& spread = e.graph().node(operand.node);
        if (spread.op->name != "broadcast") return true;
        const auto& axes = spread.attributes.as<BroadcastAttributes>().axes;
        for (size_t i = 0; i < axes.size(); ++i)
          filled |= axes[i] == axis &&
                    e.type(spread.operands[0]).shape()[static_cast<int64_t>(i)] == shape[axis];
      }
      if (!filled) return false;
    }
    return true;
  }
  DType dtype() const { return e.type(node.operands[0]).dtype(); }
  std::string one(double value) const { return e.scalar(dtype(), value); }
  void give(std::string name) const {
    first ? e.set_first(result, std::move(name)) : e.set_plain(result, std::move(name));
  }
};

/// brisk's op and ONNX's of the same meaning.
struct SameRow {
  std::string_view op, onnx;
};
constexpr SameRow kSame[] = {
    {"negate", "Neg"},
    {"abs", "Abs"},
    {"sign", "Sign"},
    {"exp", "Exp"},
    {"log", "Log"},
    {"sqrt", "Sqrt"},
    {"reciprocal", "Reciprocal"},
    {"sin", "Sin"},
    {"cos", "Cos"},
    {"tan", "Tan"},
    {"tanh", "Tanh"},
    {"erf", "Erf"},
    {"sigmoid", "Sigmoid"},
    {"floor", "Floor"},
    {"ceil", "Ceil"},
    {"round", "Round"},
    {"logical_not", "Not"},
    {"relu", "Relu"},
    {"softplus", "Softplus"},
    {"silu", "Swish"},
    {"mish", "Mish"},
    {"softsign", "Softsign"},
    {"selu", "Selu"},
    {"stop_gradient", "Identity"},
    {"optimization_barrier", "Identity"},
    {"add", "Add"},
    {"subtract", "Sub"},
    {"multiply", "Mul"},
    {"divide", "Div"},
    {"pow", "Pow"},
    {"maximum", "Max"},
    {"minimum", "Min"},
    {"equal", "Equal"},
    {"less", "Less"},
    {"less_equal", "LessOrEqual"},
    {"greater", "Greater"},
    {"greater_equal", "GreaterOrEqual"},
    {"logical_and", "And"},
    {"logical_or", "Or"},
    {"logical_xor", "Xor"},
    {"select", "Where"},
};

void same(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  for (const SameRow& row : kSame)
    if (row.op == node.op->name) return w.give(e.node(std::string(row.onnx), w.x));
}

constexpr SameRow kBitwise[] = {
    {"bitwise_and", "BitwiseAnd"},
    {"bitwise_or", "BitwiseOr"},
    {"bitwise_xor", "BitwiseXor"},
    {"bitwise_not", "BitwiseNot"},
};

void bitwise(Emitter& e, const Node& node, NodeId id) {
  require(e.opset() >= 18, "ONNX has bitwise ops since opset 18, not in {} (--version)", e.opset());
  const Elementwise w(e, node, id);
  for (const SameRow& row : kBitwise)
    if (row.op == node.op->name) return w.give(e.node(std::string(row.onnx), w.x));
}

void shift(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  require(!is_signed(w.dtype()), "ONNX shifts unsigned integers only, not {}", name(w.dtype()));
  const bool left = node.op->name == "shift_left";
  w.give(e.node("BitShift", w.x, {attribute("direction", std::string(left ? "LEFT" : "RIGHT"))}));
}

/// Of a quotient; the whole circle is a formula (canonical/formulas.h).
void arc_tangent(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("Atan", {w.x[0]}));
}

void not_equal(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("Not", {e.node("Equal", w.x)}));
}
void remainder(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("Mod", w.x, {attribute("fmod", int64_t{1})}));
}
void square(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("Mul", {w.x[0], w.x[0]}));
}
void rsqrt(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("Reciprocal", {e.node("Sqrt", w.x)}));
}
void relu6(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("Clip", {w.x[0], w.one(0), w.one(6)}));
}
void clamp(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  const auto& limits = node.attributes.as<ClampAttributes>();
  w.give(e.node("Clip", {w.x[0], w.one(limits.low), w.one(limits.high)}));
}
void leaky_relu(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node(
      "LeakyRelu", w.x,
      {attribute("alpha", static_cast<float>(node.attributes.as<AlphaAttributes>().alpha))}));
}
void elu(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node(
      "Elu", w.x,
      {attribute("alpha", static_cast<float>(node.attributes.as<AlphaAttributes>().alpha))}));
}
void hard_sigmoid(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("HardSigmoid", w.x, {attribute("alpha", 1.0F / 6), attribute("beta", 0.5F)}));
}
void hard_silu(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("HardSwish", w.x));
}
void gelu(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  const bool by_tanh = node.attributes.as<GeluAttributes>().approximate;
  w.give(e.node("Gelu", w.x, {attribute("approximate", std::string(by_tanh ? "tanh" : "none"))}));
}
void fused_multiply_add(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  w.give(e.node("Add", {e.node("Mul", {w.x[0], w.x[1]}), w.x[2]}));
}
/// To 8-bit floats as brisk rounds: beyond the range lies NaN or infinity.
void cast(Emitter& e, const Node& node, NodeId id) {
  const Elementwise w(e, node, id);
  const DType type = e.type({id, 0}).dtype();
  std::vector<AttributeDef> attributes = {
      attribute("to", static_cast<int64_t>(e.element({id, 0})))};
  if (is_floating(type) && bits(type) == 8) {
    attributes.push_back(attribute("saturate", int64_t{0}));
  }
  w.give(e.node("Cast", w.x, std::move(attributes)));
}

constexpr WriterRow kWriteElementwiseRows[] = {
    {"shift_left", shift},
    {"shift_right", shift},
    {"atan2", arc_tangent},
    {"not_equal", not_equal},
    {"remainder", remainder},
    {"square", square},
    {"rsqrt", rsqrt},
    {"relu6", relu6},
    {"clamp", clamp},
    {"leaky_relu", leaky_relu},
    {"elu", elu},
    {"hard_sigmoid", hard_sigmoid},
    {"hard_silu", hard_silu},
    {"gelu", gelu},
    {"fused_multiply_add", fused_multiply_add},
    {"cast", cast},
};

}  // namespace

std::span<const WriterRow> elementwise_writers() {
  static const std::vector<WriterRow> kAll = [] {
    std::vector<WriterRow> rows(std::begin(kWriteElementwiseRows), std::end(kWriteElementwiseRows));
    for (const SameRow& row : kSame) rows.push_back({row.op, same});
    for (const SameRow& row : kBitwise) rows.push_back({row.op, bitwise});
    return rows;
  }();
  return kAll;
}

}  // namespace brisk::onnx
