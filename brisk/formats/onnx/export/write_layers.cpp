#include <cmath>

#include "brisk/formats/onnx/export/emitter.h"
#include "brisk/formats/onnx/export/integer_convolution.h"
#include "brisk/formats/onnx/export/window_attributes.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/window/window.h"

// Convolutions, contractions, pools and normalisations.

namespace brisk::onnx {
namespace {

/// Writes a convolution; where its layer adds a bias a filter, as an input of the same node.
void give_convolution(Emitter& e, const std::string& op, NodeId id, std::vector<std::string> inputs,
                      const std::vector<AttributeDef>& attributes) {
  const ValueId y{id, 0};
  const NodeId reader = e.only_reader(y);
  if (reader >= 0) {
    const Node& sum = e.graph().node(reader);
    if (sum.op->name == "add" && sum.operands[0] == y && sum.label == e.label()) {
      const Node& spread = e.graph().node(sum.operands[1].node);
      const std::vector<int64_t> channels = {e.type(y).rank() - 1};
      if (spread.op->name == "broadcast" &&
          spread.attributes.as<BroadcastAttributes>().axes == channels &&
          e.type(spread.operands[0]).shape()[0] == e.type(y).shape()[channels[0]] &&
          e.graph().node(spread.operands[0].node).op->name == "input") {
        inputs.push_back(e.plain(spread.operands[0]));
        e.absorb(reader);
        return e.set_first({reader, 0}, e.node(op, inputs, attributes));
      }
    }
  }
  e.set_first(y, e.node(op, inputs, attributes));
}

void convolution(Emitter& e, const Node& node, NodeId id) {
  const std::vector<AttributeDef> attributes =
      convolution_attributes(e, node.operands[1], node.attributes.as<ConvolutionAttributes>());
  if (is_integer(e.type({id, 0}).dtype()))
    return e.set_first({id, 0},
                       e.node("ConvInteger", integer_convolution_inputs(e, node), attributes));
  give_convolution(e, "Conv", id, {e.first(node.operands[0]), filter_name(e, node.operands[1])},
                   attributes);
}

void transposed_convolution(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<ConvolutionGradientAttributes>().convolution;
  const std::vector<int64_t> kernel = kernel_sizes(e, node.operands[1]);
  const Shape &from = e.type(node.operands[0]).shape(), &to = e.type({id, 0}).shape();
  std::vector<int64_t> high = a.pad_high, extra;
  for (size_t i = 0; i < kernel.size(); ++i) {
    const auto axis = static_cast<int64_t>(i) + 1;
    const int64_t reach =
        a.strides[i] * (from.size(axis) - 1) + (kernel[i] - 1) * a.dilations[i] + 1;
    if (high[i] < 0) high[i] = 0;  // the places beyond the windows are padding of the result
    extra.push_back(to.size(axis) - (reach - a.pad_low[i] - high[i]));
    require(extra.back() >= 0, "ONNX's transposed convolution does not crop its result by {}",
            -extra.back());
  }
  std::vector<AttributeDef> attributes = window_attributes(kernel, a.strides, a.pad_low, high);
  attributes.push_back(attribute("dilations", a.dilations));
  attributes.push_back(attribute("group", a.groups));
  attributes.push_back(attribute("output_padding", extra));
  give_convolution(e, "ConvTranspose", id,
                   {e.first(node.operands[0]), filter_name(e, node.operands[1])}, attributes);
}

/// Any contraction as an equation; the common one as MatMul.
void dot_general(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<DotAttributes>();
  const int64_t left = e.type(node.operands[0]).rank(), right = e.type(node.operands[1]).rank();
  const std::string x = e.plain(node.operands[0]), y = e.plain(node.operands[1]);
  const auto batches = static_cast<int64_t>(a.lhs_batch.size());
  bool leading = a.lhs_batch == a.rhs_batch;
  for (int64_t i = 0; i < batches; ++i) leading &= a.lhs_batch[static_cast<size_t>(i)] == i;
  const bool matrices =
      batches == 0 ? right == 2 && left >= 2 : left == batches + 2 && right == batches + 2;
  if (leading && matrices && a.lhs_contract == std::vector<int64_t>{left - 1} &&
      a.rhs_contract == std::vector<int64_t>{batches})
    return e.set_plain({id, 0}, e.node("MatMul", {x, y}));
  std::string lhs(static_cast<size_t>(left), ' '), rhs(static_cast<size_t>(right), ' '), out;
  char next = 'a';
  for (size_t i = 0; i < a.lhs_batch.size(); ++i) {
    lhs[static_cast<size_t>(a.lhs_batch[i])] = rhs[static_cast<size_t>(a.rhs_batch[i])] = next;
    out.push_back(next++);
  }
  for (size_t i = 0; i < a.lhs_contract.size(); ++i)
    lhs[static_cast<size_t>(a.lhs_contract[i])] = rhs[static_cast<size_t>(a.rhs_contract[i])] =
        next++;
  for (std::string* term : {&lhs, &rhs})
    for (char& letter : *term)
      if (letter == ' ') out.push_back(letter = next++);
  e.set_plain({id, 0}, e.node("Einsum", {x, y},
                              {attribute("equation", fmt::format("{},{}->{}", lhs, rhs, out))}));
}

void max_pool(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<WindowAttributes>();
  e.set_first({id, 0}, e.node("MaxPool", {e.first(node.operands[0])},
                              window_attributes(a.window, a.strides, a.pad_low, a.pad_high)));
}

void average_pool(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<AveragePoolAttributes>();
  std::vector<AttributeDef> attributes =
      window_attributes(a.window.window, a.window.strides, a.window.pad_low, a.window.pad_high);
  attributes.push_back(attribute("count_include_pad", int64_t{a.count_padding ? 1 : 0}));
  e.set_first({id, 0}, e.node("AveragePool", {e.first(node.operands[0])}, attributes));
}

void batch_norm(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<BatchNormAttributes>();
  const int64_t rank = e.type(node.operands[0]).rank();
  std::vector<std::string> inputs = {rank >= 3 ? e.first(node.operands[0])
                                               : e.plain(node.operands[0])};
  for (size_t i = 1; i < 5; ++i) inputs.push_back(e.plain(node.operands[i]));
  const std::string y = e.node("BatchNormalization", inputs,
                               {attribute("epsilon", static_cast<float>(a.epsilon)),
                                attribute("momentum", static_cast<float>(a.momentum))});
  rank >= 3 ? e.set_first({id, 0}, y) : e.set_plain({id, 0}, y);
  // The moving statistics come back as they went in.
  e.set_plain({id, 1}, inputs[3]);
  e.set_plain({id, 2}, inputs[4]);
}

void layer_norm(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<LayerNormAttributes>();
  const int64_t rank = e.type(node.operands[0]).rank();
  for (size_t i = 0; i < a.axes.size(); ++i)
    require(a.axes[i] == rank - static_cast<int64_t>(a.axes.size() - i),
            "ONNX normalises the last axes only");
  e.set_plain({id, 0}, e.node("LayerNormalization",
                              {e.plain(node.operands[0]), e.plain(node.operands[1]),
                               e.plain(node.operands[2])},
                              {attribute("axis", a.axes.front()),
                               attribute("epsilon", static_cast<float>(a.epsilon))}));
}

void softmax(Emitter& e, const Node& node, NodeId id) {
  e.set_plain({id, 0}, e.node(node.op->name == "softmax" ? "Softmax" : "LogSoftmax",
                              {e.plain(node.operands[0])},
                              {attribute("axis", node.attributes.as<AxisAttributes>().axis)}));
}

void dropout(Emitter& e, const Node& node, NodeId id) {
  const bool first = e.prefers_first({node.operands[0]});
  const std::string y =
      e.node("Identity", {first ? e.first(node.operands[0]) : e.plain(node.operands[0])});
  first ? e.set_first({id, 0}, y) : e.set_plain({id, 0}, y);
}

/// Heads stand at axis 1 in ONNX.
void attention(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<AttentionAttributes>();
  require(!e.is_read({id, 1}), "ONNX's attention does not give its statistics");
  const std::vector<int64_t> exchanged = {0, 2, 1, 3};
  std::vector<std::string> inputs;
  for (size_t i = 0; i < 3; ++i)
    inputs.push_back(e.transposed(e.plain(node.operands[i]), exchanged));
  const size_t num_keys =
      a.dropout > 0 ? 1 : 0;  // of random numbers, which inference does not draw
  if (node.operands.size() > 3 + num_keys) inputs.push_back(e.plain(node.operands[3]));
  std::vector<AttributeDef> attributes;
  if (a.is_causal) attributes.push_back(attribute("is_causal", int64_t{1}));
  const auto size = static_cast<double>(e.type(node.operands[0]).shape().size(3));
  if (a.scale != 1 / std::sqrt(size))
    attributes.push_back(attribute("scale", static_cast<float>(a.scale)));
  e.set_plain({id, 0}, e.transposed(e.node("Attention", inputs, attributes), exchanged));
}

constexpr WriterRow kWriteLayersRows[] = {
    {"convolution", convolution},
    {"convolution_input_gradient", transposed_convolution},
    {"dot_general", dot_general},
    {"max_pool", max_pool},
    {"average_pool", average_pool},
    {"batch_norm", batch_norm},
    {"layer_norm", layer_norm},
    {"softmax", softmax},
    {"log_softmax", softmax},
    {"dropout", dropout},
    {"dot_product_attention", attention},
};

}  // namespace

std::span<const WriterRow> layer_writers() {
  return kWriteLayersRows;
}

}  // namespace brisk::onnx
