#include "brisk/backends/cuda/kernels/narrow_plan.h"

#include <algorithm>

#include "brisk/base/rounding.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/fused/fused.h"

namespace brisk::cuda {
namespace {

constexpr int64_t kMostColumns = 112;  // of a tile: a box holds 256 columns of the image
constexpr int64_t kMostKernel = 7;     // as many fragments of the filter fit into registers
constexpr int64_t kStages = 16, kWideStages = 12, kWideGradientStages = 10, kGradientTiles = 4,
                  kMostRaw = 8, kLeastRaw = 4;
constexpr int64_t kMostParts = 1024;
constexpr int64_t kAlignment = 1024, kBarriers = 16;
constexpr int64_t kOfCombining = 64;  // static shared memory

/// The convolution's own attributes, its filter and its result, and what is made of it.
struct Parts {
  ConvolutionAttributes attributes;
  std::vector<int64_t> filter, result;
  NarrowConvolution made;
};

Result<Parts> parts_of(const Node& node, std::span<const Type> operands) {
  const std::string& op = node.op->name;
  Parts parts;
  if (op == "convolution_filter_gradient") {
    const auto& of = node.attributes.as<ConvolutionGradientAttributes>();
    parts = {of.convolution, of.shape.sizes(), operands[1].shape().sizes(), {}};
    parts.made.gradient = true;
    return parts;
  }
  if (op == "fused_convolution") {
    const auto& fused = node.attributes.as<FusedConvolutionAttributes>();
    if (fused.residual) return fail("it adds no residual");
    if (fused.activation != Activation::none && fused.activation != Activation::relu)
      return fail("it is for ReLU and none");
    parts.attributes = fused.convolution;
    parts.made.bias = fused.bias;
    parts.made.relu = fused.activation == Activation::relu;
  } else if (op == "convolution" || op == "convolution_statistics") {
    parts.attributes = node.attributes.as<ConvolutionAttributes>();
    parts.made.sums = op == "convolution_statistics";
  } else {
    return fail("it is for convolutions and their filters' gradients");
  }
  parts.filter = operands[1].shape().sizes();
  parts.result = node.results[0].shape().sizes();
  return parts;
}

}  // namespace

double NarrowConvolution::flops() const {
  return 2.0 * static_cast<double>(images * rows * columns * kFilters * kernel * kernel * channels);
}

Result<NarrowConvolution> narrow_convolution(const Node& node, std::span<const Type> operands,
                                             bool tf32) {
  const Result<Parts> parts = parts_of(node, operands);
  if (!parts) return parts.failure();
  const auto& [attributes, filter, result, made] = *parts;
  const std::vector<int64_t> input = operands[0].shape().sizes();
  NarrowConvolution c = made;
  c.type = operands[0].dtype();
  if (c.type != DType::f16 && c.type != DType::bf16 && c.type != DType::f32)
    return fail("element type {}, but it is for f16, bf16 and TF32", name(c.type));
  if (c.wide() && !tf32) return fail("it would round f32 operands to TF32");
  if (filter.size() != 4) return fail("it is for two spatial axes");
  if (attributes.groups != 1 || std::ranges::max(attributes.dilations) != 1)
    return fail("it takes no groups and no dilation");
  if (std::ranges::count(attributes.strides, 2) != 2) return fail("it is for strides of 2");
  if (filter[3] != NarrowConvolution::kFilters)
    return fail("{} filters, but it is for {}", filter[3], NarrowConvolution::kFilters);
  if (filter[2] > 4) return fail("{} channels, but it is for up to 4", filter[2]);
  if (filter[0] != filter[1] || filter[0] > kMostKernel)
    return fail("a {} x {} filter, but it is for equal sides up to {}", filter[0], filter[1],
                kMostKernel);
  if (std::ranges::min(attributes.pad_low) < 0) return fail("it does not crop the image");
  if (node.results[0].shape().num_elements() == 0 || operands[0].shape().num_elements() == 0)
    return fail("nothing to do");
  c.images = input[0];
  c.height = input[1];
  c.width = input[2];
  c.channels = filter[2];
  c.kernel = filter[0];
  c.top = attributes.pad_low[0];
  c.left = attributes.pad_low[1];
  c.rows = result[1];
  c.columns = result[2];
  if (c.width % 2 != 0) return fail("{} columns, but it takes pairs of them", c.width);
  if (c.row_bytes() % 16 != 0)
    return fail("rows of {} bytes, but copies move multiples of 16", c.row_bytes());
  return c;
}

int64_t NarrowPlan::tile_bytes(const NarrowConvolution& convolution) const {
  return tile * NarrowConvolution::kFilters * byte_size(convolution.type);
}

int64_t NarrowPlan::barriers_at(const NarrowConvolution& convolution) const {
  const int64_t rings = tiles * tile_bytes(convolution) + (stages + repeated) * 2 * pitch +
                        raw * 2 * convolution.row_bytes();
  return std::max(rings, convolution.gradient ? partial_elements(convolution) * 4 : 0);
}

int64_t NarrowPlan::shared_bytes(const NarrowConvolution& convolution) const {
  return kAlignment + barriers_at(convolution) + (stages + tiles + raw) * kBarriers;
}

int64_t NarrowPlan::partial_elements(const NarrowConvolution& convolution) const {
  // Of each of a warpgroup's threads, all sums for two rows of the filter, or four for each row and
  // pair of columns.
  if (convolution.gradient)
    return (convolution.wide() ? steps * 32 : convolution.pairs() * convolution.kernel * 4) * 128;
  return convolution.sums ? 2 * NarrowConvolution::kFilters : 0;
}

Result<NarrowPlan> narrow_plan(const NarrowConvolution& convolution,
                               const DeviceProperties& device) {
  if (device.major != 9 || device.minor != 0)
    return fail("compute capability {}.{}, but its instructions are those of 9.0", device.major,
                device.minor);
  NarrowPlan plan;
  plan.strips = ceil_div(convolution.columns, kMostColumns);
  plan.tile = round_up(ceil_div(convolution.columns, plan.strips), 16);
  plan.steps = ceil_div(convolution.kernel, 2);
  plan.plane = round_up(plan.tile + 2 * convolution.halves() - 1, 4) * 16;
  plan.pitch = convolution.wide() ? 2 * plan.plane : plan.plane;
  plan.units = convolution.images * plan.strips * convolution.rows;
  if (plan.units >= int64_t{1} << 30) return fail("{} rows of the result", plan.units);
  // Training has whole batches, and parts that are slower by themselves. ResNet-50's first layer on
  // one image has 112 rows on 132 multiprocessors of an H100: 6 us instead of 10 and 1.5 of
  // padding.
  if (!convolution.gradient && !convolution.sums && 4 * plan.units < 3 * device.multiprocessors)
    return fail("{} rows of tiles do not fill {} multiprocessors", plan.units,
                device.multiprocessors);
  plan.tiles = convolution.gradient ? kGradientTiles : NarrowPlan::kGroups;
  plan.stages = !convolution.wide()    ? kStages
                : convolution.gradient ? kWideGradientStages
                                       : kWideStages;
  plan.repeated = convolution.gradient && !convolution.wide() ? plan.steps - 1 : 0;
  plan.parts = std::clamp<int64_t>(device.multiprocessors, 1, std::min(plan.units, kMostParts));
  const int64_t room =
      device.shared_bytes_per_block - kOfCombining - plan.shared_bytes(convolution);
  if (room < 0) return fail("it does not fit into shared memory");
  if (!convolution.boxes()) {
    plan.raw = std::min(room / (2 * convolution.row_bytes() + kBarriers), kMostRaw);
    if (plan.raw < kLeastRaw)
      return fail("rows of {} bytes leave too little shared memory", convolution.row_bytes());
  }
  return plan;
}

}  // namespace brisk::cuda
