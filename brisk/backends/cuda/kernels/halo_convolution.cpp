#include "brisk/backends/cuda/kernels/halo_convolution.h"

#include <algorithm>

#include "brisk/backends/cuda/kernels/halo_plan.h"
#include "brisk/backends/cuda/kernels/halo_text.h"
#include "brisk/backends/cuda/kernels/pointwise_product.h"
#include "brisk/backends/cuda/kernels/shared_kernel.h"
#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/backends/cuda/tensor_map.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/fused/fused.h"

// convolution_statistics: operands input, filter; results y, sum, sum of squares.
// input_gradient_scale_shift: operands result gradient, filter, x, scale, shift; results dz, sum of
// dz x, sum of dz. fused_convolution: operands input, filter, [bias].

namespace brisk::cuda {
namespace {

// Operations a byte beyond which the library's kernels, which are better at multiplying and worse
// at what is around it, are as fast. On an H100 at batch 256 in f16, cuDNN's -> this one, us:
// forward 56 x 56 of 64 channels (288 a byte) 152 -> 93, 28 x 28 of 128 (576) 100 -> 98, 14 x 14 of
// 256 (1152) 80 -> 98; gradients 56 x 56 (192) 209 -> 119, 28 x 28 (384) 139 -> 107, 14 x 14 (768)
// 107 -> 105; behind a stride of 2, 56 x 56 of 128 (128) 268 -> 190, 28 x 28 of 256 (256) 180 ->
// 148.
constexpr double kMostIntensity = 600;
/// With a bias instead of the sums: 56 x 56, 142 -> 90 (batch 32: 24 -> 15); 28 x 28, 88.
constexpr double kMostIntensityWithoutSums = 400;

class HaloLaunch final : public Launch {
 public:
  HaloLaunch(const HaloConvolution& convolution, const HaloPlan& plan,
             const PrepareContext& context)
      : convolution_(convolution), plan_(plan) {
    const size_t number = context.code.add({"halo_convolution", halo_text(convolution_, plan_)});
    kernel_ = SharedKernel(number, plan_.blocks(), HaloPlan::kThreads,
                           plan_.shared_bytes(convolution_.width));
  }

  void load(const CodeLibrary& code) override { kernel_.load(code); }

  void enqueue(const LaunchArguments& arguments) override {
    const bool gradient = convolution_.gradient;
    std::vector<TensorMap> maps = {map_of_input(arguments.operands[0]),
                                   map_of_filter(arguments.operands[1])};
    if (gradient) maps.push_back(map_of_result(arguments.operands[2]));
    maps.push_back(map_of_result(arguments.results[0]));
    std::vector<DeviceAddress> addresses;
    const auto add = [&](DeviceAddress address) { addresses.push_back(address); };
    if (gradient) add(arguments.operands[3]), add(arguments.operands[4]);
    if (convolution_.bias) add(arguments.operands[2]);
    if (convolution_.sums) {
      add(arguments.results[1]), add(arguments.results[2]);
      add(arguments.workspace), add(arguments.counters);
    }
    std::vector<void*> pointers;
    for (TensorMap& map : maps) pointers.push_back(&map);
    for (DeviceAddress& address : addresses) pointers.push_back(&address);
    kernel_.enqueue(pointers, arguments.stream);
  }

  int64_t workspace_bytes() const override {
    return convolution_.sums ? 2 * plan_.parts * convolution_.columns() * 4 : 0;
  }
  int64_t counter_bytes() const override { return convolution_.sums ? plan_.chunks * 4 : 0; }
  bool stores_in_bulk() const override { return true; }
  std::string name() const override {
    return fmt::format("nvrtc/{}/{}x{}x{}x{}x{}{}/wgmma", convolution_.op, convolution_.images,
                       convolution_.height, convolution_.width, convolution_.channels,
                       convolution_.filters, convolution_.stride == 1 ? "" : "/stride 2");
  }
  double flops() const override { return convolution_.flops(); }

 private:
  TensorMap map_of_input(DeviceAddress address) const {
    const HaloConvolution& c = convolution_;
    return make_tensor_map(address, byte_size(c.type), {c.depth(), c.width, c.height, c.images},
                           {64, plan_.pitch, plan_.lines + 2, 1});
  }
  TensorMap map_of_filter(DeviceAddress address) const {
    const HaloConvolution& c = convolution_;
    return make_tensor_map(
        address, byte_size(c.type),
        c.ordered ? std::vector{9 * c.channels, c.filters} : std::vector{c.filters, 9 * c.channels},
        {64, 64});
  }
  /// Places that lie `stride` apart on both axes, one of each pair's two being an axis of its own.
  TensorMap map_of_result(DeviceAddress address) const {
    const HaloConvolution& c = convolution_;
    return make_tensor_map(address, byte_size(c.type),
                           {c.columns(), c.stride, c.width, c.stride, c.images * c.height},
                           {64, 1, c.width, 1, plan_.lines});
  }

