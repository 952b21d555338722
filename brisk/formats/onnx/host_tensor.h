#pragma once

/// A tensor outside any graph: of a file, of a constant, of a stage's result.

#include <memory>
#include <string>
#include <vector>

#include "brisk/formats/onnx/element_type.h"

namespace brisk::onnx {

struct HostTensor {
  ElementType element = ElementType::undefined;
  Tensor tensor;                                      ///< in the carrier's type; none for strings
  std::vector<int64_t> sizes;                         ///< also of strings
  std::shared_ptr<std::vector<std::string>> strings;  ///< row-major

  HostTensor() = default;
  HostTensor(ElementType type, Tensor value)
      : element(type), tensor(std::move(value)), sizes(tensor.sizes()) {}
  explicit HostTensor(Tensor value)
      : HostTensor(element_type_of(value.dtype()), std::move(value)) {}
  HostTensor(std::vector<int64_t> shape, std::vector<std::string> values)
      : element(ElementType::string),
        sizes(std::move(shape)),
        strings(std::make_shared<std::vector<std::string>>(std::move(values))) {}

  bool defined() const { return element != ElementType::undefined; }
  bool is_string() const { return element == ElementType::string; }
};

/// Elements of an integer tensor.
std::vector<int64_t> integers(const HostTensor& tensor);

/// `value` without its fraction. Throws UserError where 64 bits do not hold it, NaN among them.
int64_t truncated(double value);
/// Elements of any numeric tensor.
std::vector<double> reals(const HostTensor& tensor);

}  // namespace brisk::onnx
