#include "brisk/backends/cuda/kernels/quantized/quantized_problem.h"

#include <algorithm>

namespace brisk::cuda {
namespace {

/// The last axes of a list that has at most two; `fill` before them.
void set_axes(int64_t (&to)[2], std::span<const int64_t> from, int64_t fill) {
  to[0] = to[1] = fill;
  std::ranges::copy(from, to + (2 - from.size()));
}

}  // namespace

bool QuantizedProblem::is_plain_product() const {
  for (int axis = 0; axis < 2; ++axis)
    if (kernel[axis] != 1 || strides[axis] != 1 || low[axis] != 0 || result[axis] != input[axis])
      return false;
  return groups == 1;
}

double QuantizedProblem::operations() const {
  return 2 * static_cast<double>(rows()) * static_cast<double>(filters) *
         static_cast<double>(depth());
}

Result<QuantizedProblem> quantized_problem(const Node& node, std::span<const Type> operands) {
  QuantizedProblem problem;
  problem.input_type = operands[0].dtype();
  const std::vector<int64_t> input = operands[0].shape().sizes(),
                             filter = operands[1].shape().sizes(),
                             result = node.results[0].shape().sizes();
  problem.channels = input.back();
  problem.filters = filter.back();
  if (node.op->name == "quantized_dot") {
    problem.requantize = node.attributes.as<RequantizeAttributes>();
    for (size_t axis = 0; axis + 1 < input.size(); ++axis) problem.batch *= input[axis];
  } else {
    const auto& attributes = node.attributes.as<QuantizedConvolutionAttributes>();
    const ConvolutionAttributes& geometry = attributes.convolution;
    const size_t axes = filter.size() - 2;
    if (axes == 0 || axes > 2) return fail("{} spatial axes, but it is for one and two", axes);
    problem.requantize = attributes.requantize;
    problem.batch = input[0];
    problem.groups = geometry.groups;
    set_axes(problem.input, std::span(input).subspan(1, axes), 1);
    set_axes(problem.kernel, std::span(filter).first(axes), 1);
    set_axes(problem.result, std::span(result).subspan(1, axes), 1);
    set_axes(problem.strides, geometry.strides, 1);
    set_axes(problem.dilations, geometry.dilations, 1);
    set_axes(problem.low, geometry.pad_low, 0);
  }
  if (problem.requantize.residual) problem.residual_type = operands[4].dtype();
  constexpr int64_t kMost = int64_t{1} << 31;
  if (problem.rows() >= kMost || operands[0].shape().num_elements() >= kMost ||
      node.results[0].shape().num_elements() >= kMost)
    return fail("it counts elements in 31 bits");
  return problem;
}

std::optional<std::string> refuse_quantized(const Node& node, std::span<const Type> operands) {
  const Result<QuantizedProblem> problem = quantized_problem(node, operands);
  if (!problem) return problem.error();
  return std::nullopt;
}

}  // namespace brisk::cuda
