#include "brisk/cli/quantize_options.h"

#include <fmt/format.h>

#include "brisk/base/edit_distance.h"

namespace brisk::cli {

CalibrationOptions calibration_of(const QuantizeVerbOptions& options) {
  const auto known = enum_names(CalibrationMethod{});
  const std::vector<std::string> names(known.begin(), known.end());
  // 16 bits need not give up any of a range for finer steps.
  const std::string method = !options.method.empty()       ? options.method
                             : options.activation_bits > 8 ? "min_max"
                                                           : "mse";
  const auto found = std::find(names.begin(), names.end(), method);
  require(found != names.end(), "there is no calibration '{}'{}; there are: {}", method,
          did_you_mean(method, names), fmt::join(names, ", "));
  return {.method = static_cast<CalibrationMethod>(found - names.begin()),
          .percentile = options.percentile,
          .threads = static_cast<int>(options.threads)};
}

Rounding rounding_of(const QuantizeVerbOptions& options) {
  const auto names = enum_names(Rounding{});
  return static_cast<Rounding>(std::find(names.begin(), names.end(), options.rounding) -
                               names.begin());
}

void require_consistent(const QuantizeVerbOptions& options) {
  const bool has_data = !options.data.empty(), trains = options.training.epochs > 0;
  require(has_data || !options.calibrates(),
          "give --data, on which the ranges of integers are found, or --dynamic or --weights_only, "
          "which need none");
  require(options.tflite() || options.activation_bits == 8,
          "--activations 16 is of TFLite's arithmetic: with --semantics tflite");
  require(options.weights_only || (options.bits == 8 && options.block_size < 0),
          "--bits and --block_size are those of weights alone: with --weights_only");
  require(options.rounding != "adaround" || options.grid().by_channel(),
          "--rounding adaround is for 8 bits with a scale a column: not with --bits 4 and "
          "--block_size");
  require(has_data || options.max_drop < 0,
          "--max_drop needs --data, on which the accuracy is judged");
  require(options.rounding == "nearest" || (has_data && !trains),
          "--rounding {} looks at --data, and is not for --epochs, which trains with the nearest",
          options.rounding);
  require(!options.equalize || (options.calibrates() && !trains),
          "--equalize makes channels of one range about equally large: not for {}",
          trains ? "--epochs, which trains ranges of the model as it is"
                 : "--dynamic and --weights_only, which find no ranges");
  require(options.smooth < 0 || (has_data && !trains && !options.tflite()),
          "--smooth looks at --data, and is not for --epochs and --semantics tflite");
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
  verb.add_option("--bits", options.bits, "Of the weights, with --weights_only: 8 or 4")
      ->check(CLI::IsMember({4, 8}));
  verb.add_option("--block_size", options.block_size,
                  "Weights of a column that share a scale, with --weights_only: 16, 32, 64, 128 or "
                  "256, or 0 for the whole column; by default 32 of 4 bits, and 0 of 8")
      ->check(CLI::IsMember({0, 16, 32, 64, 128, 256}));
  verb.add_option("--validation", options.validation,
                  "What to compare on; else the test part of a named dataset, or --data itself");
  verb.add_option("--output", options.output, "Directory for the model");
  verb.add_option("--samples", options.samples, "Images that ranges are found on")
      ->check(CLI::PositiveNumber);
  verb.add_option("--method", options.method,
                  "How a range is found: min_max, moving_average, percentile, entropy or mse; by "
                  "default mse, and min_max of 16 bits");
  verb.add_option("--semantics", options.semantics,
                  "The integers' arithmetic: onnx, which is the fast one, or tflite, which gives "
                  "what TFLite's reference kernels give, bit for bit, with 8 bits from the input "
                  "to the result")
      ->check(CLI::IsMember({"onnx", "tflite"}));
  verb.add_option(
          "--activations", options.activation_bits,
          "Bits of what lies between the products, with --semantics tflite: 8, or 16 beside "
          "weights of 8")
      ->check(CLI::IsMember({8, 16}));
  verb.add_option("--percentile", options.percentile, "Of the method percentile")
      ->check(CLI::Range(0.0, 100.0));
  const auto roundings = enum_names(Rounding{});
  verb.add_option("--rounding", options.rounding,
                  "How weights become integers: each to the nearest, or by what they are "
                  "multiplied with on --data, gptq (each one after what the earlier ones lost, "
                  "seconds) or adaround (up or "
                  "down, learned, minutes)")
      ->check(CLI::IsMember(std::vector<std::string>(roundings.begin(), roundings.end())));
  verb.add_option("--rounding_steps", options.rounding_steps, "Of adaround, for each product")
      ->check(CLI::PositiveNumber);
  verb.add_flag("--bias_correction", options.bias_correction,
                "Take what rounding the filters adds on the average off the biases")
      ->excludes("--dynamic")
      ->excludes("--weights_only");
  verb.add_option(
          "--smooth", options.smooth,
          "Move large channels of what matrix products multiply into their weights first, so "
          "strongly (0 to 1; 0.5 is usual): for transformers with --dynamic")
      ->check(CLI::Range(0.0, 1.0))
      ->excludes("--weights_only");
  verb.add_flag("--equalize", options.equalize,
                "Make channels that share a range about equally large first, by the weights before "
                "and behind them")
      ->excludes("--dynamic")
      ->excludes("--weights_only");
  verb.add_option("--float_layers", options.float_layers, "Layers that stay float");
  verb.add_option("--max_drop", options.max_drop,
                  "Points of accuracy that may be lost: the most sensitive layers stay float until "
                  "this holds (weights of 4 bits have 8 first)")
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
