#include <fmt/format.h>

#include "brisk/base/edit_distance.h"
#include "brisk/cli/bench_model.h"
#include "brisk/cli/quantization_aware.h"
#include "brisk/cli/verb.h"
#include "brisk/compress/bias_correction.h"
#include "brisk/compress/dynamic_quantization.h"
#include "brisk/compress/fold_weights.h"
#include "brisk/compress/quantize_model.h"
#include "brisk/compress/tflite/quantize_tflite.h"
#include "brisk/compress/tflite/split_residuals.h"
#include "brisk/compress/weight_only_quantization.h"
#include "brisk/formats/package/package.h"
#include "brisk/optimize/layer_times.h"
#include "brisk/optimize/optimization_record.h"
#include "brisk/optimize/quantize_by_measurement.h"
#include "brisk/train/model_step.h"
#include "brisk/train/package_job.h"
#include "brisk/train/trainer.h"

// A layer is kept in integers only where its kernel was measured to be faster: all are quantized,
// timed one by one, and the slower ones go back to floats. The model is then trained with the
// roundings of the others, where that is asked for; at last those go back to floats that the
// accuracy does not bear.

namespace brisk::cli {
namespace {

struct QuantizeVerbOptions {
  std::string model, data, validation, output = "runs/quantized", method = "mse",
                                       semantics = "onnx";
  int64_t samples = 512, batch_size = 32, time_batch_size = 16, steps = 30, threads = 0;
  double percentile = 99.99;
  std::vector<std::string> float_layers;
  double max_drop = -1;  ///< in points; negative: no budget
  bool dynamic = false, weights_only = false, bias_correction = false, keep_slow = false,
       gzip = false, json = false;
  QuantizationAwareOptions training;
  /// Whether ranges of activations are found on data, before the model runs.
  bool calibrates() const { return !dynamic && !weights_only; }
};

/// What 8-bit weights are multiplied with: bf16 where the processor has products of it.
DType fast_activations() {
  return find_backend("cpu").value()->supports_fast(DType::bf16).ok() ? DType::bf16 : DType::f32;
}

CalibrationOptions calibration_of(const QuantizeVerbOptions& options) {
  const auto known = enum_names(CalibrationMethod{});
  const std::vector<std::string> names(known.begin(), known.end());
  const auto found = std::find(names.begin(), names.end(), options.method);
  require(found != names.end(), "there is no calibration '{}'{}; there are: {}", options.method,
          did_you_mean(options.method, names), fmt::join(names, ", "));
  return {.method = static_cast<CalibrationMethod>(found - names.begin()),
          .percentile = options.percentile,
          .threads = static_cast<int>(options.threads)};
}

struct MeasuredModel {
  Metrics metrics;
  ModelTiming timing;
  int64_t bytes = 0;
  Json to_json() const {
    return {{"metrics", metrics}, {"milliseconds", timing.milliseconds}, {"bytes", bytes}};
  }
};

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

Json layer_json(const MeasuredLayer& row) {
  return {{"layer", row.layer.label},
          {"quantized", row.layer.quantized},
          {"reason", row.layer.reason},
          {"input_type", std::string(name(row.layer.input_type))},
          {"input_scale", row.layer.input_scale},
          {"weight_sqnr", row.layer.quantized ? row.layer.weight_sqnr : 0},
          {"float_milliseconds", row.float_milliseconds},
          {"integer_milliseconds", row.integer_milliseconds}};
}

void print_layers(const std::vector<MeasuredLayer>& rows) {
  fmt::print("{:40} {:>10} {:>10} {:>10} {:>14}  {}\n", "layer", "f32 ms", "int8 ms", "input",
             "weights, dB", "kept, or why not");
  for (const MeasuredLayer& row : rows) {
    const auto time = [](double ms) { return ms > 0 ? fmt::format("{:.3f}", ms) : "-"; };
    fmt::print("{:40} {:>10} {:>10} {:>10} {:>14}  {}\n", row.layer.label,
               time(row.float_milliseconds), time(row.integer_milliseconds),
               row.layer.quantized ? name(row.layer.input_type) : "f32",
               row.layer.quantized ? fmt::format("{:.1f}", row.layer.weight_sqnr) : "-",
               row.layer.quantized ? "int8" : "f32: " + row.layer.reason);
  }
}

/// `rounded`: of the integer model before it was trained; empty without a training.
void print_models(const MeasuredModel& before, const Metrics& rounded, const MeasuredModel& after,
                  double sqnr, const QuantizeVerbOptions& options) {
  fmt::print("\n{:24} {:>14} {:>14}\n", "", "before", "after");
  fmt::print("{:24} {:>11.3f} MB {:>11.3f} MB\n", "weights in the package",
             static_cast<double>(before.bytes) / 1e6, static_cast<double>(after.bytes) / 1e6);
  fmt::print("{:24} {:>11.3f} ms {:>11.3f} ms\n",
             fmt::format("inference, batch {}", options.time_batch_size),
             before.timing.milliseconds, after.timing.milliseconds);
  fmt::print("{:24} {:>14} {:>11.1f} dB\n", "signal to noise", "", sqnr);
  for (const auto& [name, value] : before.metrics)
    fmt::print("{:24} {:>14.4f} {:>14.4f}{}\n", name, value, after.metrics.at(name),
               rounded.empty() ? "" : fmt::format("   untrained {:.4f}", rounded.at(name)));
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

int quantize(const QuantizeVerbOptions& options) {
  PackageJob job = open_package(options.model);
  job.recipe.batch_size = options.batch_size;
  const CalibrationOptions calibration = calibration_of(options);
  std::optional<Dataset> data, validation;
  if (!options.data.empty()) {
    data = calibration_images(data_recipe(job, options.data), job.recipe, options.samples);
    validation = open_data(job, options.validation.empty() ? options.data : options.validation);
  }
  require(data || !options.calibrates(),
          "give --data, on which the ranges of integers are found, or --dynamic or --weights_only, "
          "which need none");
  const int64_t samples =
      data ? std::min(options.samples, data->cardinality() * options.batch_size) : 0;
  if (samples < options.samples && options.calibrates() && !options.json)
    fmt::print(stderr, "ranges are found on all there is, at most {} images, not {}\n", samples,
               options.samples);
  require(data || options.max_drop < 0, "--max_drop needs --data, on which the accuracy is judged");
  require(options.calibrates() || options.training.epochs == 0,
          "--epochs trains ranges, which {} has none of",
          options.dynamic ? "--dynamic" : "--weights_only");
  require(!options.bias_correction || (data && options.training.epochs == 0),
          "--bias_correction is found on --data, and not beside --epochs, which trains biases");
  const bool tflite = options.semantics == "tflite";
  require(
      !tflite || (options.calibrates() && !options.bias_correction && options.training.epochs == 0),
      "--semantics tflite is for ranges found on --data: without --dynamic, --weights_only, "
      "--bias_correction and --epochs");
  Model folded = fold_weights(job.model);
  if (tflite) folded = split_residuals(folded);
  ValueRanges ranges;
  if (options.calibrates())
    ranges = tflite ? calibrate_tflite(folded, *data, calibration)
                    : calibrate_model(folded, *data, calibration);
  ChannelMeans means;
  if (options.bias_correction) means = channel_means(folded, *data, calibration.threads);
  const Quantize with_floats = [&](const std::set<std::string, std::less<>>& float_layers) {
    if (options.dynamic) return quantize_dynamically(folded, float_layers);
    if (options.weights_only)
      return quantize_weights_only(folded, float_layers, fast_activations());
    if (tflite) return quantize_tflite(folded, ranges, float_layers);
    return quantize_model(
        options.bias_correction ? correct_biases(folded, means, float_layers) : folded, ranges,
        float_layers);
  };
  FloatLayers floats;
  for (const std::string& layer : options.float_layers) floats[layer] = "chosen to stay float";

  std::vector<MeasuredLayer> rows =
      time_layers(folded, with_floats(names_of(floats)),
                  {options.time_batch_size, static_cast<int>(options.threads),
                   static_cast<int>(options.steps)});
  // TFLite's arithmetic is for who needs its bits; its speed is not what decides.
  if (!options.keep_slow && !tflite) add_slow_layers(rows, floats);
  MeasuredModel before = measure(job.model, validation, options);
  Metrics rounded;
  std::string how;
  if (options.training.epochs > 0) {
    rounded = evaluate(with_floats(names_of(floats)).model, validation, options);
    TrainedRanges trained = train_with_roundings(training_of(options), options.training,
                                                 {.enabled = true,
                                                  .ranges = range_rule(options.training.ranges),
                                                  .method = calibration.method,
                                                  .samples = options.samples},
                                                 job, floats);
    if (trained.stopped) {
      fmt::print(stderr, "stopped after step {}; saved. The same command with --resume goes on\n",
                 trained.steps);
      return kStopped;
    }
    folded = std::move(trained.folded);
    ranges = std::move(trained.ranges);
    how = std::move(trained.how);
  }
  if (options.max_drop >= 0)
    add_sensitive_layers(
        folded, with_floats, *data,
        [&](const Model& model) { return evaluate(model, validation, options).at("accuracy"); },
        before.metrics.at("accuracy") - options.max_drop / 100, floats);
  const QuantizedModel quantized = with_floats(names_of(floats));
  set_outcome(quantized, floats, rows);
  MeasuredModel after = measure(quantized.model, validation, options);
  time_in_turn(job.model, before, quantized.model, after, options);
  const double sqnr = sqnr_of(folded, quantized.model, validation, options.time_batch_size);
  Json layers = Json::array();
  for (const MeasuredLayer& row : rows) layers.push_back(layer_json(row));
  Json step = {{"step", "quantize"},
               {"calibration", options.dynamic        ? "dynamic"
                               : options.weights_only ? "weights_only"
                                                      : options.method},
               {"semantics", options.semantics},
               {"samples", options.calibrates() ? samples : 0},
               {"bias_correction", options.bias_correction},
               {"before", before.to_json()},
               {"after", after.to_json()},
               {"batch_size", options.time_batch_size},
               {"sqnr", std::isfinite(sqnr) ? Json(sqnr) : Json()},
               {"layers", layers}};
  if (!how.empty()) step["training"] = {{"how", how}, {"metrics_before", rounded}};
  std::filesystem::create_directories(options.output);
  const std::filesystem::path package = std::filesystem::path(options.output) / "model";
  write_package(package,
                {quantized.model.program, quantized.model.weights, quantized.model.name,
                 quantized.model.class_names, preprocessing_text(job.recipe, job.input_sizes),
                 with_step(job.optimization, step), options.gzip})
      .value();
  if (options.json) {
    Json json = step;
    json["model"] = package.string();
    fmt::print("{}\n", json_text(json));
    return kDone;
  }
  print_layers(rows);
  print_models(before, rounded, after, sqnr, options);
  fmt::print("model  {}\n", package.string());
  return kDone;
}

}  // namespace

void add_quantize(CLI::App& app, int& code) {
  auto options = std::make_shared<QuantizeVerbOptions>();
  CLI::App* verb = app.add_subcommand(
      "quantize", "Turn a trained model's products into 8-bit integers where that is faster");
  verb->footer(
      "Example:\n  brisk quantize runs/first/model --data fashion_mnist\n"
      "  brisk quantize runs/first/model --data photos/train --validation photos/test "
      "--method percentile\n"
      "  brisk quantize runs/first/model --data fashion_mnist --epochs 2\n"
      "  brisk quantize runs/first/model --data fashion_mnist --semantics tflite\n"
      "  brisk quantize runs/bert/model --dynamic\n"
      "  brisk quantize runs/bert/model --weights_only");
  verb->add_option("model", options->model, "A model package")->required();
  verb->add_option("--data", options->data,
                   "What ranges are found on: a dataset's name (its training part), or a folder "
                   "with one folder a class");
  verb->add_flag(
      "--dynamic", options->dynamic,
      "Matrix products alone, whose inputs are rounded row by row as they come: needs no "
      "--data");
  verb->add_flag("--weights_only", options->weights_only,
                 "Matrix products alone, whose weights are integers and whose inputs stay floats "
                 "(bf16 where the processor multiplies it fast): needs no --data")
      ->excludes("--dynamic");
  verb->add_option("--validation", options->validation,
                   "What to compare on; else the test part of a named dataset, or --data itself");
  verb->add_option("--output", options->output, "Directory for the model");
  verb->add_option("--samples", options->samples, "Images that ranges are found on")
      ->check(CLI::PositiveNumber);
  verb->add_option("--method", options->method,
                   "How a range is found: min_max, moving_average, percentile, entropy or mse");
  verb->add_option("--semantics", options->semantics,
                   "The integers' arithmetic: onnx, which is the fast one, or tflite, which gives "
                   "what TFLite's reference kernels give, bit for bit, with 8 bits from the input "
                   "to the result")
      ->check(CLI::IsMember({"onnx", "tflite"}));
  verb->add_option("--percentile", options->percentile, "Of the method percentile")
      ->check(CLI::Range(0.0, 100.0));
  verb->add_flag("--bias_correction", options->bias_correction,
                 "Take what rounding the filters adds on the average off the biases")
      ->excludes("--dynamic")
      ->excludes("--weights_only");
  verb->add_option("--float_layers", options->float_layers, "Layers that stay float");
  verb->add_option(
          "--max_drop", options->max_drop,
          "Points of accuracy that may be lost: the most sensitive layers stay float until "
          "this holds")
      ->check(CLI::Range(0.0, 100.0));
  verb->add_flag("--keep_slow", options->keep_slow,
                 "Quantize layers even where that is not faster here");
  verb->add_option("--batch_size", options->batch_size, "Images at once")
      ->check(CLI::PositiveNumber);
  verb->add_option("--time_batch_size", options->time_batch_size,
                   "Images at once where it is timed")
      ->check(CLI::PositiveNumber);
  verb->add_option("--steps", options->steps, "Timed steps")->check(CLI::PositiveNumber);
  verb->add_option("--threads", options->threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  add_quantization_aware_options(*verb, options->training);
  verb->add_flag("--gzip", options->gzip, "Keep the package's weights gzipped");
  verb->add_flag("--json", options->json, "Print the result as one JSON object");
  verb->callback([options, &code] { code = quantize(*options); });
}

}  // namespace brisk::cli
