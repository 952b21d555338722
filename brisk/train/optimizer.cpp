#include "brisk/train/optimizer.h"

#include <algorithm>

#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/train/optimizer_options.h"

// Keras 3's update rules. Adam's epsilon is added outside the root and is not bias-corrected:
// alpha = lr sqrt(1 - beta_2^t) / (1 - beta_1^t); w -= alpha m / (sqrt(v) + epsilon).

namespace brisk {

bool names_one_of(const std::string& name, const std::vector<std::string>& parts) {
  return std::ranges::any_of(
      parts, [&](const std::string& part) { return name.find(part) != std::string::npos; });
}

double Optimizer::weight_decay_of(const ParameterInfo& info) const {
  return names_one_of(info.name, exclude_from_weight_decay) ? 0 : weight_decay;
}

namespace {

class Sgd final : public Optimizer {
 public:
  explicit Sgd(const SgdOptions& options) : options_(options) {
    require(options.momentum >= 0 && options.momentum <= 1,
            "[sgd] momentum is {}, but must be in [0, 1]", options.momentum);
    require(!options.nesterov || options.momentum > 0, "[sgd] nesterov needs a momentum above 0");
    take_shared_options(*this, options);
  }
  std::string name() const final { return "sgd"; }
  std::vector<std::string> slots(const ParameterInfo& /*info*/) const override {
    return options_.momentum > 0 ? std::vector<std::string>{"momentum"}
                                 : std::vector<std::string>{};
  }
  UpdateResult update(const UpdateContext& c) const override {
    const Value step = c.gradient * c.learning_rate;
    if (options_.momentum == 0) return {c.parameter - step, {}};
    const Value momentum = c.slots[0] * options_.momentum - step;
    if (options_.nesterov) return {c.parameter + (momentum * options_.momentum - step), {momentum}};
    return {c.parameter + momentum, {momentum}};
  }

 private:
  SgdOptions options_;
};

class Adam final : public Optimizer {
 public:
  Adam(const AdamOptions& options, std::string name) : options_(options), name_(std::move(name)) {
    for (const double beta : {options.beta_1, options.beta_2})
      require(beta >= 0 && beta < 1, "[{}] beta is {}, but must be in [0, 1)", name_, beta);
    require(options.epsilon >= 0, "[{}] epsilon is {}, but must not be negative", name_,
            options.epsilon);
    take_shared_options(*this, options);
  }
  std::string name() const final { return name_; }
  std::vector<std::string> slots(const ParameterInfo& /*info*/) const override {
    return {"momentum", "velocity"};
  }
  UpdateResult update(const UpdateContext& c) const override {
    Builder& builder = *c.iteration.builder;
    const auto power = [&](double beta) {
      return pow(builder.scalar(c.iteration.dtype(), beta), c.iteration);
    };
    const Value alpha =
        c.learning_rate * sqrt(1.0 - power(options_.beta_2)) / (1.0 - power(options_.beta_1));
    const Value m = c.slots[0] + (c.gradient - c.slots[0]) * (1 - options_.beta_1);
    const Value v = c.slots[1] + (square(c.gradient) - c.slots[1]) * (1 - options_.beta_2);
    return {c.parameter - m * alpha / (sqrt(v) + options_.epsilon), {m, v}};
  }

 private:
  AdamOptions options_;
  std::string name_;
};

}  // namespace

OptimizerPtr sgd(const SgdOptions& options) {
  return std::make_shared<Sgd>(options);
}
OptimizerPtr adam(const AdamOptions& options) {
  return std::make_shared<Adam>(options, "adam");
}
OptimizerPtr adamw(AdamOptions options) {
  return std::make_shared<Adam>(options, "adamw");
}

}  // namespace brisk
