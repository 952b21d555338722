#include <fmt/format.h>

#include "brisk/cli/bench_model.h"
#include "brisk/cli/quantize_report.h"
#include "brisk/cli/quantize_source.h"
#include "brisk/cli/verb.h"
#include "brisk/formats/package/package.h"
#include "brisk/optimize/layer_times.h"
#include "brisk/optimize/optimization_record.h"
#include "brisk/train/model_step.h"
#include "brisk/train/package_job.h"

// A layer is kept in integers only where its kernel was measured to be faster: all are quantized,
// timed one by one, and the slower ones go back to floats. The model is then trained with the
// roundings of the others, where that is asked for; at last those go back to floats that the
// accuracy does not bear.

namespace brisk::cli {
namespace {

/// Nothing where there is no data to compare on.
Metrics evaluate(const Model& model, const std::optional<Dataset>& validation,
                 const QuantizeVerbOptions& options) {
  if (!validation) return {};
  TrainerOptions trainer_options;
  trainer_options.compile.threads = static_cast<int>(options.threads);
  return Trainer(model, trainer_options).evaluate(*validation);
}

MeasuredModel measure(const Model& model, const std::optional<Dataset>& validation,
                      const QuantizeVerbOptions& options) {
  MeasuredModel measured;
  measured.metrics = evaluate(model, validation, options);
  for (const Tensor& weights : model.weights) measured.bytes += weights.num_bytes();
  return measured;
}

/// Rounds in which two models are timed in turn; the fastest counts, since what else a machine does
/// only ever makes one slower.
constexpr int kRounds = 3;

void time_in_turn(const Model& a, MeasuredModel& of_a, const Model& b, MeasuredModel& of_b,
                  const QuantizeVerbOptions& options) {
  const auto time = [&](const Model& model, MeasuredModel& measured, int round) {
    const ModelTiming timing = time_model(model,
                                          {.model = model.name,
                                           .inference = true,
                                           .threads = options.threads,
                                           .steps = options.steps},
                                          options.time_batch_size);
    if (round == 0 || timing.milliseconds < measured.timing.milliseconds) measured.timing = timing;
  };
  for (int round = 0; round < kRounds; ++round) time(a, of_a, round), time(b, of_b, round);
}

/// Of the float model's outputs, on a batch of the data, or on made-up inputs without any.
double sqnr_of(const Model& floats, const Model& quantized,
               const std::optional<Dataset>& validation, int64_t batch_size) {
  Example batch;
  if (validation)
    validation->iterator()->next(batch);
  else
    batch = synthetic_batch(
        make_model_step(floats, {.batch_size = batch_size, .inference = true}).program);
  return output_sqnr(floats, quantized, batch);
}

RangeRule range_rule(const std::string& name) {
  const auto names = enum_names(RangeRule{});
  return static_cast<RangeRule>(std::find(names.begin(), names.end(), name) - names.begin());
}

FineTuneOptions training_of(const QuantizeVerbOptions& options) {
  return {.model = options.model,
          .data = options.data,
          .validation = options.validation,
          .output = options.output,
          .backend = options.training.backend,
          .learning_rate = options.training.learning_rate,
          .epochs = options.training.epochs,
          .batch_size = options.batch_size,
          .threads = options.threads};
}

/// The model trained on with the roundings of all layers but `floats`: its floats and ranges go
/// into `source`. False where it was stopped by a signal.
bool train_roundings(const PackageJob& job, const QuantizeVerbOptions& options, FloatLayers& floats,
                     QuantizeSource& source, QuantizeReport& report) {
  TrainedRanges trained = train_with_roundings(training_of(options), options.training,
                                               {.enabled = true,
                                                .ranges = range_rule(options.training.ranges),
                                                .method = calibration_of(options).method,
                                                .samples = options.samples},
                                               job, floats);
  if (trained.stopped) {
    fmt::print(stderr, "stopped after step {}; saved. The same command with --resume goes on\n",
               trained.steps);
    return false;
  }
  source.folded = std::move(trained.folded);
  source.ranges = std::move(trained.ranges);
  report.training = std::move(trained.how);
  return true;
}

/// Adds the layers that the accuracy does not bear in integers: of weights in 4 bits first those
/// that need 8.
void keep_accuracy(QuantizeSource& source, const QuantizeVerbOptions& options, const Dataset& data,
                   const std::function<double(const Model&)>& accuracy, double least,
                   FloatLayers& floats) {
  const std::set<std::string, std::less<>> chosen = names_of(floats);
  if (options.grid().bits == 4)
    add_sensitive_layers(
        source.folded,
        [&](const std::set<std::string, std::less<>>& wide_layers) {
          QuantizeSource wide = source;
          for (const std::string& layer : wide_layers) wide.wide_layers[layer];
          return write_integers(wide, options, chosen);
        },
        data, accuracy, least, source.wide_layers);
  add_sensitive_layers(
      source.folded,
      [&](const std::set<std::string, std::less<>>& float_layers) {
        return write_integers(source, options, float_layers);
      },
      data, accuracy, least, floats);
}

/// Writes the package; returns where it is.
std::filesystem::path write_integer_package(const Model& model, const Json& step,
                                            const PackageJob& job,
                                            const QuantizeVerbOptions& options) {
  std::filesystem::create_directories(options.output);
  const std::filesystem::path package = std::filesystem::path(options.output) / "model";
  write_package(package, {model.program, model.weights, model.name, model.class_names,
                          preprocessing_text(job.recipe, job.input_sizes),
                          with_step(job.optimization, step), options.gzip})
      .value();
  return package;
}

/// What is found on fewer images than this misses much of what others hold.
constexpr int64_t kFewSamples = 32;

/// `what`: "ranges" or "roundings".
void tell_of_few_samples(std::string_view what, int64_t samples, int64_t wanted) {
  if (samples < wanted)
    fmt::print(stderr, "{} are found on all there is, at most {} images, not {}\n", what, samples,
               wanted);
  if (samples < kFewSamples)
    fmt::print(stderr,
               "warning: {} of {} image{}: {}; give --samples {} or more, and --data that has "
               "them\n",
               what, samples, samples == 1 ? "" : "s",
               what == "ranges" ? "greater values of others are cut off"
                                : "they are not those that many would give",
               kFewSamples);
}

int quantize(const QuantizeVerbOptions& options) {
  PackageJob job = open_package(options.model);
  job.recipe.batch_size = options.batch_size;
  require_consistent(options);
  std::optional<Dataset> data, validation;
  QuantizeReport report;
  if (!options.data.empty()) {
    data = calibration_images(data_recipe(job, options.data), job.recipe, options.samples);
    validation = open_data(job, options.validation.empty() ? options.data : options.validation);
    report.samples = std::min(options.samples, data->cardinality() * options.batch_size);
  }
  if (options.looks_at_data())
    tell_of_few_samples(options.calibrates() ? "ranges" : "roundings", report.samples,
                        options.samples);
  QuantizeSource source = quantize_source(job.model, data, options);
  const Quantize with_floats = [&](const std::set<std::string, std::less<>>& float_layers) {
    return write_integers(source, options, float_layers);
  };
  FloatLayers floats;
  for (const std::string& layer : options.float_layers) floats[layer] = "chosen to stay float";

  report.layers = time_layers(source.folded, with_floats(names_of(floats)),
                              {options.time_batch_size, static_cast<int>(options.threads),
                               static_cast<int>(options.steps)});
  // TFLite's arithmetic is for who needs its bits; its speed is not what decides.
  if (!options.keep_slow && !options.tflite()) add_slow_layers(report.layers, floats);
  report.before = measure(job.model, validation, options);
  if (options.training.epochs > 0) {
    report.rounded = evaluate(with_floats(names_of(floats)).model, validation, options);
    if (!train_roundings(job, options, floats, source, report)) return kStopped;
  }
  if (options.max_drop >= 0)
    keep_accuracy(
        source, options, *data,
        [&](const Model& model) { return evaluate(model, validation, options).at("accuracy"); },
        report.before.metrics.at("accuracy") - options.max_drop / 100, floats);
  const QuantizedModel quantized = with_floats(names_of(floats));
  FloatLayers reasons = source.wide_layers;
  for (const auto& [layer, reason] : floats) reasons[layer] = reason;
  set_outcome(quantized, reasons, report.layers);
  report.after = measure(quantized.model, validation, options);
  time_in_turn(job.model, report.before, quantized.model, report.after, options);
  report.sqnr = sqnr_of(source.folded, quantized.model, validation, options.time_batch_size);
  Json json = quantize_json(report, options);
  const std::filesystem::path package = write_integer_package(quantized.model, json, job, options);
  if (options.json) {
    json["model"] = package.string();
    fmt::print("{}\n", json_text(json));
    return kDone;
  }
  print_quantize_report(report, options);
  fmt::print("model  {}\n", package.string());
  return kDone;
}

}  // namespace

void add_quantize(CLI::App& app, int& code) {
  auto options = std::make_shared<QuantizeVerbOptions>();
  CLI::App* verb = app.add_subcommand(
      "quantize", "Turn a trained model's products into integers where that is faster");
  verb->footer(
      "Example:\n  brisk quantize runs/first/model --data fashion_mnist\n"
      "  brisk quantize runs/first/model --data photos/train --validation photos/test "
      "--method percentile\n"
      "  brisk quantize runs/first/model --data fashion_mnist --epochs 2\n"
      "  brisk quantize runs/first/model --data fashion_mnist --semantics tflite\n"
      "  brisk quantize runs/first/model --data fashion_mnist --rounding gptq\n"
      "  brisk quantize runs/first/model --data fashion_mnist --equalize --bias_correction\n"
      "  brisk quantize runs/bert/model --dynamic\n"
      "  brisk quantize runs/vision_transformer/model --data photos/train --dynamic --smooth 0.5\n"
      "  brisk quantize runs/bert/model --weights_only\n"
      "  brisk quantize runs/gpt2/model --weights_only --bits 4 --block_size 64");
  add_quantize_options(*verb, *options);
  verb->callback([options, &code] { code = quantize(*options); });
}

}  // namespace brisk::cli
