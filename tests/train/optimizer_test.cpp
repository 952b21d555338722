#include "brisk/train/optimizer.h"

#include <gtest/gtest.h>

#include "tests/train/tiny_training.h"

// One Dense layer of three weights and a bias, fitted to three examples for five steps, in f64:
// held against Keras 3 and against the formulas written out. Keras rounds constants to f32 on the
// way, and 1 - beta_2 is worth five digits then, whence 1e-5.

namespace brisk::test {
namespace {

Model one_dense() {
  ModelBuilder builder("line");
  const Value x = builder.input("x", {3});
  Model model = builder.finish({{"y", builder(Dense{.units = 1, .name = "dense"}, x)}});
  model.weights = {Tensor::of<float>({3, 1}, {1, -2, 3}), Tensor::of<float>({1}, {0.25f})};
  return model;
}

const std::vector<Tensor> kBatch = {Tensor::of<float>({3, 3}, {1, 0, 0, 0, 2, 0, 0, 0, -3}),
                                    Tensor::of<float>({3, 1}, {0.5f, 1.5f, -2})};

StepOptions line_options(OptimizerPtr optimizer) {
  StepOptions options;
  options.loss = {.name = "mean_squared_error"};
  options.metrics = {};
  options.optimizer = std::move(optimizer);
  options.precision = Precision::float64;
  return options;
}

/// Kernel and bias after `steps` steps.
std::vector<double> fitted(OptimizerPtr optimizer, int steps = 5) {
  RunningStep step(one_dense(), line_options(std::move(optimizer)), 3);
  for (int i = 0; i < steps; ++i) step.run(kBatch);
  const Tensor kernel = step.state("dense/kernel");
  return {kernel.get(0), kernel.get(1), kernel.get(2), step.state("dense/bias").get(0)};
}

struct KerasCase {
  std::string name;
  OptimizerPtr optimizer;
  std::vector<double> keras;
};

std::vector<KerasCase> keras_cases() {
  return {
      {"sgd",
       sgd({.learning_rate = 0.1}),
       {0.5469116049382715, -0.28625580246913573, 1.1101333333333334, 1.2837392592592591}},
      {"momentum",
       sgd({.learning_rate = 0.1, .momentum = 0.9}),
       {-0.34880001686790923, 1.355267432797517, 1.369798341614404, 1.1222342523260478}},
      {"nesterov",
       sgd({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}),
       {-0.5179941777237005, 0.8120501597086185, 1.13410275380835, 0.7599966508611589}},
      {"sgd_decay",
       sgd({.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.05}),
       {-0.3529721258655694, 1.3531171338812555, 1.374143306718877, 1.0845996131146922}},
      {"adam",
       adam({.learning_rate = 0.1}),
       {0.5000249671560029, -1.5035303066512904, 2.503708211326476, 0.7460376956020853}},
      {"adam_other",
       adam({.learning_rate = 0.05, .beta_1 = 0.8, .beta_2 = 0.95, .epsilon = 1e-3}),
       {0.7514558372158447, -1.751249583158639, 2.751246270753117, 0.49863997414310113}},
      {"adamw",
       adamw({.learning_rate = 0.1, .weight_decay = 0.004}),
       {0.49845555462599356, -1.4999539446087649, 2.4981537057391923, 0.7451067495053083}},
      {"adamw_excluded",
       adamw({.learning_rate = 0.1, .weight_decay = 0.2, .exclude_from_weight_decay = {"bias"}}),
       {0.42470126580278433, -1.3321637424093047, 2.2374207954539593, 0.7440808609941771}},
      {"clipnorm",
       sgd({.learning_rate = 0.1, .clipnorm = 0.7}),
       {0.9852809334275819, -1.8355956244814204, 2.691388715220842, 0.6}},
      {"global_clipnorm",
       sgd({.learning_rate = 0.1, .global_clipnorm = 0.7}),
       {0.9882210975823996, -1.8524760566716763, 2.7229268622556058, 0.40434078182802635}},
      {"clipvalue",
       adam({.learning_rate = 0.1, .clipvalue = 0.3}),
       {0.5000067303537442, -1.5000067303537445, 2.500006730353744, 0.7499932696462557}},
  };
}

TEST(Optimizer, FiveStepsAreKeras) {
  for (const KerasCase& c : keras_cases()) {
    const std::vector<double> ours = fitted(c.optimizer);
    for (size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(ours[i], c.keras[i], c.optimizer->slots({}).size() == 2 ? 1e-5 : 1e-7)
          << c.name << " value " << i;
  }
}

/// Gradients of mean((X w + b - t)^2) for the batch above: three weights and the bias.
std::vector<double> line_gradients(const std::vector<double>& w) {
  const double x[] = {1, 2, -3}, t[] = {0.5, 1.5, -2};
  std::vector<double> gradients(4);
  for (size_t i = 0; i < 3; ++i) {
    const double slope = 2.0 / 3 * (x[i] * w[i] + w[3] - t[i]);
    gradients[i] = slope * x[i];
    gradients[3] += slope;
  }
  return gradients;
}

TEST(Optimizer, AdamWIsItsFormula) {
  const double rate = 0.1, beta_1 = 0.85, beta_2 = 0.99, epsilon = 1e-5, decay = 0.3;
  std::vector<double> w = {1, -2, 3, 0.25}, m(4), v(4);
  for (int t = 1; t <= 5; ++t) {
    const std::vector<double> g = line_gradients(w);
    const double alpha = rate * std::sqrt(1 - std::pow(beta_2, t)) / (1 - std::pow(beta_1, t));
    for (size_t i = 0; i < 4; ++i) {
      if (i < 3) w[i] -= w[i] * decay * rate;
      m[i] = beta_1 * m[i] + (1 - beta_1) * g[i];
      v[i] = beta_2 * v[i] + (1 - beta_2) * g[i] * g[i];
      w[i] -= alpha * m[i] / (std::sqrt(v[i]) + epsilon);
    }
  }
  const std::vector<double> ours = fitted(adamw({.learning_rate = rate,
                                                 .beta_1 = beta_1,
                                                 .beta_2 = beta_2,
                                                 .epsilon = epsilon,
                                                 .weight_decay = decay,
                                                 .exclude_from_weight_decay = {"bias"}}));
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(ours[i], w[i], 1e-12) << i;
}

TEST(Optimizer, NesterovIsItsFormula) {
  std::vector<double> w = {1, -2, 3, 0.25}, m(4);
  for (int t = 1; t <= 5; ++t) {
    const std::vector<double> g = line_gradients(w);
    for (size_t i = 0; i < 4; ++i) {
      m[i] = 0.9 * m[i] - 0.1 * g[i];
      w[i] += 0.9 * m[i] - 0.1 * g[i];
    }
  }
  const std::vector<double> ours =
      fitted(sgd({.learning_rate = 0.1, .momentum = 0.9, .nesterov = true}));
  for (size_t i = 0; i < 4; ++i) EXPECT_NEAR(ours[i], w[i], 1e-12) << i;
}

TEST(Optimizer, DefaultsAreKeras) {
  EXPECT_EQ(sgd()->learning_rate, 0.01);
  EXPECT_EQ(adam()->learning_rate, 0.001);
  EXPECT_EQ(adam()->weight_decay, 0);
  EXPECT_EQ(adamw()->learning_rate, 0.001);
  EXPECT_EQ(adamw()->weight_decay, 0.004);
  EXPECT_EQ(sgd()->slots({}).size(), 0u);
  EXPECT_EQ(sgd({.momentum = 0.5})->slots({}), std::vector<std::string>{"momentum"});
  EXPECT_EQ(adam()->slots({}), (std::vector<std::string>{"momentum", "velocity"}));
}

TEST(Optimizer, TheFirstStepOfAdamIsTheRateWhateverTheGradient) {
  const std::vector<double> after = fitted(adam({.learning_rate = 0.125, .epsilon = 0}), 1);
  EXPECT_NEAR(after[0], 1 - 0.125, 1e-12);
  EXPECT_NEAR(after[1], -2 + 0.125, 1e-12);
  EXPECT_NEAR(after[2], 3 - 0.125, 1e-12);
}

TEST(Optimizer, ClippingBelowTheLimitChangesNothing) {
  const std::vector<double> plain = fitted(sgd({.learning_rate = 0.1}));
  EXPECT_EQ(fitted(sgd({.learning_rate = 0.1, .clipnorm = 1e6})), plain);
  EXPECT_EQ(fitted(sgd({.learning_rate = 0.1, .global_clipnorm = 1e6})), plain);
  EXPECT_EQ(fitted(sgd({.learning_rate = 0.1, .clipvalue = 1e6})), plain);
}

TEST(Optimizer, TheRateComesFromTheState) {
  RunningStep step(one_dense(), line_options(sgd({.learning_rate = 0.1})), 3);
  step.executable->set_state(step.program.state_index("optimizer/learning_rate"),
                             Tensor::scalar(DType::f64, 0));
  step.run(kBatch);
  EXPECT_EQ(step.state("dense/kernel").get(0), 1);
  EXPECT_EQ(step.state("optimizer/iteration").item(), 1);
}

TEST(Optimizer, RefusesWhatCannotBe) {
  const auto refusal = [](const auto& make) -> std::string {
    try {
      make();
    } catch (const UserError& error) {
      return error.what();
    }
    return "no refusal";
  };
  EXPECT_EQ(refusal([] { sgd({.momentum = 1.5}); }),
            "[sgd] momentum is 1.5, but must be in [0, 1]");
  EXPECT_EQ(refusal([] { adam({.beta_1 = 1}); }), "[adam] beta is 1, but must be in [0, 1)");
  EXPECT_EQ(refusal([] { adamw({.epsilon = -1}); }),
            "[adamw] epsilon is -1, but must not be negative");
  EXPECT_EQ(refusal([] { sgd({.learning_rate = -0.1}); }),
            "[sgd] learning_rate is -0.1, but must not be negative");
  EXPECT_EQ(
      refusal([] { adam({.clipnorm = 1, .clipvalue = 2}); }),
      "[adam] at most one of clipnorm (1), global_clipnorm (0) and clipvalue (2) may be given");
}

}  // namespace
}  // namespace brisk::test
