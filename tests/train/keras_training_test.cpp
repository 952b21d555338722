// Training that Keras began. The C++ half of tests/oracle/keras_training.py, which saves models
// after 20 steps and knows the losses of the next 20; and refusals.

#include "brisk/train/keras_training.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <iostream>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/data/memory_source.h"
#include "brisk/formats/safetensors/safetensors.h"

namespace brisk {
namespace {

TEST(KerasTraining, GoesOnWithTheLossesOfKeras) {
  const char* folder = std::getenv("BRISK_ORACLE_FOLDER");
  if (folder == nullptr) GTEST_SKIP() << "run by tests/oracle/keras_training.py";
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".keras") continue;
    const std::string stem = (std::filesystem::path(folder) / entry.path().stem()).string();
    const KerasModel keras = read_keras(entry.path()).value();
    TrainerOptions options = keras_training(keras).value();
    EXPECT_FALSE(options.initial_state.empty()) << stem;
    const SafetensorsFile data = read_safetensors(stem + ".data.safetensors").value();
    const Json losses = parse_json(read_file(stem + ".losses.json").value(), stem).value();
    Trainer trainer(keras.model, options);
    std::vector<double> means;
    FitOptions fit;
    fit.callbacks.on_step = [&](const StepReport& report) {
      means.push_back(report.metrics.at("loss"));
    };
    trainer.fit(from_tensor_slices({data.at("x"), data.at("y")}).batch(16), fit);
    ASSERT_EQ(means.size(), 20u) << stem;
    double largest = 0;
    for (size_t step = 0; step < means.size(); ++step) {
      // Reports carry the mean of the epoch so far.
      const double before = step == 0 ? 0 : means[step - 1] * static_cast<double>(step);
      const double loss = means[step] * static_cast<double>(step + 1) - before;
      EXPECT_NEAR(loss, losses[20 + step].get<double>(), 1e-4) << stem << " step " << step;
      largest = std::max(largest, std::abs(loss - losses[20 + step].get<double>()));
    }
    std::cout << fmt::format("losses of {} differ by {:.1e}\n", entry.path().stem().string(),
                             largest);
    ++count;
  }
  EXPECT_GT(count, 0);
}

TEST(KerasTraining, RefusesAnUncompiledModel) {
  EXPECT_EQ(keras_training(KerasModel()).error(),
            "the model was saved uncompiled: it names no optimizer and no loss");
}

TEST(KerasTraining, NamesWhatBriskHasNot) {
  KerasModel keras;
  keras.compile_config = R"({"optimizer": {"class_name": "Ftrl", "config": {}}, "loss": "mse"})";
  EXPECT_EQ(keras_training(keras).error(),
            "brisk has no optimizer 'Ftrl'; it has SGD, Adam, AdamW and Muon");
  keras.compile_config =
      R"({"optimizer": {"class_name": "Adam", "config": {"amsgrad": true}}, "loss": "mse"})";
  EXPECT_NE(keras_training(keras).error().find("amsgrad"), std::string::npos);
  keras.compile_config = R"({"optimizer": {"class_name": "Adam", "config": {}}, "loss": "dice"})";
  EXPECT_EQ(keras_training(keras).error(), "brisk has no loss '\"dice\"'");
}

TEST(KerasTraining, CountsTheOptimizersVariables) {
  KerasModel keras;
  keras.compile_config =
      R"({"optimizer": {"class_name": "SGD", "config": {"momentum": 0.9}}, "loss": "mse"})";
  keras.optimizer_variables.resize(5, Tensor::scalar(DType::f32, 0));
  EXPECT_EQ(keras_training(keras).error(),
            "the optimizer sgd has 5 variables in the file, but 0 trained weights need 2");
}

}  // namespace
}  // namespace brisk
