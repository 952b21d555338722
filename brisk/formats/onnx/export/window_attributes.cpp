#include "brisk/formats/onnx/export/window_attributes.h"

namespace brisk::onnx {

std::vector<AttributeDef> window_attributes(const std::vector<int64_t>& kernel,
                                            const std::vector<int64_t>& strides,
                                            const std::vector<int64_t>& low,
                                            const std::vector<int64_t>& high) {
  std::vector<int64_t> pads = low;
  pads.insert(pads.end(), high.begin(), high.end());
  for (const int64_t edge : pads)
    require(edge >= 0, "ONNX's windows do not crop: a padding is {}", edge);
  return {attribute("kernel_shape", kernel), attribute("strides", strides),
          attribute("pads", pads)};
}

std::vector<int64_t> kernel_sizes(const Emitter& e, ValueId filter) {
  const Shape& shape = e.type(filter).shape();
  std::vector<int64_t> kernel;
  for (int64_t i = 0; i + 2 < shape.rank(); ++i) kernel.push_back(shape.size(i));
  return kernel;
}

std::vector<AttributeDef> convolution_attributes(const Emitter& e, ValueId filter,
                                                 const ConvolutionAttributes& a) {
  std::vector<AttributeDef> attributes =
      window_attributes(kernel_sizes(e, filter), a.strides, a.pad_low, a.pad_high);
  attributes.push_back(attribute("dilations", a.dilations));
  attributes.push_back(attribute("group", a.groups));
  return attributes;
}

std::string filter_name(Emitter& e, ValueId value) {
  const int64_t rank = e.type(value).rank();
  std::vector<int64_t> permutation = {rank - 1, rank - 2};
  for (int64_t i = 0; i + 2 < rank; ++i) permutation.push_back(i);
  return e.turned(value, permutation);
}

}  // namespace brisk::onnx
