#include "brisk/backends/cpu/onednn/convolution_shape.h"

#include "brisk/backends/cpu/cpu_features.h"
#include "brisk/backends/cpu/onednn/primitive.h"
#include "brisk/base/shape.h"

namespace brisk::cpu {
namespace {

/// [batch, spatial..., channels] as [batch, channels, spatial...].
void channels_first(const Type& type, std::vector<int64_t>& sizes, std::vector<int64_t>& strides) {
  const std::vector<int64_t> own = type.shape().sizes();
  const std::vector<int64_t> own_strides = row_major_strides(own);
  sizes = {own.front(), own.back()};
  strides = {own_strides.front(), own_strides.back()};
  for (size_t i = 1; i + 1 < own.size(); ++i) {
    sizes.push_back(own[i]);
    strides.push_back(own_strides[i]);
  }
}

/// [kernel..., channels, filters] as [(groups,) filters, channels, kernel...].
void filters_first(const Type& type, int64_t groups, std::vector<int64_t>& sizes,
                   std::vector<int64_t>& strides) {
  const std::vector<int64_t> own = type.shape().sizes();
  const std::vector<int64_t> own_strides = row_major_strides(own);
  const size_t spatial = own.size() - 2;
  sizes.clear();
  strides.clear();
  if (groups > 1) {
    sizes.push_back(groups);
    strides.push_back(own.back() / groups);
  }
  sizes.push_back(own.back() / groups);
  strides.push_back(1);
  sizes.push_back(own[spatial]);
  strides.push_back(own_strides[spatial]);
  for (size_t i = 0; i < spatial; ++i) {
    sizes.push_back(own[i]);
    strides.push_back(own_strides[i]);
  }
}

}  // namespace

dnnl::memory::desc ConvolutionShape::any_input() const {
  return any_layout(input, type);
}
dnnl::memory::desc ConvolutionShape::any_filter() const {
  return any_layout(filter, filter_type);
}
dnnl::memory::desc ConvolutionShape::any_result() const {
  return any_layout(result, type);
}

ConvolutionShape convolution_shape(const Type& input, const Type& filter, const Type& result,
                                   const ConvolutionAttributes& attributes) {
  ConvolutionShape shape;
  shape.type = input.dtype();
  shape.filter_type = filter.dtype();
  std::vector<int64_t> strides;
  channels_first(input, shape.input, strides);
  shape.input_desc = strided(shape.input, shape.type, strides);
  channels_first(result, shape.result, strides);
  shape.result_desc = strided(shape.result, result.dtype(), strides);
  filters_first(filter, attributes.groups, shape.filter, strides);
  shape.filter_desc = strided(shape.filter, shape.filter_type, strides);
  shape.strides = attributes.strides;
  shape.pad_low = attributes.pad_low;
  shape.pad_high = attributes.pad_high;
  for (const int64_t dilation : attributes.dilations) shape.dilations.push_back(dilation - 1);
  shape.flops = 2.0 * static_cast<double>(result.shape().num_elements()) *
                static_cast<double>(filter.shape().num_elements()) /
                static_cast<double>(std::max<int64_t>(1, filter.shape().size(filter.rank() - 1)));
  return shape;
}

std::optional<std::string> refuse_convolution(const Type& input,
                                              const ConvolutionAttributes& attributes) {
  if (input.dtype() != DType::f32 && input.dtype() != DType::bf16)
    return fmt::format("element type {}, but it computes in f32 and bf16", name(input.dtype()));
  if (input.dtype() == DType::bf16 && !has_feature("avx512f")) return "bf16 without AVX-512";
  return refuse_geometry(input, attributes);
}

std::optional<std::string> refuse_geometry(const Type& input,
                                           const ConvolutionAttributes& attributes) {
  const size_t spatial = attributes.strides.size();
  if (spatial < 1 || spatial > 3)
    return fmt::format("{} spatial axes, but oneDNN has 1 to 3", spatial);
  for (const int64_t size : input.shape().sizes())
    if (size == 0) return "an extent is 0";
  for (size_t i = 0; i < spatial; ++i)
    if (attributes.pad_low[i] < 0 || attributes.pad_high[i] < 0) return "negative padding";
  return std::nullopt;
}

}  // namespace brisk::cpu
