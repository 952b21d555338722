#include "brisk/backends/cuda/kernels/join_kernels.h"

#include <algorithm>

#include "brisk/backends/cuda/kernels/pointwise_product.h"
#include "brisk/backends/cuda/kernels/text_launch.h"
#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/fused/batch_norm_fusion.h"
#include "brisk/ops/fused/pointwise_pair.h"

// input_gradient_join: operands result gradient, filter, skip, result, maybe factor; results dz,
// sum of dz, maybe sum of dz factor. moments_gradient_scale_shift: operands result gradient,
// filter, input, matrix, offset, x, scale, shift; results dz, sum of dz x, sum of dz.
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
  const Result<std::string> end =
      activated_sum(node.attributes.as<PointwisePairAttributes>().activation);
  if (!end) return end.failure();
  PointwiseProduct product;
  product.columns = operands[1].shape().size(0);
  product.terms = {{0, 1, operands[1].shape().size(1)}, {2, 3, operands[3].shape().size(1)}};
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
  } else {
    product.terms.push_back({2, 3, channels});
    product.images = {{5, "before"}};
    product.vectors = {{4, "offset"}, {6, "scale"}, {7, "shift"}};
    product.epilogue = "result = before * scale + shift > 0.f ? product + offset : 0.f;";
    product.sums = {"summed * before", "summed"};
  }
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
  return refuse_join(request.node, request.operands, request.tf32, request.device);
}

std::unique_ptr<Launch> prepare(const KernelRequest& request, const PrepareContext& context) {
  return make_pointwise_product(product_of(request.node, request.operands, request.device).value(),
                                request, context);
}

}  // namespace

std::optional<std::string> refuse_join(const Node& node, std::span<const Type> operands, bool tf32,
                                       const DeviceProperties& device) {
  if (operands[0].dtype() == DType::f32 && !tf32) return "it would round f32 operands to TF32";
  const Result<PointwiseProduct> product = product_of(node, operands, device);
  if (!product) return product.error();
  return refuse_intensity(*product, node, operands, most_intensity(*product, device));
}

std::vector<OpKernel> join_kernels() {
  return {{"input_gradient_join", {"nvrtc", refuse, prepare}},
          {"moments_gradient_scale_shift", {"nvrtc", refuse, prepare}},
          {"pointwise_join", {"nvrtc", refuse, prepare}},
          {"pointwise_pair", {"nvrtc", refuse, prepare}}};
}

}  // namespace brisk::cuda
