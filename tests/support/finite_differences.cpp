#include "tests/support/finite_differences.h"

#include <algorithm>
#include <cmath>

#include "brisk/backends/reference/evaluate.h"
#include "brisk/base/error.h"
#include "brisk/base/philox.h"
#include "tests/support/tolerances.h"

namespace brisk::testing {
namespace {

constexpr int64_t kSampledElements = 8;

double loss_at(const Graph& loss, const std::vector<Tensor>& inputs) {
  return reference::evaluate(loss, inputs)[0].item();
}

/// (loss(x + step * direction) - loss(x - step * direction)) / (2 step) for input `which`.
double central_difference(const Graph& loss, std::span<const Tensor> inputs, size_t which,
                          const std::vector<double>& direction) {
  std::vector<Tensor> moved(inputs.begin(), inputs.end());
  const auto loss_with = [&](double step) {
    moved[which] = inputs[which].clone();
    for (size_t i = 0; i < direction.size(); ++i)
      moved[which].data<double>()[i] += step * direction[i];
    return loss_at(loss, moved);
  };
  return (loss_with(kDifferenceStep) - loss_with(-kDifferenceStep)) / (2 * kDifferenceStep);
}

bool agrees(double expected, double actual) {
  return std::abs(actual - expected) <= kGradientAbsolute + kGradientRelative * std::abs(expected);
}

}  // namespace

std::string gradient_difference(const Graph& loss, std::span<const Tensor> inputs,
                                std::span<const size_t> wrt, std::span<const Tensor> gradients,
                                uint64_t key) {
  PhiloxSequence random(key);
  for (size_t k = 0; k < wrt.size(); ++k) {
    const auto gradient = gradients[k].data<double>();
    if (gradient.empty()) continue;
    for (int64_t sample = 0;
         sample < std::min<int64_t>(kSampledElements, gradients[k].num_elements()); ++sample) {
      const size_t element = random.next_below(gradient.size());
      std::vector<double> direction(gradient.size(), 0.0);
      direction[element] = 1;
      const double expected = central_difference(loss, inputs, wrt[k], direction);
      if (!agrees(expected, gradient[element]))
        return fmt::format("gradient of '{}' at element {} is {}, but finite differences give {}",
                           loss.input_name(wrt[k]), element, gradient[element], expected);
    }
    std::vector<double> direction(gradient.size());
    double actual = 0;
    for (size_t i = 0; i < direction.size(); ++i) {
      direction[i] =
          (2 * random.next_unit() - 1) / std::sqrt(static_cast<double>(direction.size()));
      actual += direction[i] * gradient[i];
    }
    const double expected = central_difference(loss, inputs, wrt[k], direction);
    if (!agrees(expected, actual))
      return fmt::format(
          "gradient of '{}' along a random direction is {}, but finite differences "
          "give {}",
          loss.input_name(wrt[k]), actual, expected);
  }
  return "";
}

}  // namespace brisk::testing
