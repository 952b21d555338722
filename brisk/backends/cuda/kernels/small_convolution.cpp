#include "brisk/backends/cuda/kernels/small_convolution.h"

#include "brisk/backends/cuda/kernels/ordered_filter.h"
#include "brisk/backends/cuda/kernels/pointwise_product.h"
#include "brisk/backends/cuda/kernels/shared_kernel.h"
#include "brisk/base/rounding.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/fused/fused.h"

// fused_convolution: operands input, filter, [bias], [residual]. fused_dot: left, right, [bias].

namespace brisk::cuda {
namespace {

class SmallLaunch final : public Launch {
 public:
  SmallLaunch(const SmallConvolution& convolution, const SmallPlan& plan,
              const PrepareContext& context)
      : convolution_(convolution), plan_(plan) {
    const size_t number = context.code.add({"small_convolution", small_text(convolution_, plan_)});
    kernel_ = SharedKernel(number, plan_.tiles * plan_.blocks,
                           static_cast<int32_t>(32 * plan_.warps), plan_.shared_bytes());
  }

  void load(const CodeLibrary& code) override { kernel_.load(code); }
  void enqueue(const LaunchArguments& arguments) override {
    kernel_.enqueue(addresses_of(arguments), arguments.stream);
  }
  std::string name() const override {
    return fmt::format("nvrtc/{}/{}x{}x{}", convolution_.op, convolution_.places(),
                       convolution_.filters, convolution_.depth());
  }
  double flops() const override { return convolution_.flops(); }

