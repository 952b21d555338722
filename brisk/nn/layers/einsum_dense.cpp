// An einsum of two operands is one dot_general and a transpose: letters of both operands and the
// result are batch axes, letters of both operands alone are contracted, the others are free. "..."
// stands for the leading axes of the input that the equation does not name.

#include "brisk/nn/activations.h"
#include "brisk/nn/layers/core.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"

namespace brisk {
namespace {

struct Letters {
  std::string input, kernel, output;
};

/// The three parts, with "..." written out in capital letters of its own.
Letters parse_equation(const std::string& equation, int64_t input_rank) {
  const size_t comma = equation.find(','), arrow = equation.find("->");
  require(comma != std::string::npos && arrow != std::string::npos && comma < arrow,
          "equation must read 'ab,bc->ac', but is '{}'", equation);
  Letters letters{equation.substr(0, comma), equation.substr(comma + 1, arrow - comma - 1),
                  equation.substr(arrow + 2)};
  const auto named = static_cast<int64_t>(
      std::count_if(letters.input.begin(), letters.input.end(), [](char c) { return c != '.'; }));
  require(named <= input_rank && input_rank - named <= 20,
          "equation '{}' does not fit an input of {} axes", equation, input_rank);
  std::string rest;
  for (int64_t i = 0; i < input_rank - named; ++i) rest += static_cast<char>('0' + i);
  for (std::string* part : {&letters.input, &letters.output})
    if (const size_t dots = part->find("..."); dots != std::string::npos)
      part->replace(dots, 3, rest);
  require(std::ssize(letters.input) == input_rank && letters.input.find('.') == std::string::npos &&
              letters.kernel.find('.') == std::string::npos &&
              letters.output.find('.') == std::string::npos,
          "equation '{}' does not fit an input of {} axes", equation, input_rank);
  return letters;
}

}  // namespace

Value EinsumDense::build(LayerContext& context, std::span<const Value> inputs) const {
  const Value x = inputs[0];
  const Letters letters = parse_equation(equation, x.rank());
  const auto at = [](const std::string& part, char letter) {
    return static_cast<int64_t>(part.find(letter));
  };
  const auto in = [](const std::string& part, char letter) {
    return part.find(letter) != std::string::npos;
  };
  // The kernel's extents: from the input where it shares the letter, else from output_shape, which
  // counts from the end.
  Shape kernel_shape;
  for (const char letter : letters.kernel) {
    if (in(letters.input, letter)) {
      kernel_shape.push_back(x.shape()[at(letters.input, letter)]);
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

  DotAttributes dot;
  std::string result, left, right;
  for (const char letter : letters.input) {
    if (!in(letters.kernel, letter)) {
      left += letter;
    } else if (in(letters.output, letter)) {
      dot.lhs_batch.push_back(at(letters.input, letter));
      dot.rhs_batch.push_back(at(letters.kernel, letter));
      result += letter;
    } else {
      dot.lhs_contract.push_back(at(letters.input, letter));
      dot.rhs_contract.push_back(at(letters.kernel, letter));
    }
  }
  for (const char letter : letters.kernel)
    if (!in(letters.input, letter)) right += letter;
  result += left + right;
  Value y = dot_general(x, kernel, dot);
  std::vector<int64_t> order;
  for (const char letter : letters.output) {
    require(in(result, letter), "'{}' of the result is in no operand of '{}'", letter, equation);
    order.push_back(at(result, letter));
  }
  require(order.size() == result.size(),
          "the result of '{}' leaves out a letter that is not contracted", equation);
  y = transpose(y, order);

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
