#include "brisk/backends/cuda/kernels/join_kernels.h"

#include <algorithm>

#include "brisk/backends/cuda/kernels/pointwise_product.h"
#include "brisk/backends/cuda/kernels/warpgroup_product.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/pointwise_pair.h"

// input_gradient_join: operands result gradient, filter, skip, result, maybe factor; results dz,
// sum of dz, maybe sum of dz factor. moments_gradient_scale_shift: operands result gradient,
// filter, input, matrix, offset, x, scale, shift; results dz, sum of dz x, sum of dz.
// input_gradient_scale_shift: operands result gradient, filter, x, scale, shift; results dz, sum of
// dz x, sum of dz.
// pointwise_join: operands x, matrix, bias, skip, scale, shift. pointwise_pair: operands x, matrix,
// x, matrix, bias. brisk's 1x1 filter is [channels, filters]: both operands of a gradient's product
// lie along its depth, and none is transposed.

namespace brisk::cuda {
namespace {

/// Of a skip that lies at some of the result's places alone; empty: at all of them.
std::vector<PointwiseProduct::Image::Axis> sparse_axes(const Type& skip, const Type& result) {
  std::vector<PointwiseProduct::Image::Axis> axes;
  if (skip == result) return axes;
  const std::vector<int64_t> own = skip.shape().sizes(), all = result.shape().sizes();
  for (size_t axis = 1; axis + 1 < all.size(); ++axis)
    axes.push_back({all[axis], all[axis] / own[axis]});
  return axes;
}

Result<PointwiseProduct> product_behind_block(const Node& node, std::span<const Type> operands) {
  const Result<std::string> end =
      activated_sum(node.attributes.as<PointwiseJoinAttributes>().activation);
  if (!end) return end.failure();
  const Shape& matrix = operands[1].shape();
  PointwiseProduct product;
  product.columns = matrix.size(0);
  product.terms = {{0, 1, matrix.size(1)}};
  product.images = {{3, "skip"}};
  product.vectors = {{2, "bias"}, {4, "scale"}, {5, "shift"}};
  product.epilogue = "const f32 sum = product + bias + (skip * scale + shift); " + *end;
  return product;
}

Result<PointwiseProduct> product_of_pair(const Node& node, std::span<const Type> operands) {
  const auto& attributes = node.attributes.as<PointwisePairAttributes>();
  const Result<std::string> end = activated_sum(attributes.activation);
  if (!end) return end.failure();
  PointwiseProduct product;
  product.columns = operands[1].shape().size(0);
  product.terms = {{0, 1, operands[1].shape().size(1)}, {2, 3, operands[3].shape().size(1)}};
  if (!attributes.strides.empty()) {
    const Result<SteppedImages> places = places_read(operands[2].shape(), attributes.strides);
    if (!places) return places.failure();
    product.terms[1].places = *places;
  }
  product.vectors = {{4, "bias"}};
  product.epilogue = "const f32 sum = product + bias; " + *end;
  return product;
}

Result<PointwiseProduct> product_of_gradients(const Node& node, std::span<const Type> operands) {
  const auto& geometry = node.attributes.as<ConvolutionGradientAttributes>().convolution;
  if (!is_pointwise(geometry, operands[1].shape()))
    return fail("it is for 1x1 convolutions without strides, padding and groups");
  const std::vector<int64_t> filter = operands[1].shape().sizes();
  const int64_t channels = filter[filter.size() - 2], filters = filter.back();
  PointwiseProduct product;
  product.columns = channels;
  product.terms = {{0, 1, filters}};
  if (node.op->name == "input_gradient_join") {
    product.images = {{2, "skip", sparse_axes(operands[2], node.results[0])}, {3, "after"}};
    product.epilogue = "result = after > 0.f ? product + skip : 0.f;";
    product.sums = {"summed"};
    if (operands.size() > 4) {
      product.images.push_back({4, "factor"});
      product.sums.push_back("summed * factor");
    }
    return product;
  }
  const bool through_moments = node.op->name == "moments_gradient_scale_shift";
  const size_t before = through_moments ? 5 : 2;
  product.images = {{before, "before"}};
  product.vectors = {{before + 1, "scale"}, {before + 2, "shift"}};
  if (through_moments) {
    product.terms.push_back({2, 3, channels});
    product.vectors.push_back({4, "offset"});
  }
  product.epilogue = fmt::format("result = before * scale + shift > 0.f ? {} : 0.f;",
                                 through_moments ? "product + offset" : "product");
  product.sums = {"summed * before", "summed"};
  return product;
}

Result<PointwiseProduct> product_of(const Node& node, std::span<const Type> operands,
                                    const DeviceProperties& device) {
  const std::string& op = node.op->name;
  Result<PointwiseProduct> product = op == "pointwise_join" ? product_behind_block(node, operands)
                                     : op == "pointwise_pair"
                                         ? product_of_pair(node, operands)
                                         : product_of_gradients(node, operands);
  if (!product) return product;
  product->name = "nvrtc/" + op;
  product->type = operands[0].dtype();
  product->rows = node.results[0].shape().num_elements() / std::max<int64_t>(product->columns, 1);
  if (auto reason = refuse_pointwise_product(*product, device)) return fail("{}", *reason);
  return product;
}

std::optional<std::string> refuse(const KernelRequest& request) {
  if (request.ordered_filter) return "it reads the filter as it lies";
  return refuse_join(request.node, request.operands, request.tf32, request.device);
}

std::unique_ptr<Launch> prepare(const KernelRequest& request, const PrepareContext& context) {
  return make_pointwise_product(product_of(request.node, request.operands, request.device).value(),
                                request, context);
}

}  // namespace

// Measured on an H100, us, parts -> one kernel. Pairs, f16, in a step and in inference: 802816x256,
// two depths of 64, 519 -> 221; 200704x512, depths of 128 and of 256 with strides, 286 -> 161 (by
// itself, as what follows); 50176x1024 170 -> 129; 12544x2048 137 -> 131. Input gradients with
// sums, 12544x512x2048: f16 63 -> 61, bf16 69 -> 62.
std::optional<std::string> refuse_join(const Node& node, std::span<const Type> operands, bool tf32,
                                       const DeviceProperties& device) {
  if (operands[0].dtype() == DType::f32 && !tf32) return "it would round f32 operands to TF32";
  const Result<PointwiseProduct> product = product_of(node, operands, device);
  if (!product) return product.error();
  double most = most_intensity(*product, device);
  const bool hopper = !refuse_warpgroup_product(*product, device);
  const bool tf32_product = product->type == DType::f32;
  if (node.op->name == "pointwise_pair" && hopper) {
    if (auto reason = refuse_few_tiles(*product, device)) return reason;
    if (!tf32_product) most = 900;
  }
  if (node.op->name == "input_gradient_scale_shift") {
    if (auto reason = refuse_warpgroup_product(*product, device)) return reason;
    if (!tf32_product) most = 400;
  }
  return refuse_intensity(*product, node, operands, most);
}

std::vector<OpKernel> join_kernels() {
  return {{"input_gradient_join", {"nvrtc", refuse, prepare}},
          {"moments_gradient_scale_shift", {"nvrtc", refuse, prepare}},
          {"input_gradient_scale_shift", {"nvrtc", refuse, prepare}},
          {"pointwise_join", {"nvrtc", refuse, prepare}},
          {"pointwise_pair", {"nvrtc", refuse, prepare}}};
}

}  // namespace brisk::cuda
