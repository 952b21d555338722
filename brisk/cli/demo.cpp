#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/base/parallel.h"
#include "brisk/cli/optimize_progress.h"
#include "brisk/cli/small_cnn_job.h"
#include "brisk/cli/stop_signal.h"
#include "brisk/cli/verb.h"
#include "brisk/formats/package/package.h"
#include "brisk/optimize/optimize.h"

// Each row adds one technique to the rows that were kept before it; it is kept when its step is
// faster by more than the noise. The last configuration kept is trained in full; what the trained
// model gains by steps of deployment is the end.

namespace brisk::cli {
namespace {

constexpr double kNoise = 1.02;  ///< a step must be faster by two percent to be kept

struct DemoOptions {
  std::string output = "runs/demo";
  int64_t epochs = 5, threads = 0, steps = 40, optimize_seconds = 60;
  bool json = false;
};

int64_t num_threads(const DemoOptions& options) {
  return options.threads > 0 ? options.threads : available_cores();
}

struct Row {
  std::string step, verdict;
  StepTiming timing;
  bool measured = false, kept = false;
};

void print_table(const std::vector<Row>& rows, double accuracy, const std::string& cpu,
                 const DemoOptions& options) {
  if (options.json) {
    for (const Row& row : rows)
      fmt::print("{}\n", Json({{"step", row.step},
                               {"images_per_second", row.timing.images_per_second},
                               {"milliseconds", row.timing.milliseconds},
                               {"p10", row.timing.fastest},
                               {"p90", row.timing.slowest},
                               {"peak_megabytes", row.timing.peak_megabytes},
                               {"kept", row.kept},
                               {"verdict", row.verdict}})
                             .dump());
    fmt::print("{}\n",
               Json({{"test_accuracy", accuracy}, {"cpu", cpu}, {"threads", num_threads(options)}})
                   .dump());
    return;
  }
  fmt::print("\n{:32} {:>10} {:>18} {:>12} {:>14}  {}\n", "step", "images/s", "ms (p10 - p90)",
             "peak memory", "test accuracy", "kept, or why not");
  size_t last_kept = 0;
  for (size_t i = 0; i < rows.size(); ++i)
    if (rows[i].kept) last_kept = i;
  for (size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    if (!row.measured) {
      fmt::print("{:32} {:>10} {:>18} {:>12} {:>14}  {}\n", row.step, "-", "-", "-", "-",
                 row.verdict);
      continue;
    }
    fmt::print("{:32} {:>10.0f} {:>18} {:>9.1f} MB {:>14}  {}\n", row.step,
               row.timing.images_per_second,
               fmt::format("{:.2f} - {:.2f}", row.timing.fastest, row.timing.slowest),
               row.timing.peak_megabytes,
               i == last_kept ? fmt::format("{:.2f} %", 100 * accuracy) : "", row.verdict);
  }
}

/// `brisk optimize` of what was trained; its training steps are the table above.
int optimize_trained(const std::string& package, const DemoOptions& options) {
  OptimizeOptions job{.model = package,
                      .data = "fashion_mnist",
                      .output = std::filesystem::path(options.output) / "optimized",
                      .time_budget = static_cast<double>(options.optimize_seconds),
                      .skip = {"training"},
                      .epochs = 1,
                      .threads = options.threads};
  std::filesystem::remove_all(job.output);
  OptimizeObserver observer{.stop = &watch_stop_signals()};
  ProgressBar bar;
  show_progress(observer, bar);
  const Optimization result = optimize(job, observer);
  if (result.stopped) return kStopped;
  if (options.json)
    fmt::print("{}\n", json_text({{"optimization", to_json(result.report)}}));
  else
    fmt::print("\n{}page   {}\n", report_text(result.report),
               (job.output / "report.html").string());
  return kDone;
}

int demo(const DemoOptions& options) {
  const std::atomic<bool>& stop = watch_stop_signals();
  const auto backend = find_backend("cpu").value();
  fmt::print(stderr, "{}; {} threads\n", backend->describe(), num_threads(options));
  // A few epochs are all that a demonstration has: Muon, a high learning rate after a warm-up of a
  // tenth of the steps, and label smoothing in place of dropout.
  constexpr int64_t kBatch = 128;
  const int64_t steps_an_epoch = small_cnn_job({.batch_size = kBatch}).train.cardinality();
  SmallCnnOptions kept{.threads = options.threads,
                       .epochs = options.epochs,
                       .batch_size = kBatch,
                       .optimizer = "muon",
                       .learning_rate = 0.008,
                       .warmup_steps = options.epochs * steps_an_epoch / 10,
                       .label_smoothing = 0.1,
                       .dropout = 0};
  std::vector<Row> rows;
  const auto measure = [&](const std::string& name, const SmallCnnOptions& candidate,
                           bool always_keep) {
    fmt::print(stderr, "timing {} steps: {}\n", options.steps, name);
    Row row{.step = name,
            .timing = time_steps(small_cnn_job(candidate), static_cast<int>(options.steps), 10),
            .measured = true};
    double best = 0;
    for (const Row& other : rows)
      if (other.kept) best = other.timing.images_per_second;
    row.kept = always_keep || row.timing.images_per_second > best * kNoise;
    row.verdict =
        always_keep ? "the start"
        : row.kept
            ? fmt::format("kept: {:.2f} times as fast", row.timing.images_per_second / best)
            : fmt::format("not kept: {:.2f} times as fast", row.timing.images_per_second / best);
    if (row.kept) kept = candidate;
    rows.push_back(row);
  };

  // Passes are switched on again from the last to the first.
  SmallCnnOptions candidate = kept;
  candidate.disabled_passes = {"sink_below_pool", "simplify", "sink_transposes", "fuse_epilogues",
                               "fuse_loops"};
  measure("f32, one loop an op", candidate, true);
  const auto switch_on = [&](const std::string& step, std::initializer_list<const char*> passes) {
    candidate = kept;
    for (const char* pass : passes) std::erase(candidate.disabled_passes, pass);
    measure(step, candidate, false);
  };
  switch_on("+ loops fused", {"fuse_loops"});
  switch_on("+ bias and ReLU in convolutions", {"fuse_epilogues"});
  switch_on("+ simplification", {"simplify", "sink_transposes"});
  switch_on("+ ReLU behind the pool", {"sink_below_pool"});
  if (const Status fast = backend->supports_fast(DType::bf16); fast) {
    candidate = kept;
    candidate.precision = Precision::mixed_bfloat16;
    measure("+ bf16", candidate, false);
  } else {
    rows.push_back({.step = "+ bf16", .verdict = "not tried: " + fast.error()});
  }
  candidate = kept;
  candidate.accumulate = 4;
  measure("+ gradient accumulation (4)", candidate, false);

  kept.validation = true;
  const Job job = small_cnn_job(kept);
  Trainer trainer(job.model, job.trainer);
  ProgressBar bar;
  FitOptions fit;
  fit.epochs = options.epochs;
  fit.validation = &*job.validation;
  fit.directory = std::filesystem::path(options.output) / "checkpoints";
  fit.tensorboard = std::filesystem::path(options.output) / "tensorboard";
  fit.stop = &stop;
  fit.callbacks.on_message = [&](const std::string& text) { bar.message(text); };
  fit.callbacks.on_step = [&](const StepReport& report) { bar.step(report); };
  fit.callbacks.on_epoch = [&](const StepReport& report, const Metrics& metrics) {
    bar.epoch(report, metrics);
  };
  std::filesystem::remove_all(fit.directory);  // each demo starts anew
  const History history = trainer.fit(job.train, fit);
  if (history.stopped) {
    fmt::print(stderr, "stopped; the state is in {}\n", fit.directory.string());
    return kStopped;
  }
  const double accuracy = history.epochs.empty() ? 0.0 : history.epochs.back().at("val_accuracy");
  const std::filesystem::path package = std::filesystem::path(options.output) / "model";
  const Model model = trainer.model();
  write_package(package, {model.program,
                          model.weights,
                          model.name,
                          model.class_names,
                          preprocessing_text(job.recipe, job.train.components()[0].sizes),
                          {}})
      .value();
  print_table(rows, accuracy, backend->describe(), options);
  if (!options.json)
    fmt::print("\nmodel        {}\ncheckpoints  {}\ntensorboard  {}   (tensorboard --logdir {})\n",
               package.string(), fit.directory.string(), fit.tensorboard.string(),
               fit.tensorboard.string());
  return options.optimize_seconds > 0 ? optimize_trained(package.string(), options) : kDone;
}

}  // namespace

void add_demo(CLI::App& app, int& code) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* verb = app.add_subcommand(
      "demo", "Train a small CNN on real images and show what each optimisation brings");
  verb->footer("Example:\n  brisk demo --epochs 2 --output runs/try");
  verb->add_option("--output", options->output, "Directory for the model, checkpoints and logs");
  verb->add_option("--epochs", options->epochs, "Epochs of the full training")
      ->check(CLI::PositiveNumber);
  verb->add_option("--threads", options->threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--steps", options->steps, "Timed steps a row")->check(CLI::PositiveNumber);
  verb->add_option("--optimize_seconds", options->optimize_seconds,
                   "How long brisk optimize may take at the end; 0: it is left out")
      ->check(CLI::NonNegativeNumber);
  verb->add_flag("--json", options->json,
                 "Print the table as one JSON object a row, and what was optimized as one");
  verb->callback([options, &code] { code = demo(*options); });
}

}  // namespace brisk::cli
