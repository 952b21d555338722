#include "brisk/backends/cpu/onednn/quantized_products.h"

#include "brisk/backends/cpu/onednn/convolution_shape.h"
#include "brisk/backends/cpu/onednn/quantized_launch.h"

namespace brisk::cpu {
namespace {

const QuantizedConvolutionAttributes& convolution_attributes(const KernelRequest& request) {
  return request.node.attributes.as<QuantizedConvolutionAttributes>();
}

ConvolutionShape quantized_shape(const KernelRequest& request) {
  return convolution_shape(request.operands[0], request.operands[1], request.node.results[0],
                           convolution_attributes(request).convolution);
}

MakeQuantized make_convolution(const KernelRequest& request) {
  return [shape = quantized_shape(request), requantize = convolution_attributes(request).requantize,
          residual = residual_type(request, convolution_attributes(request).requantize)](
             const std::vector<float>& multiplier) {
    const auto bias = row_major({shape.result[1]}, DType::f32);
    const dnnl::convolution_forward::primitive_desc desc(
        {dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_direct, shape.input_desc,
         shape.any_filter(), bias, shape.result_desc, shape.strides, shape.dilations, shape.pad_low,
         shape.pad_high},
        quantized_epilogue(requantize, multiplier, residual), cpu_engine());
    return QuantizedPrimitive{dnnl::convolution_forward(desc),
                              shape.input_desc,
                              desc.weights_desc(),
                              shape.filter_desc,
                              bias,
                              shape.result_desc,
                              desc.scratchpad_desc(),
                              desc.impl_info_str()};
  };
}

std::optional<std::string> refuse_quantized_convolution(const KernelRequest& request) {
  if (auto reason =
          refuse_geometry(request.operands[0], convolution_attributes(request).convolution))
    return reason;
  return refuse_quantized(request, make_convolution(request));
}

std::unique_ptr<Launch> prepare_quantized_convolution(const KernelRequest& request) {
  return prepare_quantized(request, convolution_attributes(request).requantize,
                           quantized_shape(request).flops, make_convolution(request));
}

/// All axes but the last as one.
std::vector<int64_t> matrix_sizes(const Type& type) {
  const int64_t columns = type.shape().size(type.rank() - 1);
  return {type.shape().num_elements() / std::max<int64_t>(columns, 1), columns};
}

MakeQuantized make_dot(const KernelRequest& request) {
  const auto& requantize = request.node.attributes.as<RequantizeAttributes>();
  return [lhs = request.operands[0], rhs = request.operands[1], result = request.node.results[0],
          requantize,
          residual = residual_type(request, requantize)](const std::vector<float>& multiplier) {
    const auto described = [](const Type& type) {
      return row_major(matrix_sizes(type), type.dtype());
    };
    const auto bias = row_major({1, rhs.shape().size(1)}, DType::f32);
    const dnnl::matmul::primitive_desc desc(
        {described(lhs), any_layout(rhs.shape().sizes(), rhs.dtype()), bias, described(result)},
        quantized_epilogue(requantize, multiplier, residual), cpu_engine());
    return QuantizedPrimitive{
        dnnl::matmul(desc), described(lhs),         desc.weights_desc(), described(rhs), bias,
        described(result),  desc.scratchpad_desc(), desc.impl_info_str()};
  };
}

std::optional<std::string> refuse_quantized_dot(const KernelRequest& request) {
  return refuse_quantized(request, make_dot(request));
}

std::unique_ptr<Launch> prepare_quantized_dot(const KernelRequest& request) {
  const Shape &lhs = request.operands[0].shape(), &rhs = request.operands[1].shape();
  const double flops =
      2.0 * static_cast<double>(lhs.num_elements()) * static_cast<double>(rhs.size(1));
  return prepare_quantized(request, request.node.attributes.as<RequantizeAttributes>(), flops,
                           make_dot(request));
}

}  // namespace

std::vector<OpKernel> quantized_kernels() {
  return {{"quantized_convolution",
           {"onednn", refuse_quantized_convolution, prepare_quantized_convolution}},
          {"quantized_dot", {"onednn", refuse_quantized_dot, prepare_quantized_dot}}};
}

}  // namespace brisk::cpu
