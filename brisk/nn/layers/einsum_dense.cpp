#include "brisk/nn/activations.h"
#include "brisk/nn/einsum.h"
#include "brisk/nn/layers/core.h"
#include "brisk/ops/elementwise/elementwise.h"

namespace brisk {

Value EinsumDense::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  const EinsumLetters letters = einsum_letters(equation, x.rank());
  const auto at = [](const std::string& part, char letter) {
    return static_cast<int64_t>(part.find(letter));
  };
  const auto in = [](const std::string& part, char letter) {
    return part.find(letter) != std::string::npos;
  };
  // The kernel's extents: from the input where it shares the letter, else from output_shape, which
  // counts from the end.
  Shape kernel_shape;
  for (const char letter : letters.right) {
    if (in(letters.left, letter)) {
      kernel_shape.push_back(x.shape()[at(letters.left, letter)]);
      continue;
    }
    require(in(letters.output, letter), "'{}' of the kernel is in no other part of '{}'", letter,
            equation);
    const int64_t from_end = std::ssize(letters.output) - at(letters.output, letter);
    require(from_end <= std::ssize(output_shape) &&
                output_shape[output_shape.size() - static_cast<size_t>(from_end)].has_value(),
            "output_shape gives no size for '{}' of '{}'", letter, equation);
    kernel_shape.push_back(
        Extent(*output_shape[output_shape.size() - static_cast<size_t>(from_end)]));
  }
  const Value kernel =
      context.parameter("kernel", Type(x.dtype(), kernel_shape), kernel_initializer);

  Value y = einsum(x, kernel, letters);

  if (!bias_axes.empty()) {
    Shape shape(std::vector<int64_t>(letters.output.size(), 1));
    for (const char letter : bias_axes) {
      require(in(letters.output, letter), "bias_axes '{}' are not all in the result of '{}'",
              bias_axes, equation);
      shape[at(letters.output, letter)] = y.shape()[at(letters.output, letter)];
    }
    // Kept with axes of size 1 behind the first that varies, as Keras keeps it.
    Shape kept;
    bool begun = false;
    for (int64_t axis = 0; axis < shape.rank(); ++axis) {
      begun = begun || in(bias_axes, letters.output[static_cast<size_t>(axis)]);
      if (begun) kept.push_back(shape[axis]);
    }
    y = y + context.parameter("bias", Type(x.dtype(), kept), bias_initializer);
  }
  return brisk::activation(activation, y);
}

}  // namespace brisk
