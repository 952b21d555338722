#include "brisk/passes/pad_channels.h"

#include <map>

#include "brisk/ir/rewrite.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/move/move.h"

// An image that several convolutions read (forward, and for the filter's gradient) is padded once.

namespace brisk {
namespace {

class Padder {
 public:
  explicit Padder(int64_t channels) : channels_(channels) {}

  std::optional<std::vector<Value>> operator()(Builder& builder, const Node& node,
                                               std::span<const Value> operands) {
    if (node.op->name == "convolution") {
      const auto& geometry = node.attributes.as<ConvolutionAttributes>();
      if (!is_narrow(operands[0], geometry)) return std::nullopt;
      const Value filter = padded(operands[1], operands[1].rank() - 2);
      return std::vector<Value>{convolution(padded_image(builder, operands[0]), filter, geometry)};
    }
    if (node.op->name == "convolution_filter_gradient") {
      const auto& attributes = node.attributes.as<ConvolutionGradientAttributes>();
      if (!is_narrow(operands[0], attributes.convolution)) return std::nullopt;
      std::vector<int64_t> sizes = attributes.shape.sizes();
      const auto axis = static_cast<int64_t>(sizes.size()) - 2;
      const int64_t own = std::exchange(sizes[static_cast<size_t>(axis)], channels_);
      const Value gradient = convolution_filter_gradient(
          padded_image(builder, operands[0]), operands[1], Shape(sizes), attributes.convolution);
      return std::vector<Value>{slice_axis(gradient, axis, 0, own)};
    }
    return std::nullopt;
  }

 private:
  bool is_narrow(const Value& image, const ConvolutionAttributes& geometry) const {
    const bool is_short = image.dtype() == DType::f16 || image.dtype() == DType::bf16;
    return is_short && geometry.groups == 1 && image.shape().sizes().back() < channels_;
  }

  /// `axis` has `channels_` places.
  Value padded(const Value& x, int64_t axis) const {
    std::vector<int64_t> low(static_cast<size_t>(x.rank()), 0), high = low;
    high[static_cast<size_t>(axis)] = channels_ - x.shape().sizes()[static_cast<size_t>(axis)];
    return pad(x, x.builder->scalar(x.dtype(), 0), low, high);
  }

  Value padded_image(Builder& builder, const Value& image) {
    Value& result = images_[image.id];
    if (!result.defined()) result = padded(image, image.rank() - 1);
    invariant(result.builder == &builder, "a padded image belongs to another graph");
    return result;
  }

  int64_t channels_;
  std::map<ValueId, Value> images_;  ///< by what is padded
};

Graph pad_graph(const Graph& graph, int64_t channels) {
  Padder padder(channels);
  return rewrite(
      map_regions(graph, [channels](const Graph& region) { return pad_graph(region, channels); }),
      [&](Builder& builder, const Node& node, NodeId, std::span<const Value> operands) {
        return padder(builder, node, operands);
      },
      false);
}

}  // namespace

Program pad_channels(Program program, const PassContext& context) {
  if (context.target.least_channels > 1)
    program.graph = pad_graph(program.graph, context.target.least_channels);
  return program;
}

}  // namespace brisk
