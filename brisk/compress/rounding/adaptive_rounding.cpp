#include "brisk/compress/rounding/adaptive_rounding.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "brisk/autodiff/gradient.h"
#include "brisk/ir/program.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/reduce/reduce.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

// A step is a graph of its own: the loss, its gradient, Adam's update, compiled once and run for
// each step. With the inputs' moments H the loss of an output's error d is d^T H d, so a step needs
// no data, and two steps with the same numbers are the same.

namespace brisk {
namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

class StepGraph {
 public:
  StepGraph(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid,
            const AdaptiveRoundingOptions& options)
      : options_(options), builder_(standard_ops(), "adaptive_rounding") {
    const Tensor scales = scales_of(weights, grid);
    Tensor floors(DType::f32, weights.sizes()), starts(DType::f32, weights.sizes());
    for (int64_t i = 0; i < weights.num_elements(); ++i) {
      const double steps = weights.get(i) / scales.get(i), low = std::floor(steps);
      floors.set(i, low);
      // Where the stretched sigmoid gives what is left of the weight.
      const double p = (std::clamp(steps - low, 1e-4, 1 - 1e-4) - options.stretch_low) /
                       (options.stretch_high - options.stretch_low);
      starts.set(i, std::log(p / (1 - p)));
    }
    const Value v = add("v", starts), mean = add("mean", Tensor::zeros(DType::f32, starts.sizes())),
                square_mean = add("square_mean", Tensor::zeros(DType::f32, starts.sizes())),
                w = add("weights", weights), low = add("floors", floors),
                scale = add("scales", scales), h = add("moments", moments);
    const Value beta = builder_.input("beta", Type(DType::f32, Shape())),
                regularization = builder_.input("regularization", Type(DType::f32, Shape())),
                first = builder_.input("first", Type(DType::f32, Shape())),
                second = builder_.input("second", Type(DType::f32, Shape()));
    const Value up = rounded_up(v);
    const Value lost =
        w - scale * clamp(low + up, static_cast<double>(grid.low), static_cast<double>(grid.high));
    const Value through = dot_general(
        h, lost, {.lhs_contract = {2}, .rhs_contract = {1}, .lhs_batch = {0}, .rhs_batch = {0}});
    const Value undecided = 1.0 - pow(abs(2.0 * up - 1.0), broadcast_to(beta, up.shape()));
    const Value loss = reduce_sum(lost * through) + regularization * reduce_sum(undecided);
    const Value slope = gradient(loss, std::vector{v})[0];
    const Value new_mean = kBeta1 * mean + (1 - kBeta1) * slope,
                new_square = kBeta2 * square_mean + (1 - kBeta2) * square(slope);
    // `first` and `second`: 1 / (1 - beta^t) of the two means.
    const Value step = new_mean * broadcast_to(first, v.shape()) /
                       (sqrt(new_square * broadcast_to(second, v.shape())) + kEpsilon);
    program_.num_results = 1;
    program_.updates = {0, 1, 2};
    program_.graph = builder_.finish({{"loss", loss},
                                      {"v", v - options.learning_rate * step},
                                      {"mean", new_mean},
                                      {"square_mean", new_square}});
  }

  /// v after all steps.
  Tensor run() {
    const auto executable =
        compile(program_, **find_backend("cpu"), {.threads = options_.threads}).executable;
    executable->bind_state(state_);
    const double warm = options_.warm_start * static_cast<double>(options_.steps);
    for (int64_t t = 1; t <= options_.steps; ++t) {
      const double at = static_cast<double>(t - 1),
                   way = std::max(0.0, (at - warm) / (static_cast<double>(options_.steps) - warm));
      const double beta = options_.least_beta + 0.5 *
                                                    (options_.greatest_beta - options_.least_beta) *
                                                    (1 + std::cos(way * std::numbers::pi));
      const auto scalar = [](double x) { return Tensor::scalar(DType::f32, x); };
      executable->run(std::vector{scalar(beta), scalar(at < warm ? 0 : options_.regularization),
                                  scalar(1 / (1 - std::pow(kBeta1, static_cast<double>(t)))),
                                  scalar(1 / (1 - std::pow(kBeta2, static_cast<double>(t))))});
    }
    return executable->state(0);
  }

