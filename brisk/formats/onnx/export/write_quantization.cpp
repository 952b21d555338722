#include <cmath>

#include "brisk/formats/onnx/export/emitter.h"
#include "brisk/formats/onnx/export/window_attributes.h"
#include "brisk/ops/quantize/quantize_ops.h"
#include "brisk/ops/quantize/weight_only.h"

// Integers as ONNX's tools like them: float ops between DequantizeLinear and QuantizeLinear, which
// a runtime fuses into its integer kernels.
//
// Such kernels want one type for what goes in and what comes out, so every value is u8: one that is
// i8 here has its zero point at 128 there. That is why nothing but these ops and what moves
// elements may read it. A product is rounded before a residual is added. Where it is not so in
// brisk's graph, its steps can tell apart whatever makes a difference after the addition: its range
// follows from those of the residual and of the result, beyond which everything saturates.
//
// Multipliers are what a runtime makes of the file's scales, to the last bit.

namespace brisk::onnx {
namespace {

/// What the integers of a value stand for, as the file has them.
struct Form {
  double scale = 0;
  int64_t zero_point = 0;
};

bool moves_elements(const Node& node) {
  return node.op->name == "max_pool" || node.op->name == "reshape" ||
         node.op->name == "transpose" || node.op->name == "concatenate";
}

Form form_of(const Graph& graph, ValueId value) {
  const DType type = graph.type(value).dtype();
  Form form{.zero_point = type == DType::i8 ? 128 : 0};
  const Node* node = &graph.node(value.node);
  while (moves_elements(*node)) node = &graph.node(node->operands[0].node);
  if (node->op->name == "quantize")
    form.scale = node->attributes.as<QuantizeAttributes>().scale;
  else if (node->op->name == "quantized_convolution")
    form.scale = node->attributes.as<QuantizedConvolutionAttributes>().requantize.scale;
  else if (node->op->name == "quantized_dot")
    form.scale = node->attributes.as<RequantizeAttributes>().scale;
  require(form.scale > 0 && (type == DType::i8 || type == DType::u8),
          "the integers that op '{}'{} gives are not known to ONNX by a scale: quantize the model "
          "anew with this version",
          node->op->name, node->label.empty() ? "" : fmt::format(" of layer '{}'", node->label));
  return form;
}

/// Refused where an op reads the integers as numbers of their own.
void require_fitting_readers(const Emitter& e, ValueId value) {
  for (const Node& node : e.graph().nodes()) {
    if (node.op->name == "dequantize" || node.op->name.starts_with("quantized_")) continue;
    for (const ValueId& operand : node.operands) {
      if (operand != value) continue;
      require(moves_elements(node),
              "the op '{}' reads quantized integers, which brisk does not write to ONNX",
              node.op->name);
      require_fitting_readers(e, {static_cast<NodeId>(&node - e.graph().nodes().data()), 0});
    }
  }
}

std::string quantized(Emitter& e, const std::string& x, const Form& form) {
  return e.node("QuantizeLinear", {x, e.scalar(DType::f32, form.scale),
                                   e.scalar(DType::u8, static_cast<double>(form.zero_point))});
}
std::string dequantized(Emitter& e, const std::string& x, const Form& form) {
  return e.node("DequantizeLinear", {x, e.scalar(DType::f32, form.scale),
                                     e.scalar(DType::u8, static_cast<double>(form.zero_point))});
}
/// The same by channel along `axis`, around 0, or by block of it; `type` is x's.
std::string dequantized_weights(Emitter& e, const std::string& x, const Tensor& scale, DType type,
                                int64_t axis, int64_t block_size = 0) {
  std::vector<AttributeDef> attributes = {attribute("axis", axis)};
  if (block_size > 0) attributes.push_back(attribute("block_size", block_size));
  return e.node("DequantizeLinear",
                {x, e.constant(scale), e.constant(Tensor::zeros(type, scale.sizes()))},
                std::move(attributes));
}

void quantize(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<QuantizeAttributes>();
  require(a.zero_point == 0, "integers with the zero point {} are not written to ONNX",
          a.zero_point);
  const Form form = form_of(e.graph(), {id, 0});
  require_fitting_readers(e, {id, 0});
  const ValueId x = node.operands[0];
  const bool first = e.prefers_first({x});
  const std::string y = quantized(e, first ? e.first(x) : e.plain(x), form);
  first ? e.set_first({id, 0}, y) : e.set_plain({id, 0}, y);
}

void dequantize(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<DequantizeAttributes>();
  Form form = form_of(e.graph(), node.operands[0]);
  form.scale = a.scale;
  form.zero_point += a.zero_point;
  const ValueId x = node.operands[0];
  const bool first = e.prefers_first({x});
  const std::string y = dequantized(e, first ? e.first(x) : e.plain(x), form);
  first ? e.set_first({id, 0}, y) : e.set_plain({id, 0}, y);
}

/// The elements of a weight; refused where it is none.
const Tensor& known(const Emitter& e, ValueId value, const char* what) {
  const Tensor* tensor = e.known(value);
  require(tensor != nullptr, "the {} of the quantized layer '{}' is no weight", what, e.label());
  return *tensor;
}

/// Scales and bias of a quantized product, as ONNX has them.
struct Weights {
  Tensor scale;       ///< of the filter, f32 [channels]
  Tensor bias;        ///< i32 [channels], in units of the sums
  Tensor bias_scale;  ///< f32 [channels]
  Tensor real_bias() const {
    Tensor result(DType::f32, bias.sizes());
    for (int64_t c = 0; c < bias.num_elements(); ++c)
      result.set(c, bias.get(c) * bias_scale.get(c));
    return result;
  }
};

/// The f32 number beside `guess` of which `holds`; `guess` where there is none.
template <typename Predicate>
float beside(double guess, const Predicate& holds) {
  const auto first = static_cast<float>(guess);
  float up = first, down = first;
  for (int i = 0; i < 4; ++i) {
    if (holds(up)) return up;
    if (holds(down)) return down;
    up = std::nextafter(up, INFINITY), down = std::nextafter(down, 0.0f);
  }
  return first;
}

/// `result_scale`: of what the product is rounded to, 1 for floats.
Weights weights_of(const Emitter& e, const Node& node, double input_scale, double result_scale) {
  const Tensor &bias = known(e, node.operands[2], "bias"),
               &multiplier = known(e, node.operands[3], "multiplier");
  const std::vector<int64_t> sizes = bias.sizes();
  Weights weights{Tensor(DType::f32, sizes), Tensor(DType::i32, sizes), Tensor(DType::f32, sizes)};
  for (int64_t c = 0; c < bias.num_elements(); ++c) {
    const double factor = multiplier.get(c);
    const float scale = beside(factor * result_scale / input_scale, [&](float s) {
      return product_multiplier(input_scale, s, result_scale) == factor;
    });
    weights.scale.set(c, scale);
    weights.bias_scale.set(c, scale * input_scale);
    weights.bias.set(c, std::nearbyint(bias.get(c)));
  }
  return weights;
}

/// Of a sum before the residual is added, of values `residual` and `result`.
Form before_residual(const Form& residual, const Form& result, bool rectified) {
  const double most = (255 - static_cast<double>(result.zero_point)) * result.scale,
               of_residual = (255 - static_cast<double>(residual.zero_point)) * residual.scale;
  // result = sum + residual: below and above these, the result is at its ends in any case.
  const double least = rectified ? 0 : -static_cast<double>(result.zero_point) * result.scale,
               low = least - of_residual,
               high = most + static_cast<double>(residual.zero_point) * residual.scale;
  Form form{(high - low) / 255, 0};
  form.zero_point = static_cast<int64_t>(std::nearbyint(-low / form.scale));
  return form;
}

/// The product as integers, before `residual` joins.
Form product_form(const Form& residual, const Form& result, const RequantizeAttributes& a) {
  if (a.product_scale == 0)
    return before_residual(residual, result, a.activation != Activation::none);
  require(a.product_high - a.product_low == 255,
          "a product in integers from {} to {} is not written to ONNX, which has 8 bits for it",
          a.product_low, a.product_high);
  const float scale = beside(a.product_scale * result.scale, [&](float s) {
    return s / static_cast<float>(result.scale) == static_cast<float>(a.product_scale);
  });
  return {scale, -a.product_low};
}

/// What multipliers of a product lead to.
double multiplied_scale(const Emitter& e, const Node& node, NodeId id,
                        const RequantizeAttributes& a) {
  if (a.dtype == DType::f32) return 1;
  const Form result = form_of(e.graph(), {id, 0});
  if (!a.residual || a.product_scale == 0) return result.scale;
  return product_form(form_of(e.graph(), node.operands.back()), result, a).scale;
}

/// From a float product to the result.
std::string finished(Emitter& e, const Node& node, NodeId id, std::string y,
                     const RequantizeAttributes& a, bool first) {
  const bool integers = a.dtype != DType::f32;
  const Form result = integers ? form_of(e.graph(), {id, 0}) : Form{1, 0};
  if (a.residual) {
    const ValueId other = node.operands.back();
    const Form residual = form_of(e.graph(), other);
    const Form sum = product_form(residual, result, a);
    y = e.node("Add", {dequantized(e, quantized(e, y, sum), sum),
                       dequantized(e, first ? e.first(other) : e.plain(other), residual)});
  }
  // A limit beyond the integers is none, and would keep a runtime from its integer kernels.
  const bool limited = a.activation == Activation::relu6 &&
                       (!integers || std::nearbyint(a.limit) < integer_limits(a.dtype).high);
  if (a.activation != Activation::none && !limited) y = e.node("Relu", {y});
  if (limited)
    y = e.node("Clip", {y, e.scalar(DType::f32, 0), e.scalar(DType::f32, a.limit * result.scale)});
  return integers ? quantized(e, y, result) : y;
}

void quantized_convolution(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<QuantizedConvolutionAttributes>();
  const ValueId x = node.operands[0], filter = node.operands[1];
  const Form input = form_of(e.graph(), x);
  const Weights weights =
      weights_of(e, node, input.scale, multiplied_scale(e, node, id, a.requantize));
  const std::string y =
      e.node("Conv",
             {dequantized(e, e.first(x), input),
              dequantized_weights(e, filter_name(e, filter), weights.scale, DType::i8, 0),
              dequantized_weights(e, e.constant(weights.bias), weights.bias_scale, DType::i32, 0)},
             convolution_attributes(e, filter, a.convolution));
  e.set_first({id, 0}, finished(e, node, id, y, a.requantize, true));
}

void quantized_dot(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<RequantizeAttributes>();
  const Form input = form_of(e.graph(), node.operands[0]);
  const Weights weights = weights_of(e, node, input.scale, multiplied_scale(e, node, id, a));
  const std::string x = dequantized(e, e.plain(node.operands[0]), input);
  const std::string w =
      dequantized_weights(e, e.plain(node.operands[1]), weights.scale, DType::i8, 1);
  std::string y;
  if (e.type(node.operands[0]).rank() == 2)
    y = e.node("Gemm", {x, w,
                        dequantized_weights(e, e.constant(weights.bias), weights.bias_scale,
                                            DType::i32, 0)});
  else  // Gemm takes matrices alone
    y = e.node("Add", {e.node("MatMul", {x, w}), e.constant(weights.real_bias())});
  e.set_plain({id, 0}, finished(e, node, id, y, a, false));
}

/// Scales are written as f32, for what DequantizeLinear gives has their type.
void weight_only_dot(Emitter& e, const Node& node, NodeId id) {
  const ValueId lhs = node.operands[0], weights = node.operands[1];
  const int64_t block_size = node.attributes.as<WeightOnlyAttributes>().block_size;
  require(block_size == 0 || e.opset() >= kOpsetOfBlocks,
          "ONNX has scales by block since opset {}, not in {} (--version)", kOpsetOfBlocks,
          e.opset());
  std::string x = e.plain(lhs);
  if (e.type(lhs).dtype() != DType::f32)
    x = e.node("Cast", {x}, {attribute("to", static_cast<int64_t>(ElementType::f32))});
  const Tensor scale = known(e, node.operands[2], "scale").cast(DType::f32);
  e.set_plain(
      {id, 0},
      e.node("MatMul", {x, dequantized_weights(e, e.plain(weights), scale, e.type(weights).dtype(),
                                               block_size > 0 ? 0 : 1, block_size)}));
}

constexpr WriterRow kWriteQuantizationRows[] = {
    {"quantize", quantize},
    {"dequantize", dequantize},
    {"quantized_convolution", quantized_convolution},
    {"quantized_dot", quantized_dot},
    {"weight_only_dot", weight_only_dot},
};

}  // namespace

std::span<const WriterRow> quantization_writers() {
  return kWriteQuantizationRows;
}

}  // namespace brisk::onnx
