#include "brisk/train/recipe.h"

#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_directory.h"

namespace brisk {
namespace {

Recipe parsed(const std::string& text) {
  return parse_recipe(text, "recipe.yaml", "/srv/job").value();
}

const std::string kData = "data: {train: fashion_mnist}\n";

std::string refusal(const std::string& text) {
  const Result<Recipe> recipe = parse_recipe(text, "recipe.yaml", "/srv/job");
  return recipe ? "no refusal" : recipe.error();
}

TEST(Recipe, DefaultsAreThoseOfTheStruct) {
  const Recipe recipe = parsed(kData), wanted;
  EXPECT_EQ(recipe.train.named, "fashion_mnist");
  EXPECT_TRUE(recipe.validation.empty());
  EXPECT_EQ(recipe.model.name, "small_cnn");
  EXPECT_EQ(recipe.batch_size, wanted.batch_size);
  EXPECT_EQ(recipe.optimizer.name, "adam");
  EXPECT_EQ(recipe.metrics, wanted.metrics);
  EXPECT_EQ(recipe.mean, wanted.mean);
  EXPECT_EQ(recipe.std, wanted.std);
}

TEST(Recipe, EveryFieldIsRead) {
  const Recipe r = parsed(R"(
model: {name: resnet18, classes: 7, dropout: 0.25, resize: [96, 64]}
data:
  train: {image_folder: photos/train, size: [64, 48], channels: 1, take: 100, cache: true}
  validation: {idx: {images: a.gz, labels: /b}, take: 5}
augment: [random_flip_horizontal, {name: random_crop, size: [60, 44], padding: 4}, {name: resize, size: [32, 32]}]
mean: [1, 2.5, -3]
std: 4
batch_size: 32
shuffle: 1000
epochs: 12
validation_freq: 3
optimizer: {name: sgd, learning_rate: 0.5, momentum: 0.9, nesterov: true, weight_decay: 0.01,
            exclude_from_weight_decay: [bias, gamma], global_clipnorm: 2}
schedule: {name: cosine_decay, alpha: 0.1, warmup_steps: 20}
loss: categorical_crossentropy
label_smoothing: 0.1
metrics: [accuracy, top_3_accuracy]
precision: mixed_bfloat16
accumulate: 4
seed: 9223372036854775807
threads: 2
data_threads: 3
backend: reference
output: /runs/x
checkpoint_every_steps: 50
checkpoint_every_epochs: 4
disabled_passes: [fuse_loops]
)");
  EXPECT_EQ(r.model.name, "resnet18");
  EXPECT_EQ(r.model.classes, 7);
  EXPECT_EQ(r.model.dropout, 0.25);
  EXPECT_EQ(r.model.resize, (std::vector<int64_t>{96, 64}));
  EXPECT_EQ(r.train.image_folder, "/srv/job/photos/train");
  EXPECT_EQ(r.train.size, (std::vector<int64_t>{64, 48}));
  EXPECT_EQ(r.train.channels, 1);
  EXPECT_EQ(r.train.take, 100);
  EXPECT_TRUE(r.train.cache);
  EXPECT_FALSE(r.validation.cache);
  EXPECT_EQ(r.validation_freq, 3);
  EXPECT_EQ(r.checkpoint_every_epochs, 4);
  EXPECT_EQ(r.validation.idx_images, "/srv/job/a.gz");
  EXPECT_EQ(r.validation.idx_labels, "/b");
  EXPECT_EQ(r.validation.take, 5);
  ASSERT_EQ(r.augment.size(), 3u);
  EXPECT_EQ(r.augment[1].name, "random_crop");
  EXPECT_EQ(r.augment[1].size, (std::vector<int64_t>{60, 44}));
  EXPECT_EQ(r.augment[1].padding, 4);
  EXPECT_EQ(r.mean, (std::vector<double>{1, 2.5, -3}));
  EXPECT_EQ(r.std, std::vector<double>{4});
  EXPECT_EQ(r.batch_size, 32);
  EXPECT_EQ(r.shuffle, 1000);
  EXPECT_EQ(r.epochs, 12);
  EXPECT_EQ(r.optimizer.name, "sgd");
  EXPECT_EQ(r.optimizer.learning_rate, 0.5);
  EXPECT_EQ(r.optimizer.momentum, 0.9);
  EXPECT_TRUE(r.optimizer.nesterov);
  EXPECT_EQ(r.optimizer.weight_decay, 0.01);
  EXPECT_EQ(r.optimizer.exclude_from_weight_decay, (std::vector<std::string>{"bias", "gamma"}));
  EXPECT_EQ(r.optimizer.global_clipnorm, 2);
  EXPECT_EQ(r.schedule.name, "cosine_decay");
  EXPECT_EQ(r.schedule.alpha, 0.1);
  EXPECT_EQ(r.schedule.warmup_steps, 20);
  EXPECT_EQ(r.loss, "categorical_crossentropy");
  EXPECT_EQ(r.label_smoothing, 0.1);
  EXPECT_EQ(r.metrics, (std::vector<std::string>{"accuracy", "top_3_accuracy"}));
  EXPECT_EQ(r.precision, Precision::mixed_bfloat16);
  EXPECT_EQ(r.accumulate, 4);
  EXPECT_EQ(r.seed, 9223372036854775807u);
  EXPECT_EQ(r.threads, 2);
  EXPECT_EQ(r.data_threads, 3);
  EXPECT_EQ(r.backend, "reference");
  EXPECT_EQ(r.output, "/runs/x");
  EXPECT_EQ(r.checkpoint_every_steps, 50);
  EXPECT_EQ(r.disabled_passes, std::vector<std::string>{"fuse_loops"});
}

TEST(Recipe, ShortFormsStandForTheName) {
  const Recipe r = parsed(kData + "model: mlp\noptimizer: adamw\nschedule: one_cycle\n");
  EXPECT_EQ(r.model.name, "mlp");
  EXPECT_EQ(r.optimizer.name, "adamw");
  EXPECT_EQ(r.schedule.name, "one_cycle");
  EXPECT_EQ(parsed(kData + "model: runs/first/model").model.package, "/srv/job/runs/first/model");
  EXPECT_EQ(parsed(kData + "model: {package: m}").model.package, "/srv/job/m");
  const Recipe adam =
      parsed(kData +
             "optimizer: {name: adam, beta_1: 0.8, beta_2: 0.9, epsilon: 0.1, clipnorm: 3}\n"
             "schedule: {name: one_cycle, pct_start: 0.2}");
  EXPECT_EQ(adam.optimizer.beta_1, 0.8);
  EXPECT_EQ(adam.optimizer.beta_2, 0.9);
  EXPECT_EQ(adam.optimizer.epsilon, 0.1);
  EXPECT_EQ(adam.optimizer.clipnorm, 3);
  EXPECT_EQ(adam.schedule.pct_start, 0.2);
}

TEST(Recipe, CommentsAndQuotedTextsMayHoldAnyLetters) {
  const Recipe r = parsed(kData + "# 2 * 3 & more\noutput: \"/runs/a & b*\"\n");
  EXPECT_EQ(r.output, "/runs/a & b*");
}

TEST(Recipe, EachFieldRefusesWhatItCannotTakeAndSaysWhere) {
  // A line of its own (line 2) and what the message says about it, behind "recipe.yaml: line 2, ".
  const std::pair<std::string, std::string> cases[] = {
      {"model: resnet51", "column 8: there is no model 'resnet51'; did you mean 'resnet50'?"},
      {"model: [mlp]", "column 8: model must be a mapping of fields to values"},
      {"model: {name: mlp, classes: 0}",
       "column 29: model.classes is 0, but must be between 1 and 16777216"},
      {"model: {name: mlp, classes: ten}",
       "column 29: model.classes must be a whole number, but is 'ten'"},
      {"model: {name: mlp, width: 3}", "column 20: model has no field 'width'"},
      {"model: {name: mlp, dropout: 1}",
       "column 29: model.dropout is 1, but must be between 0 and 0.999"},
      {"model: {package: a, classes: 3}", "column 21: model has no field 'classes'"},
      {"model: {package: ''}", "column 18: model.package is empty"},
      {"augment: random_crop", "column 10: augment must be a list"},
      {"augment: [random_flip]", "column 11: there is no augmentation 'random_flip'"},
      {"augment: [random_crop]", "column 11: random_crop needs size: [height, width]"},
      {"augment: [{name: resize, size: [3]}]", "column 32: augment.size must be [height, width]"},
      {"augment: [{name: resize, size: [3, 0]}]",
       "column 36: augment.size is 0, but must be between 1 and 16384"},
      {"augment: [{name: resize, size: [3, 3], padding: 1}]",
       "column 40: augment has no field 'padding'"},
      {"augment: [{name: random_crop, size: [3, 3], padding: -1}]",
       "column 54: augment.padding is -1"},
      {"mean: a", "column 7: mean must be a number or a list of numbers, but is 'a'"},
      {"mean: [1, .nan]", "column 11: mean is nan"},
      {"mean: []", "column 7: mean must be a number or a list of numbers"},
      {"std: [1, 0]", "column 10: std is 0, but must be between"},
      {"std: .inf", "column 6: std is inf"},
      {"batch_size: 0", "column 13: batch_size is 0, but must be between 1 and 1048576"},
      {"batch_size: 1.5", "column 13: batch_size must be a whole number, but is '1.5'"},
      {"batch_size: [1]", "column 13: batch_size must be a whole number"},
      {"batch_size: 99999999999999999999", "column 13: batch_size must be a whole number"},
      {"shuffle: -1", "column 10: shuffle is -1"},
      {"epochs: -1", "column 9: epochs is -1"},
      {"optimizer: adm", "column 12: there is no optimizer 'adm'; did you mean 'adam'?"},
      {"optimizer: {name: adam, momentum: 0.9}", "column 25: optimizer has no field 'momentum'"},
      {"optimizer: {name: sgd, beta_1: 0.9}", "column 24: optimizer has no field 'beta_1'"},
      {"optimizer: {name: sgd, momentum: 2}",
       "column 34: optimizer.momentum is 2, but must be between 0 and 1"},
      {"optimizer: {name: sgd, nesterov: maybe, momentum: 1}",
       "column 34: optimizer.nesterov must be true or false"},
      {"optimizer: {name: sgd, nesterov: true}",
       "column 12: optimizer.nesterov needs a momentum above 0"},
      {"optimizer: {learning_rate: -1}", "column 28: optimizer.learning_rate is -1"},
      {"optimizer: {learning_rate: .nan}", "column 28: optimizer.learning_rate is nan"},
      {"optimizer: {learnin_rate: 1}",
       "column 13: optimizer has no field 'learnin_rate'; did you mean 'learning_rate'?"},
      {"optimizer: {beta_2: 1}", "column 21: optimizer.beta_2 is 1"},
      {"optimizer: {epsilon: 2}", "column 22: optimizer.epsilon is 2"},
      {"optimizer: {weight_decay: -1}", "column 27: optimizer.weight_decay is -1"},
      {"optimizer: {exclude_from_weight_decay: bias}",
       "column 40: optimizer.exclude_from_weight_decay must be a list"},
      {"optimizer: {clipnorm: 1, clipvalue: 1}",
       "column 12: optimizer takes at most one of clipnorm"},
      {"schedule: cosine", "column 11: there is no schedule 'cosine'"},
      {"schedule: {name: cosine_decay, alpha: 2}", "column 39: schedule.alpha is 2"},
      {"schedule: {name: cosine_decay, warmup_steps: -2}",
       "column 46: schedule.warmup_steps is -2"},
      {"schedule: {name: one_cycle, pct_start: 0}", "column 40: schedule.pct_start is 0"},
      {"schedule: {name: one_cycle, alpha: 0}", "column 29: schedule has no field 'alpha'"},
      {"loss: cross", "column 7: there is no loss 'cross'"},
      {"loss: mean_square_error",
       "column 7: there is no loss 'mean_square_error'; did you mean 'mean_squared_error'?"},
      {"label_smoothing: 1", "column 18: label_smoothing is 1"},
      {"metrics: accuracy", "column 10: metrics must be a list"},
      {"metrics: [acuracy]", "column 11: there is no metric 'acuracy'; did you mean 'accuracy'?"},
      {"metrics: [top_0_accuracy]", "column 11: there is no metric 'top_0_accuracy'"},
      {"precision: float16", "column 12: there is no precision 'float16'"},
      {"accumulate: 0", "column 13: accumulate is 0"},
      {"accumulate: 3",
       "column 13: batch_size 128 cannot be split into accumulate = 3 equal parts"},
      {"seed: -1", "column 7: seed is -1"},
      {"seed: 9223372036854775808", "column 7: seed must be a whole number"},
      {"threads: 2000", "column 10: threads is 2000"},
      {"data_threads: -1", "column 15: data_threads is -1"},
      {"backend: gpu", "column 10: there is no backend 'gpu'"},
      {"output: [a]", "column 9: output must be a path"},
      {"checkpoint_every_steps: -1", "column 25: checkpoint_every_steps is -1"},
      {"disabled_passes: [[a]]", "column 19: disabled_passes must be a list of texts"},
      {"batchsize: 3", "column 1: the recipe has no field 'batchsize'; did you mean 'batch_size'?"},
      {"[a]: 3", "column 1: a field's name in the recipe must be a text"},
      {"data: {}", "column 1: the recipe names 'data' twice"},
      {"epochs: &a 3", "column 9: anchors and aliases"},
      {"epochs: *a", "column 9: "},
      {"epochs: !!int 3", "column 9: the tag tag:yaml.org,2002:int has no meaning"},
      {"epochs: {", "column "},
      {"epochs: 'open", "column "},
      {"---\nepochs: 3", "column 1: a second document begins here"},
  };
  for (const auto& [line, wanted] : cases) {
    const std::string message = refusal(kData + line + "\n");
    const size_t from = message.find(": line ") + 7;
    EXPECT_TRUE(message.starts_with("recipe.yaml: line ")) << line << "\n" << message;
    EXPECT_NE(message.find(wanted, from), std::string::npos) << line << "\n" << message;
    if (wanted != "column ") {
      EXPECT_TRUE(message.substr(from).starts_with("2, " + wanted)) << line << "\n" << message;
    }
  }
}

TEST(Recipe, DataIsCheckedToo) {
  const std::pair<std::string, std::string> cases[] = {
      {"{}", "line 1, column 1: the recipe names no training data"},
      {"", "line 1, column 1: the recipe must be a mapping of fields to values"},
      {"just a text", "line 1, column 1: the recipe must be a mapping"},
      {"data: {train: mnist}", "line 1, column 15: there is no dataset 'mnist'"},
      {"data: {train: {}}",
       "line 1, column 15: data.train must have exactly one of name, image_folder and idx"},
      {"data: {train: {name: synthetic, image_folder: a}}",
       "line 1, column 15: data.train must have exactly one"},
      {"data: {train: {name: mnist}}", "line 1, column 22: there is no dataset 'mnist'"},
      {"data: {train: {name: fashion_mnist, size: [3, 3]}}",
       "line 1, column 37: data.train has no field 'size'"},
      {"data: {train: {idx: {images: a}}}",
       "line 1, column 21: data.train.idx needs images and labels"},
      {"data: {train: {idx: {images: a, labels: b, more: c}}}",
       "line 1, column 44: data.train.idx has no field 'more'"},
      {"data: {train: {image_folder: a, channels: 4}}",
       "line 1, column 43: data.train.channels is 4"},
      {"data: {train: {image_folder: a, take: -1}}", "line 1, column 39: data.train.take is -1"},
      {"data: {test: fashion_mnist}", "line 1, column 8: data has no field 'test'"},
      {"data: {train: fashion_mnist, validation: {name: x}}",
       "line 1, column 49: there is no dataset 'x'"},
  };
  for (const auto& [text, wanted] : cases) {
    const std::string message = refusal(text);
    EXPECT_TRUE(message.starts_with("recipe.yaml: " + wanted)) << text << "\n" << message;
  }
}

TEST(Recipe, DeepNestingIsRefusedWithoutBuildingIt) {
  const std::string message = refusal("data: " + std::string(100'000, '['));
  EXPECT_NE(message.find("nested more than 50 deep"), std::string::npos) << message;
  std::string block = "a:\n";
  for (int depth = 1; depth < 80; ++depth)
    block += std::string(static_cast<size_t>(depth), ' ') + "a:\n";
  EXPECT_NE(refusal(block).find("line 51, "), std::string::npos) << refusal(block);
}

TEST(Recipe, FilesAreReadRelativeToThemselvesAndAreOfBoundedSize) {
  const test::TemporaryDirectory directory;
  std::ofstream(directory / "r.yaml") << kData << "output: here\n";
  EXPECT_EQ(read_recipe(directory / "r.yaml")->output, directory / "here");
  const Result<Recipe> missing = read_recipe(directory / "s.yaml");
  ASSERT_FALSE(missing.ok());
  EXPECT_NE(missing.error().find((directory / "s.yaml").string()), std::string::npos)
      << missing.error();
  std::ofstream(directory / "large.yaml") << std::string((1 << 20) + 1, ' ');
  EXPECT_FALSE(read_recipe(directory / "large.yaml").ok());
}

}  // namespace
}  // namespace brisk
