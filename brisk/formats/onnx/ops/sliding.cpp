#include <algorithm>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/convolution.h"
#include "brisk/formats/onnx/ops/limits.h"
#include "brisk/formats/onnx/ops/sampling.h"
#include "brisk/formats/onnx/ops/values.h"
#include "brisk/formats/onnx/ops/window_geometry.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/index/index.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/source/source.h"

// Sliding blocks that are no convolution: Col2Im adds blocks back into an image, DeformConv reads
// its blocks at places that data moves.

namespace brisk::onnx {
namespace {

/// x [batch, channels * block places, blocks] to [batch, channels, image...]: every element has one
/// fixed place in the padded image, and places add up.
void col2im(Call& c) {
  const Value x = c.in(0);
  const std::vector<int64_t> image = c.known_integers(1), block = c.known_integers(2),
                             ones(image.size(), 1);
  const std::vector<int64_t> dilations = c.integers("dilations", ones),
                             strides = c.integers("strides", ones);
  const std::vector<int64_t> pads = c.integers("pads", std::vector<int64_t>(2 * image.size(), 0));
  require(block.size() == image.size() && dilations.size() == image.size() &&
              strides.size() == image.size() && pads.size() == 2 * image.size(),
          "its block, dilations, strides or pads do not fit {} axes", image.size());
  for (const auto* list : {&image, &block, &dilations, &strides, &pads})
    check_bounded("block", *list);
  std::vector<int64_t> places;
  for (size_t i = 0; i < image.size(); ++i) {
    const int64_t room =
        image[i] + pads[i] + pads[i + image.size()] - dilations[i] * (block[i] - 1) - 1;
    require(room >= 0 && strides[i] > 0, "its block of {} does not fit {}", block[i], image[i]);
    places.push_back(room / strides[i] + 1);
  }
  const int64_t in_block = checked_product(block), blocks = checked_product(places),
                pixels = checked_product(image);
  const int64_t channels = size_of(x, 1) / in_block;
  require(channels * in_block == size_of(x, 1) && size_of(x, 2) == blocks,
          "its input {} does not hold {} blocks of {}", x.shape().to_string(), blocks, in_block);
  check_table("blocks", in_block, blocks);
  std::vector<int64_t> targets;
  for (int64_t within = 0; within < in_block; ++within)
    for (int64_t at = 0; at < blocks; ++at) {
      int64_t a = within, b = at, target = 0, stride = 1;
      bool inside = true;
      for (size_t i = image.size(); i-- > 0;) {
        const int64_t pixel = b % places[i] * strides[i] + a % block[i] * dilations[i] - pads[i];
        inside &= pixel >= 0 && pixel < image[i];
        target += pixel * stride;
        stride *= image[i];
        a /= block[i];
        b /= places[i];
      }
      targets.push_back(inside ? target : pixels);  // a place behind all, which is cut off
    }
  const int64_t images = size_of(x, 0) * channels;
  const Value updates = transpose(reshape(x, {Extent(images), Extent(in_block * blocks)}), {1, 0});
  const Value zeros = filled(c.builder(), x.dtype(), {Extent(pixels + 1), Extent(images)}, 0);
  const Value added = scatter_add(zeros, integer_list(c.builder(), targets), updates, 0);
  Shape result{extent_of(x, 0), Extent(channels)};
  for (const int64_t size : image) result.push_back(Extent(size));
  c.out(reshape(transpose(slice_axis(added, 0, 0, pixels), {1, 0}), result));
}

/// Per offset group the blocks are sampled, [batch, channels of the group, block * places], then
/// contracted with the filter as a convolution of blocks is.
void deform_conv(Call& c) {
  const Value x = c.in(0), filter = c.in(1), offset = c.in(2);
  require(x.rank() == 4, "it moves the blocks of images only, not of rank {}", x.rank());
  const WindowGeometry g = window_geometry(c, spatial_sizes(x), spatial_sizes(filter));
  const int64_t batch = size_of(x, 0), channels = size_of(x, 1), groups = c.integer("group", 1),
                offset_groups = c.integer("offset_group", 1);
  const int64_t block = g.kernel[0] * g.kernel[1], places = g.out[0] * g.out[1],
                filters = size_of(filter, 0);
  require(offset_groups > 0 && channels % offset_groups == 0 && groups > 0 &&
              channels % groups == 0 && filters % groups == 0,
          "{} channels do not divide into {} and {} groups", channels, groups, offset_groups);
  const Value moved = reshape(offset, {batch, offset_groups, block, 2, places});
  const int64_t share = channels / offset_groups;
  std::vector<Value> parts;
  for (int64_t group = 0; group < offset_groups; ++group) {
    std::vector<Value> coordinates;
    for (int64_t axis = 0; axis < 2; ++axis) {
      std::vector<float> base;
      for (int64_t k = 0; k < block; ++k)
        for (int64_t at = 0; at < places; ++at) {
          const int64_t in_block = axis == 0 ? k / g.kernel[1] : k % g.kernel[1],
                        place = axis == 0 ? at / g.out[1] : at % g.out[1];
          const auto a = static_cast<size_t>(axis);
          base.push_back(
              static_cast<float>(place * g.strides[a] - g.low[a] + in_block * g.dilations[a]));
        }
      const Value fixed =
          reshape(real_list(c.builder(), base, x.dtype()), {Extent(1), Extent(block * places)});
      const Value part = slice_axis(slice_axis(moved, 1, group, group + 1), 3, axis, axis + 1);
      coordinates.push_back(reshape(part, {batch, block * places}) + fixed);
    }
    Value read = sampled(slice_axis(x, 1, group * share, (group + 1) * share), coordinates,
                         {});  // [batch, share, block * places]
    if (c.has(4))
      read = read * expand_dims(
                        reshape(slice_axis(reshape(c.in(4), {batch, offset_groups, block * places}),
                                           1, group, group + 1),
                                {batch, block * places}),
                        1);
    parts.push_back(read);
  }
  const Value columns = parts.size() == 1 ? parts[0] : concatenate(parts, 1);
  const int64_t width = channels / groups * block;
  const Value by_group = reshape(columns, {batch, groups, width, places});
  const Value weights = reshape(filter, {groups, filters / groups, width});
  // [groups, batch, filters / groups, places]
  const Value y =
      dot_general(weights, by_group,
                  {.lhs_contract = {2}, .rhs_contract = {2}, .lhs_batch = {0}, .rhs_batch = {1}});
  Value result = reshape(transpose(y, {2, 0, 1, 3}), {batch, filters, g.out[0], g.out[1]});
  if (c.has(3)) result = result + along(c.in(3), 1, 4);
  c.out(result);
}

constexpr OpRow kSlidingRows[] = {
    {"Col2Im", col2im},
    {"DeformConv", deform_conv},
};

}  // namespace

std::span<const OpRow> sliding_ops() {
  return kSlidingRows;
}

}  // namespace brisk::onnx
