#include "brisk/formats/onnx/export/emitter.h"
#include "brisk/ops/composite/composite.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/window/window.h"

// Convolutions, contractions, pools and normalisations. Filters are weights: they are turned here,
// not in the graph.

namespace brisk::onnx {
namespace {

/// A known tensor with its axes moved.
Tensor permuted(const Tensor& x, const std::vector<int64_t>& permutation) {
  std::vector<int64_t> sizes;
  for (const int64_t axis : permutation) sizes.push_back(x.sizes()[static_cast<size_t>(axis)]);
  Tensor result(x.dtype(), sizes);
  const std::vector<int64_t> from = row_major_strides(x.sizes()), to = row_major_strides(sizes);
  const int64_t width = byte_size(x.dtype());
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    int64_t source = 0;
    for (size_t axis = 0; axis < sizes.size(); ++axis)
      source += i / to[axis] % sizes[axis] * from[static_cast<size_t>(permutation[axis])];
    std::copy_n(x.bytes() + source * width, width, result.bytes() + i * width);
  }
  return result;
}

/// [kernel..., in, out] to [out, in, kernel...], at writing where it can be.
std::string filter(Emitter& e, ValueId value, const std::string& hint) {
  const int64_t rank = e.type(value).rank();
  std::vector<int64_t> permutation = {rank - 1, rank - 2};
  for (int64_t i = 0; i + 2 < rank; ++i) permutation.push_back(i);
  if (const Tensor* tensor = e.known(value))
    return e.constant(permuted(*tensor, permutation), hint);
  return e.transposed(e.plain(value), permutation);
}

std::string weight_name(const Emitter& e, ValueId value) {
  const Node& node = e.graph().node(value.node);
  return node.op->name == "input" ? node.attributes.as<InputAttributes>().name : "filter";
}

std::vector<AttributeDef> window_attributes(const std::vector<int64_t>& kernel,
                                            const std::vector<int64_t>& strides,
                                            const std::vector<int64_t>& low,
                                            const std::vector<int64_t>& high) {
  std::vector<int64_t> pads = low;
  pads.insert(pads.end(), high.begin(), high.end());
  for (const int64_t edge : pads)
    require(edge >= 0, "ONNX's windows do not crop: a padding is {}", edge);
  return {attribute("kernel_shape", kernel), attribute("strides", strides),
          attribute("pads", pads)};
}

void convolution(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<ConvolutionAttributes>();
  const Shape& shape = e.type(node.operands[1]).shape();
  std::vector<int64_t> kernel;
  for (int64_t i = 0; i + 2 < shape.rank(); ++i) kernel.push_back(shape.size(i));
  std::vector<AttributeDef> attributes =
      window_attributes(kernel, a.strides, a.pad_low, a.pad_high);
  attributes.push_back(attribute("dilations", a.dilations));
  attributes.push_back(attribute("group", a.groups));
  const std::string weights = filter(e, node.operands[1], weight_name(e, node.operands[1]));
  e.set_first({id, 0}, e.node("Conv", {e.first(node.operands[0]), weights}, attributes));
}

/// Any contraction as an equation; the common one as MatMul.
void dot_general(Emitter& e, const Node& node, NodeId id) {
  const auto& a = node.attributes.as<DotAttributes>();
  const int64_t left = e.type(node.operands[0]).rank(), right = e.type(node.operands[1]).rank();
  const std::string x = e.plain(node.operands[0]), y = e.plain(node.operands[1]);
  if (a.lhs_batch.empty() && a.lhs_contract == std::vector<int64_t>{left - 1} && right == 2 &&
      a.rhs_contract == std::vector<int64_t>{0} && left >= 2)
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

constexpr WriterRow kWriteLayersRows[] = {
    {"convolution", convolution},   {"dot_general", dot_general}, {"max_pool", max_pool},
    {"average_pool", average_pool}, {"batch_norm", batch_norm},   {"layer_norm", layer_norm},
    {"softmax", softmax},           {"log_softmax", softmax},     {"dropout", dropout},
};

}  // namespace

std::span<const WriterRow> layer_writers() {
  return kWriteLayersRows;
}

}  // namespace brisk::onnx
