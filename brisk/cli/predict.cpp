#include <fmt/format.h>

#include <cmath>

#include "brisk/base/json.h"
#include "brisk/cli/library_warning.h"
#include "brisk/cli/options/backend_option.h"
#include "brisk/cli/predict_tensors.h"
#include "brisk/cli/verb.h"
#include "brisk/data/augment.h"
#include "brisk/data/memory_source.h"
#include "brisk/formats/image/decode_image.h"
#include "brisk/nn/logits.h"
#include "brisk/train/package_job.h"

namespace brisk::cli {
namespace {

struct PredictOptions {
  std::string model, backend = "cpu";
  std::vector<std::string> images;
  TensorPrediction tensors;
  int64_t top = 3, threads = 0;
  bool json = false;
};

/// One row of a model's outputs as probabilities: softmax where they are logits.
std::vector<double> probabilities(const Tensor& logits, int64_t row, bool are_probabilities) {
  const int64_t classes = logits.sizes().back();
  std::vector<double> result(static_cast<size_t>(classes));
  if (are_probabilities) {
    for (int64_t c = 0; c < classes; ++c)
      result[static_cast<size_t>(c)] = logits.get(row * classes + c);
    return result;
  }
  double largest = -INFINITY, sum = 0;
  for (int64_t c = 0; c < classes; ++c) largest = std::max(largest, logits.get(row * classes + c));
  for (int64_t c = 0; c < classes; ++c)
    sum += result[static_cast<size_t>(c)] = std::exp(logits.get(row * classes + c) - largest);
  for (double& p : result) p /= sum;
  return result;
}

std::string class_name(const Model& model, size_t index) {
  return index < model.class_names.size() ? model.class_names[index]
                                          : fmt::format("class {}", index);
}

int predict(const PredictOptions& options) {
  if (!options.tensors.inputs.empty()) {
    require(options.images.empty() && !options.tensors.outputs.empty(),
            "--tensors goes with --output, and without images");
    TensorPrediction tensors = options.tensors;
    tensors.threads = options.threads;
    tensors.backend = options.backend;
    predict_tensors(open_model(options.model), tensors);
    return kDone;
  }
  if (options.images.empty()) throw CLI::RequiredError("images (or --tensors)");
  PackageJob job = open_package(options.model);
  require(job.input_sizes.size() == 3, "the model's input is no image [height, width, channels]");
  const int64_t height = job.input_sizes[0], width = job.input_sizes[1],
                channels = job.input_sizes[2];
  std::optional<Dataset> resized;  // images of any size, brought to the model's
  for (const std::string& path : options.images) {
    const Tensor image = read_image(path, {.channels = channels}).value();
    std::vector<int64_t> sizes = image.sizes();
    sizes.insert(sizes.begin(), 1);
    const Dataset one = from_tensor_slices({image.reshaped(sizes)}).map(resize(height, width));
    resized = resized ? resized->concatenate(one) : one;
  }
  const std::vector<float> mean(job.recipe.mean.begin(), job.recipe.mean.end());
  const std::vector<float> std(job.recipe.std.begin(), job.recipe.std.end());
  const auto count = static_cast<int64_t>(options.images.size());
  const Dataset dataset = resized->map(normalize(mean, std)).batch(std::min<int64_t>(count, 64));
  warn_of_missing_libraries(job.model, options.backend);
  TrainerOptions trainer_options;
  trainer_options.backend = options.backend;
  trainer_options.compile.threads = static_cast<int>(options.threads);
  const Tensor logits = Trainer(job.model, trainer_options).predict(dataset);
  require(logits.rank() == 2 && logits.sizes()[1] > 0,
          "the model's output is {}, but must be logits [images, classes]", logits.describe());
  const bool are_probabilities = ends_in_softmax(job.model.program.graph);
  for (size_t i = 0; i < options.images.size(); ++i) {
    const std::vector<double> p = probabilities(logits, static_cast<int64_t>(i), are_probabilities);
    std::vector<size_t> order(p.size());
    for (size_t c = 0; c < order.size(); ++c) order[c] = c;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return p[a] > p[b]; });
    order.resize(std::min(order.size(), static_cast<size_t>(options.top)));
    Json line = {{"image", options.images[i]}, {"predictions", Json::array()}};
    if (!options.json) fmt::print("{}\n", options.images[i]);
    for (const size_t c : order) {
      line["predictions"].push_back({{"class", class_name(job.model, c)}, {"probability", p[c]}});
      if (!options.json) fmt::print("  {:6.2f} %  {}\n", 100 * p[c], class_name(job.model, c));
    }
    if (options.json) fmt::print("{}\n", json_text(line));
  }
  return kDone;
}

}  // namespace

void add_predict(CLI::App& app, int& code) {
  auto options = std::make_shared<PredictOptions>();
  CLI::App* verb = app.add_subcommand("predict", "The likeliest classes of image files");
  verb->footer("Example:\n  brisk predict runs/first/model shoe.png coat.jpg --top 2");
  verb->add_option("model", options->model, "A model package or a file of another format")
      ->required();
  verb->add_option("images", options->images, "JPEG or PNG files");
  verb->add_option("--tensors", options->tensors.inputs,
                   "Instead of images: a safetensors file with the model's inputs by name");
  verb->add_option("--output", options->tensors.outputs,
                   "Of --tensors: the safetensors file for the model's outputs");
  add_backend_option(*verb, options->backend);
  verb->add_option("--top", options->top, "Classes to print for each image")
      ->check(CLI::PositiveNumber);
  verb->add_option("--threads", options->threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--json", options->json, "Print one JSON object an image");
  verb->callback([options, &code] { code = predict(*options); });
}

}  // namespace brisk::cli
