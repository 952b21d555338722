#include "brisk/backends/cuda/kernels/pointwise_convolutions.h"

#include <algorithm>

#include "brisk/backends/cuda/kernels/ordered_filter.h"
#include "brisk/backends/cuda/kernels/pointwise_product.h"
#include "brisk/backends/cuda/kernels/warpgroup_product.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/fused/fused.h"

// convolution_statistics: operands input, filter; results y, sum, square sum. fused_convolution:
// operands input, filter, [bias], [residual].

namespace brisk::cuda {
namespace {

/// Sums are of what is not rounded yet.
void add_statistics(PointwiseProduct& product) {
  product.epilogue = "result = product;";
  product.sums = {"summed", "summed * summed"};
}

Status add_epilogue(PointwiseProduct& product, const FusedConvolutionAttributes& fused,
                    std::span<const Type> operands) {
  const Result<std::string> end = activated_sum(fused.activation);
  if (!end) return end.failure();
  std::string sum = "product";
  if (fused.bias) {
    product.vectors = {{2, "bias", operands[2].dtype()}};
    sum += " + bias";
  }
  if (fused.residual) {
    product.images = {{operands.size() - 1, "residual"}};
    sum += " + residual";
  }
  product.epilogue = fmt::format("const f32 sum = {}; {}", sum, *end);
  return Success{};
}

Result<PointwiseProduct> forward_product(const Node& node, std::span<const Type> operands,
                                         const DeviceProperties& device) {
  const auto* fused = node.op->name == "fused_convolution"
                          ? &node.attributes.as<FusedConvolutionAttributes>()
                          : nullptr;
  const Shape& filter = operands[1].shape();
  const ConvolutionAttributes& geometry =
      fused ? fused->convolution : node.attributes.as<ConvolutionAttributes>();
  if (!is_pointwise_with_strides(geometry, filter))
    return fail("it is for 1x1 convolutions without padding and groups");
  PointwiseProduct product;
  product.name = "nvrtc/" + node.op->name;
  product.type = operands[0].dtype();
  product.columns = filter.size(filter.rank() - 1);
  product.rows = node.results[0].shape().num_elements() / std::max<int64_t>(product.columns, 1);
  product.terms = {{0, 1, filter.size(filter.rank() - 2)}};
  if (!is_pointwise(geometry, filter)) {
    const Result<SteppedImages> places = places_read(operands[0].shape(), geometry.strides);
    if (!places) return places.failure();
    product.terms[0].places = *places;
  }
  if (fused) {
    if (const Status added = add_epilogue(product, *fused, operands); !added)
      return added.failure();
  } else {
    add_statistics(product);
  }
  if (auto reason = refuse_pointwise_product(product, device)) return fail("{}", *reason);
  if (auto reason = refuse_warpgroup_product(product, device)) return fail("{}", *reason);
  return product;
}

// Measured on an H100 in ResNet-50's step at batch 256 (cuDNN's engine, with a fold where it gives
// no sums -> this one, us; rows x filters x channels). Statistics, bf16: 802816x64x256 236 -> 182,
// 200704x128x512 127 -> 96, 50176x256x1024 69 -> 59, 12544x2048x512 65 -> 52; f16: 802816x64x256
// 181 -> 182, 802816x128x256 213 -> 221, 200704x128x512 97 -> 96, 200704x256x512 123 -> 119,
// 12544x512x2048 51 -> 46; TF32: 802816x64x256 420 -> 361, 200704x256x512 281 -> 255,
// 50176x256x1024 121 -> 126, 12544x512x2048 92 -> 153. With a residual, f16: 802816x256x64
// 331 -> 321, 200704x512x128 170 -> 161, 50176x1024x256 98 -> 83; TF32: 635 -> 650, 319 -> 329,
// 169 -> 216. With a bias alone, f16: 802816x128x256 211 -> 215, 200704x128x512 96 -> 93,
// 50176x256x1024 55 -> 53, 6272x256x1024 10 -> 14. By itself, with strides and sums: 200704x512x256
// bf16 217 -> 126, f16 126 -> 128 (in a step it takes a tenth less), 50176x1024x512 bf16 146 ->
// 103, f16 91 -> 103, 12544x2048x1024 bf16 110 -> 96, f16 82 -> 96; TF32 200704x512x256 384 -> 296.

std::optional<std::string> refuse_slower_statistics(const PointwiseProduct& product,
                                                    const Node& node,
                                                    std::span<const Type> operands) {
  // cuDNN has engines with sums for f16 alone.
  if (product.type == DType::f16 && product.columns < 256)
    return fmt::format("{} filters in f16, but from 256 on it is faster", product.columns);
  const bool strides = product.terms[0].places.has_value();
  const double most = product.type == DType::f32   ? 100
                      : product.type == DType::f16 ? (strides ? 200 : 400)
                                                   : 700;
  return refuse_intensity(product, node, operands, most);
}

std::optional<std::string> refuse_slower_epilogue(const PointwiseProduct& product, const Node& node,
                                                  std::span<const Type> operands,
                                                  const DeviceProperties& device) {
  if (product.type == DType::f32) return "cuDNN's engines are faster in TF32";
  if (product.images.empty()) return "no residual, without which cuDNN's engines are as fast";
  if (auto reason = refuse_few_tiles(product, device)) return reason;
  return refuse_intensity(product, node, operands, 120);
}

std::optional<std::string> refuse_forward_product(const KernelRequest& request) {
  return refuse_pointwise_convolution(request.node, request.operands, request.tf32, request.device);
}

std::unique_ptr<Launch> prepare_forward_product(const KernelRequest& request,
                                                const PrepareContext& context) {
  const PointwiseProduct product =
      forward_product(request.node, request.operands, request.device).value();
  return with_ordered_filter(make_warpgroup_product(product, request, context), request, context);
}

}  // namespace

std::optional<std::string> refuse_pointwise_convolution(const Node& node,
                                                        std::span<const Type> operands, bool tf32,
                                                        const DeviceProperties& device) {
  if (operands[0].dtype() == DType::f32 && !tf32) return "it would round f32 operands to TF32";
  const Result<PointwiseProduct> product = forward_product(node, operands, device);
  if (!product) return product.error();
  return node.op->name == "fused_convolution"
             ? refuse_slower_epilogue(*product, node, operands, device)
             : refuse_slower_statistics(*product, node, operands);
}

std::vector<OpKernel> pointwise_convolution_kernels() {
  return {
      {"convolution_statistics", {"nvrtc", refuse_forward_product, prepare_forward_product}},
      {"fused_convolution", {"nvrtc", refuse_forward_product, prepare_forward_product}},
  };
}

}  // namespace brisk::cuda
