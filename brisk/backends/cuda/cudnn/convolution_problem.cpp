#include "brisk/backends/cuda/cudnn/convolution_problem.h"

#include <algorithm>
#include <span>
#include <utility>

#include "brisk/ops/convolve/convolution_shape.h"
#include "brisk/ops/fused/fused.h"

namespace brisk::cuda::cudnn {
namespace {

constexpr int64_t kFewestChannels = 8;  // of a convolution that is seen from its result

}  // namespace

int64_t memory_bytes(const TensorShape& shape) {
  int64_t elements = 1;
  for (const int64_t size : shape.sizes) elements *= size;
  return elements * byte_size(shape.type);
}

Result<ConvolutionProblem> convolution_problem(const Type& input, const Type& filter,
                                               const Type& result,
                                               const ConvolutionAttributes& attributes) {
  const DType type = input.dtype();
  if (type != DType::f16 && type != DType::bf16 && type != DType::f32)
    return fail("element type {}, but it computes in f16, bf16 and f32", name(type));
  const size_t spatial = attributes.strides.size();
  if (spatial < 1 || spatial > 3) return fail("{} spatial axes, but it takes 1 to 3", spatial);
  if (std::min(std::ranges::min(attributes.pad_low), std::ranges::min(attributes.pad_high)) < 0)
    return fail("negative padding (cropping)");
  for (const Type* operand : {&input, &filter, &result})
    if (operand->shape().num_elements() == 0) return fail("an extent is 0");

  // To [batch, channels, spatial...] from [batch, spatial..., channels].
  const auto logical = [&](const Type& image) {
    const std::vector<int64_t> sizes = image.shape().sizes();
    std::vector<int64_t> reordered = {sizes.front(), sizes.back()};
    reordered.insert(reordered.end(), sizes.begin() + 1, sizes.end() - 1);
    if (spatial == 1) reordered.push_back(1);
    return channels_last(std::move(reordered), type);
  };
  ConvolutionProblem problem;
  problem.type = type;
  problem.input = logical(input);
  problem.result = logical(result);
  const std::vector<int64_t> sizes = filter.shape().sizes();
  std::vector<int64_t> filter_sizes = {sizes[spatial + 1], sizes[spatial]};
  filter_sizes.insert(filter_sizes.end(), sizes.begin(),
                      sizes.begin() + static_cast<int64_t>(spatial));
  if (spatial == 1) filter_sizes.push_back(1);
  problem.filter = channels_last(std::move(filter_sizes), type);
  problem.filter_columns = sizes.back();
  problem.filter_rows = filter.shape().num_elements() / sizes.back();
  problem.geometry = {attributes.strides, attributes.pad_low, attributes.pad_high,
                      attributes.dilations};
  if (spatial == 1) {
    problem.geometry.strides.push_back(1);
    problem.geometry.dilations.push_back(1);
    problem.geometry.pad_low.push_back(0);
    problem.geometry.pad_high.push_back(0);
  }
  problem.flops = 2.0 * static_cast<double>(result.shape().num_elements()) *
                  static_cast<double>(problem.filter_rows);
  return problem;
}

std::optional<ConvolutionProblem> seen_from_result(const ConvolutionProblem& problem) {
  const std::vector<int64_t>& filter = problem.filter.sizes;
  const ConvolutionGeometry& geometry = problem.geometry;
  if (std::min(filter[0], filter[1]) < kFewestChannels ||
      !all_are(std::span(filter).subspan(2), 1) || problem.input.sizes[1] != filter[1] ||
      !all_are(geometry.strides, 1) || !all_are(geometry.pad_low, 0) ||
      !all_are(geometry.pad_high, 0))
    return std::nullopt;
  ConvolutionProblem back = problem;
  std::swap(back.input, back.result);
  std::vector<int64_t> sizes = filter;
  std::swap(sizes[0], sizes[1]);
  back.filter = channels_last(std::move(sizes), problem.type);
  std::swap(back.filter_rows, back.filter_columns);
  return back;
}

Result<ConvolutionProblem> convolution_problem(const KernelRequest& request) {
  const Node& node = request.node;
  if (node.op->name == "convolution_input_gradient" ||
      node.op->name == "input_gradient_scale_shift")
    return convolution_problem(node.results[0], request.operands[1], request.operands[0],
                               node.attributes.as<ConvolutionGradientAttributes>().convolution);
  if (node.op->name == "convolution_filter_gradient")
    return convolution_problem(request.operands[0], node.results[0], request.operands[1],
                               node.attributes.as<ConvolutionGradientAttributes>().convolution);
  const ConvolutionAttributes& attributes =
      node.op->name == "fused_convolution"
          ? node.attributes.as<FusedConvolutionAttributes>().convolution
          : node.attributes.as<ConvolutionAttributes>();
  return convolution_problem(request.operands[0], request.operands[1], node.results[0], attributes);
}

}  // namespace brisk::cuda::cudnn
