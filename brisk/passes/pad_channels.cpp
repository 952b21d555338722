#include "brisk/passes/pad_channels.h"

#include <algorithm>
#include <map>

#include "brisk/base/rounding.h"
#include "brisk/ir/rewrite.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/move/move.h"

// An image that several convolutions read (forward, and for the filter's gradient) is padded once.
//
// Of the filter's gradient the engines for four channels are inexact (docs/design/
// cuda_convolutions.md). Where columns are strided by two, pairs of columns are eight channels
// instead: the filter lies over whole pairs, with a column before or behind it whose gradient is
// cut off.

namespace brisk {
namespace {

class Padder {
 public:
  explicit Padder(const LoweringTarget& target)
      : target_(target), steps_(target.channel_steps), tf32_(target.tf32) {}

  std::optional<std::vector<Value>> operator()(Builder& builder, const Node& node,
                                               std::span<const Value> operands) {
    if (is_taken(node, operands)) return std::nullopt;
    if (node.op->name == "convolution") {
      const auto& geometry = node.attributes.as<ConvolutionAttributes>();
      if (!is_narrow(operands[0], geometry)) return std::nullopt;
      const int64_t channels = padded_channels(operands[0]);
      const Value filter = padded(operands[1], operands[1].rank() - 2, channels);
      return std::vector<Value>{convolution(padded_image(builder, operands[0]), filter, geometry)};
    }
    if (node.op->name == "convolution_filter_gradient") {
      const auto& attributes = node.attributes.as<ConvolutionGradientAttributes>();
      if (!is_narrow(operands[0], attributes.convolution)) return std::nullopt;
      if (const auto pairs = column_pairs(operands[0], operands[1], attributes))
        return std::vector<Value>{gradient_of_pairs(builder, operands, attributes, *pairs)};
      std::vector<int64_t> sizes = attributes.shape.sizes();
      const auto axis = static_cast<int64_t>(sizes.size()) - 2;
      const int64_t own =
          std::exchange(sizes[static_cast<size_t>(axis)], padded_channels(operands[0]));
      const Value gradient = convolution_filter_gradient(
          padded_image(builder, operands[0]), operands[1], Shape(sizes), attributes.convolution);
      return std::vector<Value>{slice_axis(gradient, axis, 0, own)};
    }
    return std::nullopt;
  }

 private:
  /// The target has a kernel for the node as it is.
  bool is_taken(const Node& node, std::span<const Value> operands) const {
    if (!target_.takes_composite || !target_.native_composites.contains(node.op->name))
      return false;
    std::vector<Type> types;
    for (const Value& operand : operands) types.push_back(operand.type());
    return target_.takes_composite(node, types);
  }

  /// The smallest of the target's numbers that holds its channels; its own where none is larger.
  int64_t padded_channels(const Value& image) const {
    const int64_t own = image.shape().sizes().back();
    const auto fitting = std::ranges::find_if(steps_, [&](int64_t step) { return step >= own; });
    return fitting == steps_.end() ? own : *fitting;
  }

  bool is_narrow(const Value& image, const ConvolutionAttributes& geometry) const {
    const DType type = image.dtype();
    const bool is_rounded =
        type == DType::f16 || type == DType::bf16 || (type == DType::f32 && tf32_);
    return is_rounded && geometry.groups == 1 &&
           image.shape().sizes().back() < padded_channels(image);
  }

  /// How a filter over single columns of an image lies over pairs of them.
  struct ColumnPairs {
    int64_t before;  ///< columns of the first pair before the filter
    int64_t kernel;  ///< pairs under the filter
    ConvolutionAttributes convolution;
  };

  /// Where the columns' stride is 2 and two columns have as many channels as the last step, their
  /// pairs may be one column of the image: its memory stays as it is.
  std::optional<ColumnPairs> column_pairs(const Value& image, const Value& gradient,
                                          const ConvolutionGradientAttributes& attributes) const {
    ConvolutionAttributes pairs = attributes.convolution;
    const int64_t columns = image.shape().sizes()[image.shape().sizes().size() - 2];
    if (pairs.strides.back() != 2 || pairs.dilations.back() != 1 || columns % 2 != 0 ||
        pairs.pad_low.back() < 0 || 2 * padded_channels(image) != steps_.back())
      return std::nullopt;
    const std::vector<int64_t> filter = attributes.shape.sizes(), result = gradient.shape().sizes();
    ColumnPairs over{pairs.pad_low.back() % 2, 0, {}};
    over.kernel = ceil_div(over.before + filter[filter.size() - 3], 2);
    pairs.strides.back() = 1;
    pairs.pad_low.back() = ceil_div(pairs.pad_low.back(), 2);
    pairs.pad_high.back() =
        result[result.size() - 2] - 1 + over.kernel - columns / 2 - pairs.pad_low.back();
    if (pairs.pad_high.back() < 0) return std::nullopt;
    over.convolution = std::move(pairs);
    return over;
  }

  Value gradient_of_pairs(Builder& builder, std::span<const Value> operands,
                          const ConvolutionGradientAttributes& attributes,
                          const ColumnPairs& pairs) {
    const Value image = padded_image(builder, operands[0]);
    const int64_t channels = padded_channels(operands[0]);
    std::vector<int64_t> image_sizes = image.shape().sizes(), sizes = attributes.shape.sizes();
    const size_t axis = sizes.size() - 3;  // the columns'
    const int64_t columns = sizes[axis], own = sizes[axis + 1];
    image_sizes[image_sizes.size() - 2] /= 2;
    image_sizes.back() *= 2;
    sizes[axis] = pairs.kernel;
    sizes[axis + 1] = 2 * channels;
    const Value gradient = convolution_filter_gradient(
        reshape(image, Shape(image_sizes)), operands[1], Shape(sizes), pairs.convolution);
    sizes[axis] = 2 * pairs.kernel;
    sizes[axis + 1] = channels;
    const auto at = static_cast<int64_t>(axis);
    const Value single = reshape(gradient, Shape(sizes));
    return slice_axis(slice_axis(single, at, pairs.before, pairs.before + columns), at + 1, 0, own);
  }

  /// `axis` has `channels` places.
  static Value padded(const Value& x, int64_t axis, int64_t channels) {
    std::vector<int64_t> low(static_cast<size_t>(x.rank()), 0), high = low;
    high[static_cast<size_t>(axis)] = channels - x.shape().sizes()[static_cast<size_t>(axis)];
    return pad(x, x.builder->scalar(x.dtype(), 0), low, high);
  }

  Value padded_image(Builder& builder, const Value& image) {
    Value& result = images_[image.id];
    if (!result.defined()) result = padded(image, image.rank() - 1, padded_channels(image));
    invariant(result.builder == &builder, "a padded image belongs to another graph");
    return result;
  }

  const LoweringTarget& target_;
  const std::vector<int64_t>& steps_;
  bool tf32_;
  std::map<ValueId, Value> images_;  ///< by what is padded
};

Graph pad_graph(const Graph& graph, const LoweringTarget& target) {
  Padder padder(target);
  return rewrite(
      map_regions(graph, [&](const Graph& region) { return pad_graph(region, target); }),
      [&](Builder& builder, const Node& node, NodeId, std::span<const Value> operands) {
        return padder(builder, node, operands);
      },
      false);
}

}  // namespace

Program pad_channels(Program program, const PassContext& context) {
  if (!context.target.channel_steps.empty())
    program.graph = pad_graph(program.graph, context.target);
  return program;
}

}  // namespace brisk