 private:
  static Tensor scales_of(const Tensor& weights, const RoundingGrid& grid) {
    const int64_t rows = weights.sizes()[1], outputs = weights.sizes()[2];
    Tensor scales(DType::f32, weights.sizes());
    for (int64_t i = 0; i < weights.num_elements(); ++i) {
      const double scale =
          grid.scales[static_cast<size_t>(i / (rows * outputs) * outputs + i % outputs)];
      scales.set(i, scale > 0 ? scale : 1);
    }
    return scales;
  }

  Value add(const std::string& name, const Tensor& value) {
    Shape shape;
    for (const int64_t size : value.sizes()) shape.push_back(Extent(size));
    program_.state.push_back({name, Type(value.dtype(), shape), StateRole::parameter, false});
    state_.push_back(value);
    return builder_.input(name, program_.state.back().type);
  }

  Value rounded_up(Value v) const {
    return clamp(sigmoid(v) * (options_.stretch_high - options_.stretch_low) + options_.stretch_low,
                 0, 1);
  }

  AdaptiveRoundingOptions options_;
  Builder builder_;
  Program program_;
  std::vector<Tensor> state_;
};

void check(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid,
           const AdaptiveRoundingOptions& options) {
  require(weights.rank() == 3 && weights.dtype() == DType::f32,
          "weights to be rounded are f32 [groups, rows, outputs], not {}", weights.describe());
  const auto& s = weights.sizes();
  require(
      moments.dtype() == DType::f32 && moments.sizes() == std::vector<int64_t>{s[0], s[1], s[1]},
      "the moments of what {} weights are multiplied with are {}, not f32[{}, {}, {}]",
      weights.describe(), moments.describe(), s[0], s[1], s[1]);
  require(static_cast<int64_t>(grid.scales.size()) == s[0] * s[2] && grid.block_size == 0,
          "{} outputs have {} scales{}", s[0] * s[2], grid.scales.size(),
          grid.block_size == 0 ? "" : ", and blocks, which are not learned");
  require(options.steps > 0, "roundings are learned in {} steps", options.steps);
  for (const float x : moments.data<float>())
    require(std::isfinite(x), "the moments of what weights are multiplied with are not finite");
}

}  // namespace

Tensor learn_roundings(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid,
                       const AdaptiveRoundingOptions& options) {
  check(weights, moments, grid, options);
  Tensor up = StepGraph(weights, moments, grid, options).run().clone();
  for (float& x : up.data<float>()) {
    const double wide =
        1 / (1 + std::exp(-static_cast<double>(x))) * (options.stretch_high - options.stretch_low) +
        options.stretch_low;
    x = static_cast<float>(std::clamp(wide, 0.0, 1.0));
  }
  return up;
}

Tensor round_adaptively(const Tensor& weights, const Tensor& moments, const RoundingGrid& grid,
                        const AdaptiveRoundingOptions& options) {
  const Tensor up = learn_roundings(weights, moments, grid, options);
  const int64_t rows = weights.sizes()[1], outputs = weights.sizes()[2];
  Tensor integers(DType::i8, weights.sizes());
  for (int64_t i = 0; i < weights.num_elements(); ++i) {
    const double scale =
        grid.scales[static_cast<size_t>(i / (rows * outputs) * outputs + i % outputs)];
    const double integer = scale > 0 ? std::floor(weights.get(i) / scale) + (up.get(i) >= 0.5) : 0;
    integers.set(
        i, std::clamp(integer, static_cast<double>(grid.low), static_cast<double>(grid.high)));
  }
  return integers;
}

}  // namespace brisk
