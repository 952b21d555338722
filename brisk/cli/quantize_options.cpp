#include "brisk/cli/quantize_options.h"

#include <fmt/format.h>

#include "brisk/base/edit_distance.h"

namespace brisk::cli {

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

void require_consistent(const QuantizeVerbOptions& options) {
  const bool has_data = !options.data.empty(), trains = options.training.epochs > 0;
  require(has_data || !options.calibrates(),
          "give --data, on which the ranges of integers are found, or --dynamic or --weights_only, "
          "which need none");
  require(has_data || options.max_drop < 0,
          "--max_drop needs --data, on which the accuracy is judged");
  require(options.calibrates() || !trains, "--epochs trains ranges, which {} has none of",
          options.dynamic ? "--dynamic" : "--weights_only");
  require(!options.bias_correction || (has_data && !trains),
          "--bias_correction is found on --data, and not beside --epochs, which trains biases");
  require(!options.tflite() || (options.calibrates() && !options.bias_correction && !trains),
          "--semantics tflite is for ranges found on --data: without --dynamic, --weights_only, "
          "--bias_correction and --epochs");
}

void add_quantize_options(CLI::App& verb, QuantizeVerbOptions& options) {
  verb.add_option("model", options.model, "A model package")->required();
  verb.add_option("--data", options.data,
                  "What ranges are found on: a dataset's name (its training part), or a folder "
                  "with one folder a class");
  verb.add_flag("--dynamic", options.dynamic,
                "Matrix products alone, whose inputs are rounded row by row as they come: needs no "
                "--data");
  verb.add_flag("--weights_only", options.weights_only,
                "Matrix products alone, whose weights are integers and whose inputs stay floats "
                "(bf16 where the processor multiplies it fast): needs no --data")
      ->excludes("--dynamic");
  verb.add_option("--validation", options.validation,
                  "What to compare on; else the test part of a named dataset, or --data itself");
  verb.add_option("--output", options.output, "Directory for the model");
  verb.add_option("--samples", options.samples, "Images that ranges are found on")
      ->check(CLI::PositiveNumber);
  verb.add_option("--method", options.method,
                  "How a range is found: min_max, moving_average, percentile, entropy or mse");
  verb.add_option("--semantics", options.semantics,
                  "The integers' arithmetic: onnx, which is the fast one, or tflite, which gives "
                  "what TFLite's reference kernels give, bit for bit, with 8 bits from the input "
                  "to the result")
      ->check(CLI::IsMember({"onnx", "tflite"}));
  verb.add_option("--percentile", options.percentile, "Of the method percentile")
      ->check(CLI::Range(0.0, 100.0));
  verb.add_flag("--bias_correction", options.bias_correction,
                "Take what rounding the filters adds on the average off the biases")
      ->excludes("--dynamic")
      ->excludes("--weights_only");
  verb.add_option("--float_layers", options.float_layers, "Layers that stay float");
  verb.add_option("--max_drop", options.max_drop,
                  "Points of accuracy that may be lost: the most sensitive layers stay float until "
                  "this holds")
      ->check(CLI::Range(0.0, 100.0));
  verb.add_flag("--keep_slow", options.keep_slow,
                "Quantize layers even where that is not faster here");
  verb.add_option("--batch_size", options.batch_size, "Images at once")->check(CLI::PositiveNumber);
  verb.add_option("--time_batch_size", options.time_batch_size, "Images at once where it is timed")
      ->check(CLI::PositiveNumber);
  verb.add_option("--steps", options.steps, "Timed steps")->check(CLI::PositiveNumber);
  verb.add_option("--threads", options.threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  add_quantization_aware_options(verb, options.training);
  verb.add_flag("--gzip", options.gzip, "Keep the package's weights gzipped");
  verb.add_flag("--json", options.json, "Print the result as one JSON object");
}

}  // namespace brisk::cli