 private:
  SmallConvolution convolution_;
  SmallPlan plan_;
  SharedKernel kernel_;
};

/// Operand 1 has a filter's weights side by side as it is.
bool is_ordered(const KernelRequest& request) {
  return request.node.op->name == "fused_dot" &&
         request.node.attributes.as<FusedDotAttributes>().transpose_rhs;
}

std::optional<std::string> refuse(const KernelRequest& request) {
  const auto convolution = small_convolution(request.node, request.operands, request.device);
  if (!convolution) return convolution.error();
  if (is_ordered(request) || request.node.op->name == "fused_convolution") return std::nullopt;
  if (!request.constant_operands[1]) return "a matrix that changes, and lies the other way";
  return std::nullopt;
}

std::unique_ptr<Launch> prepare(const KernelRequest& request, const PrepareContext& context) {
  SmallConvolution convolution =
      small_convolution(request.node, request.operands, request.device).value();
  convolution.constant =
      request.constant_operands[1] && (!convolution.bias || request.constant_operands[2]);
  auto launch =
      std::make_unique<SmallLaunch>(convolution, small_plan(convolution, request.device), context);
  if (is_ordered(request)) return launch;
  return with_ordered_filter(std::move(launch), request, context);
}

// Products of 32 x 32 x 32 a multiprocessor. ResNet-50 in f16 on an H100, without this kernel -> up
// to 40 -> 80 -> 160, img/s: one image 3,137 -> 3,890 -> 3,898 -> 3,905; four 10,904 -> 10,937 ->
// 9,326 -> 7,659; eight 18,552 -> 18,418 -> 18,425 -> 13,560. BERT base, one sequence, its products
// of matrices: 1,995 -> 2,254 -> 1,928 sequences/s.
constexpr double kMostWork = 40;

/// Strides, padding and extents of a convolution.
Result<SmallConvolution> geometry_of(const Node& node, const FusedConvolutionAttributes& fused,
                                     std::span<const Type> operands) {
  const Shape &read = operands[0].shape(), &filter = operands[1].shape();
  const Shape& written = node.results[0].shape();
  if (read.rank() != 4) return fail("it is for two spatial axes");
  if (fused.convolution.groups != 1 || !all_are(fused.convolution.dilations, 1))
    return fail("it takes no groups and no dilation");
  SmallConvolution c{.images = read.size(0),
                     .height = read.size(1),
                     .width = read.size(2),
                     .channels = read.size(3),
                     .rows = written.size(1),
                     .columns = written.size(2),
                     .filters = written.size(3),
                     .bias = fused.bias,
                     .residual = fused.residual};
  for (const size_t axis : {0, 1}) {
    c.kernel[axis] = filter.size(axis);
    c.strides[axis] = fused.convolution.strides[axis];
    c.pad[axis] = fused.convolution.pad_low[axis];
  }
  return c;
}

/// A product of matrices is a 1x1 convolution of an image of one column.
Result<SmallConvolution> geometry_of(const Node& node, const FusedDotAttributes& fused,
                                     std::span<const Type> operands) {
  const Shape &read = operands[0].shape(), &written = node.results[0].shape();
  if (fused.transpose_lhs) return fail("the left operand lies the other way");
  return SmallConvolution{.images = 1,
                          .height = read.size(0),
                          .width = 1,
                          .channels = read.size(1),
                          .rows = read.size(0),
                          .columns = 1,
                          .filters = written.size(1),
                          .kernel = {1, 1},
                          .strides = {1, 1},
                          .bias = fused.bias};
}

}  // namespace

double SmallConvolution::flops() const {
  return 2.0 * static_cast<double>(places()) * static_cast<double>(filters * depth());
}

int64_t SmallPlan::shared_bytes() const {
  return (warps + (blocks > 1 ? 1 : 0)) * kPlaces * kFilters * 4;
}

Result<SmallConvolution> small_convolution(const Node& node, std::span<const Type> operands,
                                           const DeviceProperties& device) {
  if (device.major < 9)
    return fail("compute capability {}.{}, but it has clusters of 9.0 and newer", device.major,
                device.minor);
  const DType type = operands[0].dtype();
  if (type != DType::f16 && type != DType::bf16)
    return fail("element type {}, but it is for f16 and bf16", brisk::name(type));
  if (node.results[0].dtype() != type)
    return fail("a result of {}", brisk::name(node.results[0].dtype()));
  if (node.results[0].shape().num_elements() == 0) return fail("an extent is 0");
  const bool is_dot = node.op->name == "fused_dot";
  const Result<std::string> end =
      activated_sum(is_dot ? node.attributes.as<FusedDotAttributes>().activation
                           : node.attributes.as<FusedConvolutionAttributes>().activation);
  if (!end) return end.failure();
  auto c = is_dot ? geometry_of(node, node.attributes.as<FusedDotAttributes>(), operands)
                  : geometry_of(node, node.attributes.as<FusedConvolutionAttributes>(), operands);
  if (!c) return c;
  c->op = node.op->name;
  c->type = type;
  c->epilogue = *end;
  if (c->channels == 0 || c->channels % SmallPlan::kChunk != 0 || c->filters % 8 != 0)
    return fail("{} channels to {}, but it wants multiples of {} to multiples of 8", c->channels,
                c->filters, SmallPlan::kChunk);
  if (operands[0].shape().num_elements() >= int64_t{1} << 31)
    return fail("what it reads is too large for 32-bit offsets");
  const SmallPlan plan = small_plan(*c, device);
  const double work = static_cast<double>(plan.tiles * plan.chunks) / device.multiprocessors;
  if (work > kMostWork)
    return fail("{:.0f} products of 32 x 32 x 32 a multiprocessor, of which it takes up to {:.0f}",
                work, kMostWork);
  return c;
}

// On an H100 one image's convolutions of ResNet-50 take 187 us together as this shares them out,
// and 178 in the best of twenty ways for each: three of the 22 shapes are 0.7 to 1.1 us slower than
// their best (28 x 28, 128 to 512 and 512 to 256; 14 x 14, 512 to 1,024 with strides).
SmallPlan small_plan(const SmallConvolution& convolution, const DeviceProperties& device) {
  SmallPlan plan;
  plan.tiles = ceil_div(convolution.places(), SmallPlan::kPlaces) *
               ceil_div(convolution.filters, SmallPlan::kFilters);
  plan.chunks = convolution.depth() / SmallPlan::kChunk;
  const int64_t processors = device.multiprocessors;
  plan.warps = 2 * plan.tiles > 5 * processors ? 2 : 4;
  while (plan.warps > plan.chunks) plan.warps /= 2;
  if (2 * plan.tiles > processors) return plan;
  while (plan.blocks < 8 && 20 * plan.tiles * plan.blocks <= 17 * processors &&
         plan.chunks >= 4 * plan.warps * plan.blocks)
    plan.blocks *= 2;
  if (plan.chunks > 8 * plan.warps * plan.blocks) plan.warps *= 2;
  return plan;
}

std::vector<OpKernel> small_convolution_kernels() {
  return {{"fused_convolution", {"small", refuse, prepare}},
          {"fused_dot", {"small", refuse, prepare}}};
}

}  // namespace brisk::cuda
