#pragma once

/// Small models, made-up batches and single steps for the tests of training.

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "brisk/base/philox.h"
#include "brisk/data/memory_source.h"
#include "brisk/nn/layers.h"
#include "brisk/runtime/backend.h"
#include "brisk/train/step.h"

namespace brisk::test {

/// Eight by eight pixels, three classes. With `regularised`, batch normalisation and dropout.
inline Model tiny_cnn(bool regularised, uint64_t seed = 7) {
  ModelBuilder model("tiny_cnn");
  Value x = model.input("image", {8, 8, 2});
  x = model(Conv2D{.filters = 4,
                   .padding = "same",
                   .use_bias = !regularised,
                   .kernel_initializer = "he_normal"},
            x);
  if (regularised) x = model(BatchNormalization{.momentum = 0.9}, x);
  x = model(ReLU{}, x);
  x = model(Conv2D{.filters = 6, .kernel_size = {3, 3}, .activation = "relu"}, x);
  x = model(MaxPooling2D{}, x);
  x = model(Flatten{}, x);
  if (regularised) x = model(Dropout{.rate = 0.25}, x);
  Model result = model.finish({{"logits", model(Dense{.units = 3}, x)}});
  result.initialize(seed);
  return result;
}

/// Flatten, eight hidden units, three classes.
inline Model tiny_mlp(uint64_t seed = 7, double dropout = 0) {
  ModelBuilder model("tiny_mlp");
  Value x = model(Flatten{}, model.input("image", {8, 8, 2}));
  x = model(Dense{.units = 8, .activation = "tanh"}, x);
  if (dropout > 0) x = model(Dropout{.rate = dropout}, x);
  Model result = model.finish({{"logits", model(Dense{.units = 3}, x)}});
  result.initialize(seed);
  return result;
}

/// Images f32[count, 8, 8, 2] and labels i32[count]: which of three bands of rows is the brightest.
inline std::vector<Tensor> tiny_images(int64_t count, uint64_t seed = 1) {
  PhiloxSequence random(seed);
  Tensor images(DType::f32, {count, 8, 8, 2}), labels(DType::i32, {count});
  for (int64_t n = 0; n < count; ++n) {
    const auto label = static_cast<int64_t>(random.next_below(3));
    labels.set(n, static_cast<double>(label));
    for (int64_t p = 0; p < 8 * 8 * 2; ++p) {
      const bool bright = p / 16 / 3 == label;  // rows 0-2, 3-5, 6-7
      images.set(n * 128 + p, random.next_normal() * 0.5 + (bright ? 1.0 : 0.0));
    }
  }
  return {images, labels};
}

inline Dataset tiny_dataset(int64_t count, uint64_t seed = 1) {
  return from_tensor_slices(tiny_images(count, seed));
}

/// A compiled training step with its state.
struct RunningStep {
  Program program;
  std::unique_ptr<Executable> executable;
  std::vector<Tensor> results;  ///< of the last run

  RunningStep(const Model& model, const StepOptions& options, int64_t batch_size,
              const std::string& backend = "cpu", Determinism determinism = Determinism::noted) {
    program = make_training_step(model, options, batch_size);
    CompileOptions compile_options;
    compile_options.threads = 1;
    compile_options.determinism = determinism;
    compile_options.disabled_passes = options.disabled_passes;
    compile_options.tf32 = options.precision == Precision::tf32;
    executable = compile(program, **find_backend(backend), compile_options).executable;
    executable->bind_state(initial_step_state(program, model));
  }
  void run(const std::vector<Tensor>& batch) {
    results.clear();
    for (const Tensor& result : executable->run(batch)) results.push_back(result.clone());
  }
  Tensor state(const std::string& name) const {
    return executable->state(program.state_index(name));
  }
};

/// max |a - b| over max |a|.
inline double relative_difference(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes()) return INFINITY;
  double largest = 0, difference = 0;
  for (int64_t i = 0; i < a.num_elements(); ++i) {
    if (!std::isfinite(a.get(i)) || !std::isfinite(b.get(i))) return INFINITY;
    largest = std::max(largest, std::fabs(a.get(i)));
    difference = std::max(difference, std::fabs(a.get(i) - b.get(i)));
  }
  return difference == 0 ? 0 : difference / std::max(largest, 1e-300);
}

/// Momentum after one step from zero at rate 1 is the negated gradient, to the last bit.
inline StepOptions gradient_options() {
  StepOptions options;
  options.optimizer = sgd({.learning_rate = 1, .momentum = 0.9});
  return options;
}

/// The gradients' entries of a step made with gradient_options().
inline std::vector<std::string> gradient_names(const Program& step) {
  std::vector<std::string> names;
  for (const StateEntry& entry : step.state)
    if (entry.role == StateRole::slot) names.push_back(entry.name);
  return names;
}

}  // namespace brisk::test