  HaloConvolution convolution_;
  HaloPlan plan_;
  SharedKernel kernel_;
};

/// Strides and padding, the image that the convolution reads, and its result.
Result<HaloConvolution> geometry_of(const ConvolutionAttributes& attributes, const Shape& image,
                                    const Shape& result, bool gradient) {
  if (image.rank() != 4) return fail("it is for two spatial axes");
  if (attributes.groups != 1 || !all_are(attributes.dilations, 1))
    return fail("it takes no groups and no dilation");
  HaloConvolution convolution;
  convolution.gradient = gradient;
  convolution.stride = attributes.strides[0];
  if (!all_are(attributes.strides, convolution.stride) || convolution.stride > (gradient ? 2 : 1))
    return fail("strides, of which it takes 2 of both axes in an input gradient");
  for (const size_t axis : {0, 1}) {
    const int64_t pad = attributes.pad_low[axis], extent = result.size(axis + 1);
    if (pad < 0 || pad > 1 || (convolution.stride == 1 && pad != 1) ||
        image.size(axis + 1) != extent * convolution.stride)
      return fail("padding that leaves other extents than the image's divided by the stride");
    convolution.pad[axis] = pad;
  }
  convolution.images = result.size(0);
  convolution.height = result.size(1);
  convolution.width = result.size(2);
  return convolution;
}

Result<HaloConvolution> with_epilogue(Result<HaloConvolution> convolution,
                                      const FusedConvolutionAttributes& fused) {
  if (!convolution) return convolution;
  if (fused.residual) return fail("it adds no residual");
  const Result<std::string> end = activated_sum(fused.activation);
  if (!end) return end.failure();
  convolution->sums = false;
  convolution->bias = fused.bias;
  convolution->epilogue = *end;
  return convolution;
}

std::optional<std::string> refuse(const KernelRequest& request) {
  const auto convolution = halo_convolution(request.node, request.operands, request.device);
  if (!convolution) return convolution.error();
  return std::nullopt;
}

std::unique_ptr<Launch> prepare(const KernelRequest& request, const PrepareContext& context) {
  HaloConvolution convolution =
      halo_convolution(request.node, request.operands, request.device).value();
  convolution.ordered = request.ordered_filter;
  return std::make_unique<HaloLaunch>(convolution, halo_plan(convolution, request.device).value(),
                                      context);
}

}  // namespace

double HaloConvolution::flops() const {
  return 2.0 * 9.0 * static_cast<double>(images * height * width) *
         static_cast<double>(channels * filters);
}

double HaloConvolution::bytes() const {
  const int64_t results = gradient ? 2 * stride * stride : 1;  // with what the epilogue reads
  return static_cast<double>(images * height * width * byte_size(type)) *
         static_cast<double>(depth() + results * columns());
}

Result<HaloConvolution> halo_convolution(const Node& node, std::span<const Type> operands,
                                         const DeviceProperties& device) {
  if (device.major != 9 || device.minor != 0)
    return fail("compute capability {}.{}, but its instructions are those of 9.0", device.major,
                device.minor);
  const DType type = operands[0].dtype();
  if (type != DType::f16 && type != DType::bf16)
    return fail("element type {}, but it is for f16 and bf16", brisk::name(type));
  const Shape &filter = operands[1].shape(), &read = operands[0].shape();
  const Shape& written = node.results[0].shape();
  if (written.num_elements() == 0) return fail("an extent is 0");
  const std::string& op = node.op->name;
  auto convolution =
      op == "input_gradient_scale_shift"
          ? geometry_of(node.attributes.as<ConvolutionGradientAttributes>().convolution, written,
                        read, true)
      : op == "fused_convolution"
          ? with_epilogue(geometry_of(node.attributes.as<FusedConvolutionAttributes>().convolution,
                                      read, written, false),
                          node.attributes.as<FusedConvolutionAttributes>())
          : geometry_of(node.attributes.as<ConvolutionAttributes>(), read, written, false);
  if (!convolution) return convolution;
  if (filter.size(0) != 3 || filter.size(1) != 3)
    return fail("a {} x {} filter, but it is for 3 x 3", filter.size(0), filter.size(1));
  convolution->op = op;
  convolution->type = type;
  convolution->channels = filter.size(2);
  convolution->filters = filter.size(3);
  const int64_t depth = convolution->depth(), columns = convolution->columns();
  if (depth % 64 != 0 || (columns % 128 != 0 && (columns != 64 || depth != 64)))
    return fail("{} channels to {}, but it wants multiples of 64 to multiples of 128, or 64 to 64",
                depth, columns);
  const double intensity = convolution->flops() / convolution->bytes();
  if (const double most = convolution->sums ? kMostIntensity : kMostIntensityWithoutSums;
      intensity > most)
    return fail("{:.0f} operations a byte, of which it takes up to {:.0f}", intensity, most);
  const std::optional<HaloPlan> plan = halo_plan(*convolution, device);
  // An image alone is shared out among a few blocks: batch 1 took 9 us.
  if (plan && !convolution->sums && plan->tiles < device.multiprocessors)
    return fail("{} tiles for {} multiprocessors", plan->tiles, device.multiprocessors);
  if (!plan)
    return fail("lines of {} places and {} of them, of which it has no good tile",
                convolution->width, convolution->height);
  return convolution;
}

std::vector<OpKernel> halo_kernels() {
  return {{"convolution_statistics", {"nvrtc", refuse, prepare}},
          {"input_gradient_scale_shift", {"nvrtc", refuse, prepare}},
          {"fused_convolution", {"nvrtc", refuse, prepare}}};
}

}  // namespace brisk::cuda
