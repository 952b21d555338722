// Training on a GPU beside training on the CPU. Skipped where there is no GPU.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <set>

#include "brisk/nn/zoo/zoo.h"
#include "brisk/train/step_target.h"
#include "brisk/train/trainer.h"
#include "tests/train/tiny_training.h"

namespace brisk::test {
namespace {

class CudaTraining : public ::testing::Test {
 protected:
  void SetUp() override {
    const Status here = (*find_backend("cuda"))->available();
    if (!here) GTEST_SKIP() << here.error();
  }
};

StepOptions step_options(Precision precision = Precision::float32) {
  StepOptions options;
  options.optimizer = adam({.learning_rate = 0.01});
  options.precision = precision;
  return options;
}

/// Losses of ten steps on both backends.
void expect_losses_follow(const Model& model, const StepOptions& options, double tolerance) {
  RunningStep cpu(model, options, 16, "cpu"), cuda(model, options, 16, "cuda");
  for (uint64_t step = 0; step < 10; ++step) {
    const std::vector<Tensor> batch = tiny_images(16, step + 1);
    cpu.run(batch);
    cuda.run(batch);
    EXPECT_NEAR(cpu.results[0].item(), cuda.results[0].item(), tolerance) << "step " << step;
  }
}

TEST_F(CudaTraining, AnMlpFollowsTheCpu) {
  expect_losses_follow(tiny_mlp(), step_options(), 1e-3);
}

TEST_F(CudaTraining, ACnnFollowsTheCpu) {
  expect_losses_follow(tiny_cnn(false), step_options(), 1e-3);
}

TEST_F(CudaTraining, BatchNormalisationFollowsTheCpu) {
  expect_losses_follow(tiny_cnn(true), step_options(), 1e-3);
}

TEST_F(CudaTraining, AccumulationFollowsTheCpu) {
  StepOptions options = step_options();
  options.accumulate = 4;
  expect_losses_follow(tiny_mlp(), options, 1e-3);
}

TEST_F(CudaTraining, MixedFloat16FollowsTheCpu) {
  expect_losses_follow(tiny_cnn(false), step_options(Precision::mixed_float16), 0.02);
}

/// A residual block as ResNet-50's, with channels that cuDNN's batch norm engines take.
Model tiny_bottleneck(uint64_t seed = 7) {
  ModelBuilder model("tiny_bottleneck");
  const auto normalised = [&](Value x, int64_t filters, int64_t kernel) {
    x = model(Conv2D{.filters = filters,
                     .kernel_size = {kernel, kernel},
                     .padding = "same",
                     .use_bias = false,
                     .kernel_initializer = "he_normal"},
              x);
    return model(BatchNormalization{.momentum = 0.9}, x);
  };
  Value x = model(ReLU{}, normalised(model.input("image", {8, 8, 2}), 8, 3));
  for (const bool project : {true, false}) {
    const Value shortcut = project ? normalised(x, 32, 1) : x;
    Value y = model(ReLU{}, normalised(x, 8, 1));
    y = model(ReLU{}, normalised(y, 8, 3));
    x = model(ReLU{}, model(Add{}, {normalised(y, 32, 1), shortcut}));
  }
  x = model(GlobalAveragePooling2D{}, x);
  Model result = model.finish({{"logits", model(Dense{.units = 3}, x)}});
  result.initialize(seed);
  return result;
}

TEST_F(CudaTraining, RoundedTypesWithEveryFusionFollowThemselvesWithout) {
  const Model model = tiny_bottleneck();
  for (const Precision precision :
       {Precision::mixed_float16, Precision::mixed_bfloat16, Precision::tf32})
    for (const std::set<std::string, std::less<>>& off :
         {std::set<std::string, std::less<>>{"group_loops"},
          {"batch_norm_through_pointwise"},
          {"batch_norm_through_pointwise", "fuse_batch_norm", "fuse_input_gradients",
           "pad_channels", "group_loops"}}) {
      StepOptions options = step_options(precision);
      options.optimizer = sgd({.learning_rate = 0.05, .momentum = 0.9});
      options.target = step_target(**find_backend("cuda"), precision);
      RunningStep fused(model, options, 16, "cuda");
      options.disabled_passes = off;
      RunningStep plain(model, options, 16, "cuda");
      for (uint64_t step = 0; step < 10; ++step) {
        const std::vector<Tensor> batch = tiny_images(16, step + 1);
        fused.run(batch);
        plain.run(batch);
        EXPECT_NEAR(fused.results[0].item(), plain.results[0].item(), 0.05)
            << "step " << step << " without " << fmt::format("{}", fmt::join(off, ", "));
      }
      const double tolerance = precision == Precision::mixed_bfloat16 ? 0.5 : 0.15;
      for (size_t i = 0; i < model.weights.size(); ++i)
        EXPECT_LT(relative_difference(plain.executable->state(i), fused.executable->state(i)),
                  tolerance)
            << model.program.state[i].name;
    }
}

/// Behind a pool, with as many channels as our own kernels of a block's gradients want.
Model wide_bottleneck() {
  ModelBuilder model("wide_bottleneck");
  const auto normalised = [&](Value x, int64_t filters, int64_t kernel, int64_t stride) {
    x = model(Conv2D{.filters = filters,
                     .kernel_size = {kernel, kernel},
                     .strides = {stride, stride},
                     .padding = "same",
                     .use_bias = false,
                     .kernel_initializer = "he_normal"},
              x);
    return model(BatchNormalization{.momentum = 0.9}, x);
  };
  Value x = model(ReLU{}, normalised(model.input("image", {8, 8, 2}), 64, 3, 2));
  x = model(ZeroPadding2D{.padding = {{1, 1}, {1, 1}}}, x);
  x = model(MaxPooling2D{.pool_size = {3, 3}, .strides = {2, 2}}, x);
  for (const bool project : {true, false, false}) {
    const Value shortcut = project ? normalised(x, 256, 1, 1) : x;
    Value y = model(ReLU{}, normalised(x, 64, 1, 1));
    y = model(ReLU{}, normalised(y, 64, 3, 1));
    x = model(ReLU{}, model(Add{}, {normalised(y, 256, 1, 1), shortcut}));
  }
  x = model(GlobalAveragePooling2D{}, x);
  Model result = model.finish({{"logits", model(Dense{.units = 3}, x)}});
  result.initialize(7);
  return result;
}

int64_t kernels_named(const Executable& executable, const std::string& part) {
  return std::ranges::count_if(executable.explain(), [&](const KernelReport& report) {
    return report.kernel.find(part) != std::string::npos;
  });
}

TEST_F(CudaTraining, ABlocksGradientsInOneKernelFollowTheirParts) {
  using Names = std::set<std::string, std::less<>>;
  const Model model = wide_bottleneck();
  for (const Precision precision :
       {Precision::mixed_float16, Precision::mixed_bfloat16, Precision::tf32}) {
    StepOptions options = step_options(precision);
    options.optimizer = sgd({.learning_rate = 0.02, .momentum = 0.9});
    options.target = step_target(**find_backend("cuda"), precision);
    options.target.places_through_pointwise = 0;
    for (const Names& off : {Names{"fuse_joins"}, Names{"fuse_input_gradients"},
                             Names{"fuse_pools", "pad_channels"}, Names{"order_filters"}}) {
      options.disabled_passes = {};
      RunningStep fused(model, options, 16, "cuda");
      EXPECT_EQ(kernels_named(*fused.executable, "input_gradient_join"), 2);
      EXPECT_EQ(kernels_named(*fused.executable, "moments_gradient_scale_shift"), 3);
      EXPECT_EQ(kernels_named(*fused.executable, "scale_shift_max_pool"), 2) << "and its gradient";
      EXPECT_EQ(kernels_named(*fused.executable, "ordered_filters"), 1);
      options.disabled_passes = off;
      RunningStep parts(model, options, 16, "cuda");
      for (uint64_t step = 0; step < 10; ++step) {
        const std::vector<Tensor> batch = tiny_images(16, step + 1);
        fused.run(batch);
        parts.run(batch);
        EXPECT_NEAR(fused.results[0].item(), parts.results[0].item(), 0.05)
            << "step " << step << " without " << fmt::format("{}", fmt::join(off, ", "));
      }
    }
  }
}

TEST_F(CudaTraining, NewWeightsArePreparedAnew) {
  const Model first = tiny_bottleneck(), second = tiny_bottleneck(8);
  StepOptions options = step_options(Precision::mixed_float16);
  options.target = (*find_backend("cuda"))->target();
  const Program program = make_prediction_step(first, options, 16);
  const std::vector<Tensor> batch = {tiny_images(16)[0]};
  const auto results_of = [&](Executable& executable) { return executable.run(batch)[0].clone(); };
  const auto compiled = [&](const Model& model) {
    auto executable = compile(program, **find_backend("cuda"), {}).executable;
    executable->bind_state(in_types_of(program.state, model.weights));
    return executable;
  };
  const auto of_first = compiled(first), of_second = compiled(second);
  const Tensor expected_first = results_of(*of_first), expected_second = results_of(*of_second);
  EXPECT_GT(relative_difference(expected_first, expected_second), 0.01);
  of_first->bind_state(in_types_of(program.state, second.weights));
  for (int run = 0; run < 3; ++run) EXPECT_TRUE(bit_equal(results_of(*of_first), expected_second));
  const std::vector<Tensor> weights = in_types_of(program.state, first.weights);
  for (size_t i = 0; i < weights.size(); ++i) of_first->set_state(i, weights[i]);
  for (int run = 0; run < 3; ++run) EXPECT_TRUE(bit_equal(results_of(*of_first), expected_first));
  setenv("BRISK_CUDA_PREPARE", "0", 1);
  const auto unprepared = compiled(first);
  unsetenv("BRISK_CUDA_PREPARE");
  EXPECT_LT(relative_difference(expected_first, results_of(*unprepared)), 1e-3);
}

TEST_F(CudaTraining, Tf32FollowsFloat32) {
  // Not with Adam in the wide one: its first steps take the sign of gradients that rounding
  // decides.
  for (const bool wide : {false, true}) {
    const Model model = wide ? wide_bottleneck() : tiny_bottleneck();
    StepOptions options = step_options();
    if (wide) options.optimizer = sgd({.learning_rate = 0.02, .momentum = 0.9});
    RunningStep exact(model, options, 16, "cuda");
    options.precision = Precision::tf32;
    options.target = step_target(**find_backend("cuda"), Precision::tf32);
    options.target.places_through_pointwise = 0;
    RunningStep rounded(model, options, 16, "cuda");
    for (uint64_t step = 0; step < 5; ++step) {
      const std::vector<Tensor> batch = tiny_images(16, step + 1);
      exact.run(batch);
      rounded.run(batch);
      EXPECT_NEAR(rounded.results[0].item(), exact.results[0].item(), 0.02)
          << model.name << ", step " << step;
    }
  }
}

/// After five steps of both.
void expect_equal_bits(RunningStep& first, RunningStep& second) {
  for (uint64_t step = 0; step < 5; ++step) {
    const std::vector<Tensor> batch = tiny_images(16, step + 1);
    first.run(batch);
    second.run(batch);
  }
  const auto a = first.executable->state(), b = second.executable->state();
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_TRUE(bit_equal(a[i], b[i])) << first.program.state[i].name;
}

void expect_equal_bits_twice(const Model& model, const StepOptions& options,
                             Determinism determinism = Determinism::noted) {
  RunningStep first(model, options, 16, "cuda", determinism),
      second(model, options, 16, "cuda", determinism);
  expect_equal_bits(first, second);
}

TEST_F(CudaTraining, ARunTwiceIsBitEqual) {
  expect_equal_bits_twice(tiny_cnn(true), step_options());
}

TEST_F(CudaTraining, ADeterministicStepTwiceIsBitEqual) {
  for (const Precision precision :
       {Precision::mixed_float16, Precision::mixed_bfloat16, Precision::tf32})
    for (const Model& model : {tiny_bottleneck(), wide_bottleneck()}) {
      StepOptions options = step_options(precision);
      options.target = step_target(**find_backend("cuda"), precision);
      options.target.places_through_pointwise = 0;
      SCOPED_TRACE(fmt::format("{}, precision {}", model.name, static_cast<int>(precision)));
      expect_equal_bits_twice(model, options, Determinism::full);
    }
}

/// Every byte that is read was written by the step that is to: what each step writes is filled with
/// ones (NaN) before, in the second of two trainings.
struct Poisoned {
  RunningStep clean, poisoned;
  Poisoned(const Model& model, const StepOptions& options, int64_t batch_size,
           Determinism determinism = Determinism::noted)
      : clean(model, options, batch_size, "cuda", determinism),
        poisoned((setenv("BRISK_CUDA_POISON", "1", 1), model), options, batch_size, "cuda",
                 determinism) {
    unsetenv("BRISK_CUDA_POISON");
  }
};

/// Where sums vary in their last bits: a NaN would be in the loss, or, in a gradient, make its step
/// be skipped and the loss scale smaller.
void expect_no_nan(Poisoned& both, const std::function<std::vector<Tensor>(uint64_t)>& images) {
  for (uint64_t step = 0; step < 5; ++step) {
    const std::vector<Tensor> batch = images(step + 1);
    both.clean.run(batch);
    both.poisoned.run(batch);
    EXPECT_NEAR(both.clean.results[0].item(), both.poisoned.results[0].item(), 0.15);
  }
  for (const char* name : {"loss_scale/scale", "loss_scale/good_steps"})
    EXPECT_TRUE(bit_equal(both.clean.state(name), both.poisoned.state(name))) << name;
  for (const Tensor& entry : both.poisoned.executable->state())
    for (int64_t i = 0; i < entry.num_elements(); ++i) ASSERT_TRUE(std::isfinite(entry.get(i)));
}

TEST_F(CudaTraining, PoisonedMemoryChangesNothing) {
  using Names = std::set<std::string, std::less<>>;
  for (const Precision precision :
       {Precision::float32, Precision::mixed_float16, Precision::mixed_bfloat16, Precision::tf32})
    for (const Model& model : {tiny_cnn(true), tiny_bottleneck(), wide_bottleneck()})
      for (const Names& off : {Names{}, Names{"group_loops", "fuse_loops"}}) {
        StepOptions options = step_options(precision);
        options.target = step_target(**find_backend("cuda"), precision);
        options.target.places_through_pointwise = 0;
        options.disabled_passes = off;
        SCOPED_TRACE(fmt::format("{}, precision {}, without [{}]", model.name,
                                 static_cast<int>(precision), fmt::join(off, ", ")));
        Poisoned both(model, options, 16, Determinism::full);
        expect_equal_bits(both.clean, both.poisoned);
        if (precision != Precision::mixed_float16) continue;
        // The sums of cuDNN's fused convolutions vary in their last bits.
        Poisoned varying(model, options, 16);
        expect_no_nan(varying, [](uint64_t step) { return tiny_images(16, step); });
      }
}

TEST_F(CudaTraining, AnOverflowSkipsTheStepAndTrainingRecovers) {
  StepOptions options = step_options(Precision::mixed_float16);
  options.target = (*find_backend("cuda"))->target();
  RunningStep step(tiny_bottleneck(), options, 16, "cuda");
  step.run(tiny_images(16, 1));
  const double scale = step.state("loss_scale/scale").item();
  step.executable->set_state(step.program.state_index("loss_scale/scale"),
                             Tensor::scalar(DType::f32, 1e30));
  const std::vector<Tensor> before = step.executable->state();
  step.run(tiny_images(16, 2));
  for (size_t i = 0; i < before.size(); ++i) {
    if (step.program.state[i].role != StateRole::parameter) continue;
    EXPECT_TRUE(bit_equal(before[i], step.executable->state(i))) << step.program.state[i].name;
  }
  EXPECT_TRUE(std::isfinite(step.results[0].item()));
  EXPECT_EQ(step.state("optimizer/iteration").item(), 1);
  EXPECT_EQ(step.state("loss_scale/scale").item(), static_cast<double>(1e30f) / 2);
  for (int i = 0; i < 100 && step.state("optimizer/iteration").item() == 1; ++i)
    step.run(tiny_images(16, 3));
  EXPECT_EQ(step.state("optimizer/iteration").item(), 2);
  EXPECT_GE(step.state("loss_scale/scale").item(), scale);
  EXPECT_FALSE(bit_equal(before[0], step.executable->state(0)));
}

/// Ten patterns of 32 x 32 pixels beneath as much noise that a hundred steps do not learn them all.
std::vector<Tensor> patterned_images(int64_t count, uint64_t seed) {
  constexpr int64_t kPixels = 32 * 32 * 3;
  PhiloxSequence random(seed);
  Tensor images(DType::f32, {count, 32, 32, 3}), labels(DType::i32, {count});
  for (int64_t n = 0; n < count; ++n) {
    const uint64_t label = random.next_below(10);
    labels.set(n, static_cast<double>(label));
    PhiloxSequence pattern(1000 + label);
    for (int64_t p = 0; p < kPixels; ++p)
      images.set(n * kPixels + p, 0.12 * pattern.next_normal() + random.next_normal());
  }
  return {images, labels};
}

/// Each weight moved by less than f16 can tell: another rounding, all else the same.
Model rounded_otherwise(Model model, uint64_t seed) {
  PhiloxSequence random(seed);
  for (Tensor& weight : model.weights) {
    weight = weight.clone();
    if (is_floating(weight.dtype()))
      for (int64_t i = 0; i < weight.num_elements(); ++i)
        weight.set(i, weight.get(i) * (1 + 0x1.0p-11 * (random.next_unit() - 0.5)));
  }
  return model;
}

TEST_F(CudaTraining, AHundredStepsOfResNet18WithEveryFusionDifferAsRoundingDoes) {
  Model model = zoo::resnet18({.input = {32, 32, 3}, .classes = 10, .small_stem = true});
  model.initialize(5);
  StepOptions options = step_options(Precision::mixed_float16);
  options.optimizer = sgd({.learning_rate = 0.02, .momentum = 0.9});
  options.target = (*find_backend("cuda"))->target();
  RunningStep fused(model, options, 64, "cuda");
  options.disabled_passes = {"batch_norm_through_pointwise",
                             "fuse_batch_norm",
                             "fuse_input_gradients",
                             "fuse_joins",
                             "fuse_pools",
                             "fuse_epilogues",
                             "pad_channels",
                             "order_filters",
                             "group_loops"};
  RunningStep plain(model, options, 64, "cuda");
  RunningStep other(rounded_otherwise(model, 1), options, 64, "cuda");
  RunningStep another(rounded_otherwise(model, 2), options, 64, "cuda");
  double by_fusion = 0, by_rounding = 0, first = 0, last = 0;
  constexpr uint64_t kSteps = 100;
  for (uint64_t step = 0; step < kSteps; ++step) {
    const std::vector<Tensor> batch = patterned_images(64, step + 1);
    for (RunningStep* each : {&fused, &plain, &other, &another}) each->run(batch);
    const double loss = plain.results[0].item();
    by_fusion += std::fabs(fused.results[0].item() - loss) / kSteps;
    by_rounding +=
        (std::fabs(other.results[0].item() - loss) + std::fabs(another.results[0].item() - loss)) /
        (2 * kSteps);
    if (step < 10) first += loss / 10;
    if (step >= kSteps - 10) last += loss / 10;
  }
  fmt::print(
      "losses {:.3f} to {:.3f}; differ by {:.4f} with fusion, by {:.4f} with another "
      "rounding of the weights\n",
      first, last, by_fusion, by_rounding);
  EXPECT_LT(last, 0.8 * first);
  EXPECT_LT(by_fusion, 1.5 * by_rounding);
}

TEST_F(CudaTraining, PoisonedMemoryChangesNothingOfResNet18) {
  Model model = zoo::resnet18({.input = {32, 32, 3}, .classes = 10, .small_stem = true});
  model.initialize(5);
  StepOptions options = step_options(Precision::mixed_float16);
  options.optimizer = sgd({.learning_rate = 0.02, .momentum = 0.9});
  options.target = (*find_backend("cuda"))->target();
  Poisoned both(model, options, 64);
  expect_no_nan(both, [](uint64_t step) { return patterned_images(64, step); });
}

TEST_F(CudaTraining, ATrainerLearnsAndItsMetricsMissNoStep) {
  const Dataset data = tiny_dataset(192).batch(16);
  std::map<std::string, Metrics> last;
  for (const std::string backend : {"cpu", "cuda"}) {
    Trainer trainer(tiny_mlp(), {.optimizer = adam({.learning_rate = 0.01}), .backend = backend});
    last[backend] = trainer.fit(data, {.epochs = 4}).epochs.back();
    EXPECT_GT(trainer.evaluate(data).at("accuracy"), 0.9) << backend;
  }
  EXPECT_NEAR(last["cpu"].at("loss"), last["cuda"].at("loss"), 1e-3);
  EXPECT_NEAR(last["cpu"].at("accuracy"), last["cuda"].at("accuracy"), 0.02);
}

}  // namespace
}  // namespace brisk::test
