#include <fmt/format.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>

#include "brisk/base/json.h"
#include "brisk/base/parallel.h"
#include "brisk/cli/bench_model.h"
#include "brisk/cli/library_warning.h"
#include "brisk/cli/options/backend_option.h"
#include "brisk/cli/process_time.h"
#include "brisk/cli/small_cnn_job.h"
#include "brisk/cli/verb.h"
#include "brisk/optimize/plain_passes.h"
#include "brisk/train/model_step.h"

// Start-up is measured in processes of its own: this program runs itself with --first_step, once
// with an empty cache (cold) and then with the cache that run left (warm).

namespace brisk::cli {
namespace {

struct BenchOptions {
  int64_t threads = 0, steps = 300;
  std::string precision = "float32", backend = "cpu";
  bool json = false, first_step = false;
  std::string model;  ///< empty: the small CNN on Fashion-MNIST, with its start-up
  std::vector<int64_t> batch_sizes = {32};
  int64_t sequence_length = 0;
  bool inference = false, deterministic = false, nondeterministic = false, plain = false;
  std::vector<std::string> disabled;
};

Determinism determinism(const BenchOptions& options) {
  return options.deterministic      ? Determinism::full
         : options.nondeterministic ? Determinism::none
                                    : Determinism::noted;
}

void print_case(const BenchOptions& options, const std::string& name, const std::string& unit,
                double value) {
  if (options.json)
    fmt::print("{}\n", Json({{"case", name}, {"unit", unit}, {"ours", value}}).dump());
  else
    fmt::print("{:32} {:10.4g} {}\n", name, value, unit);
}

/// One training step; prints the seconds since the process began.
int run_first_step(const BenchOptions& options) {
  const Job job = small_cnn_job({.threads = options.threads,
                                 .precision = parse_precision(options.precision),
                                 .backend = options.backend});
  time_steps(job, 1, 0);
  fmt::print("{:.4f}\n", seconds_since_process_start());
  return kDone;
}

/// Runs this program for its first step with the cache in `cache`; seconds.
double first_step_seconds(const BenchOptions& options, const std::string& cache) {
  const std::string command = fmt::format(
      "BRISK_CACHE='{}' '{}' bench --first_step --backend {} --precision {} --threads {}", cache,
      std::filesystem::read_symlink("/proc/self/exe").string(), options.backend, options.precision,
      options.threads);
  std::FILE* pipe = popen(command.c_str(), "r");
  require(pipe != nullptr, "cannot start {}", command);
  char line[64] = {};
  const bool read = std::fgets(line, sizeof(line), pipe) != nullptr;
  require(pclose(pipe) == 0 && read, "'{}' failed", command);
  return std::atof(line);
}

void measure_start(const BenchOptions& options, const std::string& suffix) {
  std::string cache = (std::filesystem::temp_directory_path() / "brisk-bench-XXXXXX").string();
  require(mkdtemp(cache.data()) != nullptr, "cannot make a temporary directory {}", cache);
  print_case(options, "small_cnn/first_step_cold/" + suffix, "s",
             first_step_seconds(options, cache));
  print_case(options, "small_cnn/first_step/" + suffix, "s", first_step_seconds(options, cache));
  std::filesystem::remove_all(cache);
}

int run_model(BenchOptions options) {
  if (options.plain) options.disabled = optional_passes();
  const auto backend = find_backend(options.backend).value();
  if (!options.json && backend->available()) fmt::print("{}\n", backend->describe());
  for (const ModelTiming& timing : bench_model({.model = options.model,
                                   .sequence_length = options.sequence_length,
                                   .determinism = determinism(options),
                                   .backend = options.backend,
                                   .precision = parse_precision(options.precision),
                                   .batch_sizes = options.batch_sizes,
                                   .inference = options.inference,
                                   .threads = options.threads,
                                   .steps = options.steps,
                                   .disabled_passes = options.disabled})) {
    // Text is trained by the token and served by the sequence.
    const bool of_text = timing.tokens_per_example > 0;
    const char* unit = !of_text ? "img/s" : options.inference ? "sequences/s" : "tokens/s";
    const double rate =
        timing.examples_per_second *
        static_cast<double>(of_text && !options.inference ? timing.tokens_per_example : 1);
    if (options.json) {
      Json line = {{"case", timing.name},
                   {"unit", unit},
                   {"ours", rate},
                   {"first_step", timing.first_step_seconds}};
      if (timing.first_loss) line["first_loss"] = *timing.first_loss;
      if (timing.last_loss) line["last_loss"] = *timing.last_loss;
      fmt::print("{}\n", line.dump());
      continue;
    }
    fmt::print(
        "{:32} {:10.1f} {} {:10.3f} ms  first step after {:.2f} s  {:.0f} MB{}\n", timing.name,
        rate, unit, timing.milliseconds, timing.first_step_seconds, timing.peak_megabytes,
        timing.last_loss
            ? fmt::format("  loss {:.4f}, then {:.4f}", *timing.first_loss, *timing.last_loss)
            : "");
  }
  return kDone;
}

int bench(BenchOptions options) {
  if (!options.model.empty()) return run_model(options);
  if (options.first_step) return run_first_step(options);
  const auto backend = find_backend(options.backend).value();
  if (!options.json)
    fmt::print("{}; {} threads\n", backend->describe(),
               options.threads > 0 ? options.threads : available_cores());
  for (const auto& [precision, suffix] :
       {std::pair("float32", "f32"), std::pair("mixed_bfloat16", "bf16")}) {
    if (std::string_view(suffix) == "bf16" && !backend->supports_fast(DType::bf16)) continue;
    options.precision = precision;
    const Job job = small_cnn_job({.threads = options.threads,
                                   .precision = parse_precision(precision),
                                   .backend = options.backend});
    if (precision == std::string_view("float32"))
      warn_of_missing_libraries(job.model, options.backend);
    const StepTiming timing = time_steps(job, static_cast<int>(options.steps), 30);
    print_case(options, fmt::format("small_cnn/train/{}", suffix), "img/s",
               timing.images_per_second);
    measure_start(options, suffix);
  }
  return kDone;
}

}  // namespace

void add_bench(CLI::App& app, int& code) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* verb = app.add_subcommand(
      "bench", "Time training and start-up of the small CNN, or one step of any model");
  verb->footer(
      "Example:\n  brisk bench --threads 2 --json\n"
      "  brisk bench resnet50 --backend cuda --precision mixed_float16 --batch_size 256\n"
      "  brisk bench gpt2 --backend cuda --precision mixed_bfloat16 --batch_size 32\nBeside "
      "TensorFlow and PyTorch: ./dev bench --peers");
  const auto names = enum_names(Precision{});
  verb->add_option(
      "model", options->model,
      "A model's name or package: one step of it, on synthetic data in the device's memory");
  verb->add_option("--batch_size", options->batch_sizes, "With a model: batch sizes, one or more")
      ->check(CLI::PositiveNumber);
  verb->add_option("--sequence_length", options->sequence_length,
                   "With a model of text: its steps, instead of those that it is known by")
      ->check(CLI::PositiveNumber);
  CLI::Option* deterministic = verb->add_flag(
      "--deterministic", options->deterministic,
      "With a model: nothing whose results vary between runs, as cuDNN's sums in f16 "
      "do without noting it");
  verb->add_flag("--nondeterministic", options->nondeterministic,
                 "With a model: kernels that are noted to vary between runs, too")
      ->excludes(deterministic);
  verb->add_flag("--inference", options->inference,
                 "With a model: the forward pass alone, not a training step");
  CLI::Option* disable =
      verb->add_option("--disable", options->disabled, "With a model: passes to switch off");
  verb->add_flag("--plain", options->plain,
                 "With a model: switch every pass off that may be, which leaves a kernel an op")
      ->excludes(disable);
  add_backend_option(*verb, options->backend);
  verb->add_option("--threads", options->threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--steps", options->steps, "Timed steps")->check(CLI::PositiveNumber);
  auto* precision =
      verb->add_option("--precision", options->precision,
                       "With a model, or --first_step: its precision")
          ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())));
  verb->add_flag("--first_step", options->first_step,
                 "Run one step and print the seconds since the process began");
  verb->add_flag("--json", options->json, "Print one JSON object a case");
  verb->callback([options, precision, &code] {
    if (precision->count() > 0 && options->model.empty() && !options->first_step)
      throw CLI::RequiresError("--precision", "a model or --first_step");
    code = bench(*options);
  });
}

}  // namespace brisk::cli
