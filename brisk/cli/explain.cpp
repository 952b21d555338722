#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/library_warning.h"
#include "brisk/cli/options/backend_option.h"
#include "brisk/cli/verb.h"
#include "brisk/train/model_step.h"
#include "brisk/train/package_job.h"
#include "brisk/train/step_target.h"

namespace brisk::cli {
namespace {

struct ExplainOptions {
  std::string model, backend = "cpu", precision = "float32", dump, device;
  int64_t batch_size = 32, threads = 0, accumulate = 1;
  bool inference = false, strict = false, json = false, profile = false;
  std::vector<std::string> disabled;
};

ModelStep make_step(const ExplainOptions& options, const Model& model) {
  const Precision precision = parse_precision(options.precision);
  return make_model_step(model,
                         {.batch_size = options.batch_size,
                          .precision = precision,
                          .accumulate = options.accumulate,
                          .inference = options.inference,
                          .target = step_target(*find_backend(options.backend).value(), precision),
                          .disabled_passes = options.disabled});
}

/// Of GFLOP/s.
std::string rate_text(double rate) {
  return rate < 10'000 ? fmt::format("{:7.1f} GFLOP/s", rate)
                       : fmt::format("{:7.1f} TFLOP/s", rate / 1000);
}

int explain(const ExplainOptions& options) {
  const Model model = open_model(options.model);
  const ModelStep step = make_step(options, model);
  const auto backend = find_backend(options.backend).value();
  CompileOptions compile_options;
  compile_options.threads = static_cast<int>(options.threads);
  compile_options.tf32 = parse_precision(options.precision) == Precision::tf32;
  compile_options.device_description = options.device;
  compile_options.dump_directory = options.dump;
  compile_options.disabled_passes = {options.disabled.begin(), options.disabled.end()};
  const Compilation compilation = compile(step.program, *backend, compile_options);
  warn_of_missing_libraries(*backend, *compilation.executable);
  Profile profile{compilation.executable->explain(), ""};
  if (options.profile) {
    compilation.executable->bind_state(step.state);
    const std::vector<Tensor> batch = synthetic_batch(step.program);
    compilation.executable->profile(batch, 3);
    profile = compilation.executable->profile(batch, 20);
  }
  const std::vector<KernelReport>& kernels = profile.kernels;
  int fallbacks = 0;
  double total = 0;
  for (const KernelReport& kernel : kernels) total += kernel.milliseconds;
  for (const KernelReport& kernel : kernels) {
    fallbacks += kernel.is_fallback ? 1 : 0;
    if (options.json) {
      Json line = {
          {"op", kernel.op},         {"label", kernel.label},          {"result", kernel.result},
          {"kernel", kernel.kernel}, {"fallback", kernel.is_fallback}, {"bytes", kernel.bytes},
          {"flops", kernel.flops},   {"refusals", Json::array()}};
      if (options.profile) {
        line["milliseconds"] = kernel.milliseconds;
        line["clock"] = profile.clock;
        line["device_kernels"] = Json::array();
        for (const auto& part : kernel.device_kernels)
          line["device_kernels"].push_back(
              {{"name", part.name}, {"milliseconds", part.milliseconds}});
      }
      for (const auto& refusal : kernel.refusals)
        line["refusals"].push_back({{"kernel", refusal.kernel}, {"reason", refusal.reason}});
      fmt::print("{}\n", json_text(line));
      continue;
    }
    if (options.profile)
      fmt::print(
          "{:8.3f} ms {:5.1f} % {:7.1f} GB/s {}  ", kernel.milliseconds,
          total > 0 ? 100 * kernel.milliseconds / total : 0.0,
          kernel.milliseconds > 0 ? static_cast<double>(kernel.bytes) / kernel.milliseconds / 1e6
                                  : 0.0,
          rate_text(kernel.milliseconds > 0 ? kernel.flops / kernel.milliseconds / 1e6 : 0.0));
    fmt::print("{:28} {:24} {:36} {}{}\n", kernel.op, kernel.label, kernel.kernel, kernel.result,
               kernel.is_fallback ? "   <- fallback" : "");
    for (const auto& part : kernel.device_kernels)
      fmt::print("{:8.3f} ms {:22}  {}\n", part.milliseconds, "", part.name);
    for (const auto& refusal : kernel.refusals)
      fmt::print("{:6}{}: {}\n", "", refusal.kernel, refusal.reason);
  }
  if (!options.json) {
    fmt::print(
        "\n{} kernels, {} fallbacks, {:.1f} MB, {}{}\n", kernels.size(), fallbacks,
        static_cast<double>(compilation.executable->peak_bytes()) / 1e6,
        options.device.empty() ? backend->describe() : "as described in " + options.device,
        options.profile ? fmt::format(", {:.3f} ms by {}", total, profile.clock) : std::string());
    for (const PassReport& pass : compilation.passes)
      fmt::print("  pass {:24} {:8.2f} ms  {} -> {} nodes{}\n", pass.name, pass.milliseconds,
                 pass.nodes_before, pass.nodes_after, pass.skipped ? "  (switched off)" : "");
  }
  if (options.strict && fallbacks > 0) {
    fmt::print(
        stderr,
        "brisk: {} of {} kernels fell back to the reference backend or to scalar mathematics\n",
        fallbacks, kernels.size());
    return kUserFault;
  }
  return kDone;
}

}  // namespace

namespace {

void add_options(CLI::App& verb, ExplainOptions& options) {
  const auto names = enum_names(Precision{});
  verb.add_option("model", options.model, "A model package, or a model's name")->required();
  verb.add_option("--batch_size", options.batch_size, "Examples in a batch")
      ->check(CLI::PositiveNumber);
  add_backend_option(verb, options.backend);
  verb.add_option("--precision", options.precision, "float32, mixed_bfloat16, mixed_float16")
      ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())));
  auto* accumulate = verb.add_option("--accumulate", options.accumulate, "Micro-steps in a step")
                         ->check(CLI::PositiveNumber);
  verb.add_option("--threads", options.threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb.add_option("--disable", options.disabled, "Passes to switch off");
  verb.add_option("--dump", options.dump, "Directory for the program after each pass");
  verb.add_flag("--inference", options.inference, "The forward pass alone, not a training step")
      ->excludes(accumulate);
  verb.add_flag("--json", options.json, "Print one JSON object a kernel");
}

}  // namespace

void add_explain(CLI::App& app, int& code) {
  auto options = std::make_shared<ExplainOptions>();
  CLI::App* verb =
      app.add_subcommand("explain", "Which kernel runs each op, and why the better ones refused");
  verb->footer(
      "Example:\n  brisk explain resnet50 --batch_size 16 --strict\n"
      "  brisk explain runs/first/model --inference --profile");
  add_options(*verb, *options);
  verb->add_option("--device", options->device,
                   "A file that describes a device: choose kernels for that one, present or not");
  verb->add_flag("--strict", options->strict, "Fail when a kernel is a fallback");
  verb->add_flag("--profile", options->profile, "Run it and time each kernel");
  verb->callback([options, &code] { code = explain(*options); });
}

void add_profile(CLI::App& app, int& code) {
  auto options = std::make_shared<ExplainOptions>();
  options->profile = true;
  CLI::App* verb =
      app.add_subcommand("profile", "The time of each kernel, with its share, GB/s and FLOP/s");
  verb->footer(
      "Example:\n  brisk profile resnet50 --backend cuda --precision mixed_float16 --batch_size "
      "256");
  add_options(*verb, *options);
  verb->callback([options, &code] { code = explain(*options); });
}

}  // namespace brisk::cli
