#include <fmt/format.h>

#include "brisk/base/json.h"
#include "brisk/cli/package_job.h"
#include "brisk/cli/verb.h"

namespace brisk::cli {
namespace {

struct Options {
  std::string model, backend = "cpu", precision = "float32", dump;
  int64_t batch_size = 32, threads = 0, accumulate = 1;
  bool inference = false, strict = false, json = false, profile = false;
  std::vector<std::string> disabled;
};

Program make_program(const Options& options, const Model& model) {
  if (options.inference)
    return bind_dimensions(for_inference(model.program), {{"batch", options.batch_size}});
  StepOptions step;
  step.optimizer = adam();
  step.accumulate = options.accumulate;
  step.disabled_passes = {options.disabled.begin(), options.disabled.end()};
  const auto names = enum_names(Precision{});
  step.precision = static_cast<Precision>(std::find(names.begin(), names.end(), options.precision) -
                                          names.begin());
  return make_training_step(model, step, options.batch_size);
}

std::vector<Tensor> state_of(const Options& options, const Program& program, const Model& model) {
  return options.inference ? model.weights : initial_step_state(program, model);
}

/// Zeros for every batch input: the time of a kernel does not depend on its data.
std::vector<Tensor> blank_batch(const Program& program) {
  std::vector<Tensor> batch;
  for (size_t i = program.state.size(); i < program.graph.inputs().size(); ++i) {
    const Type& type = program.graph.input_type(i);
    batch.push_back(Tensor::zeros(type.dtype(), type.shape().sizes()));
  }
  return batch;
}

int run(const Options& options) {
  const Model model = open_model(options.model);
  const Program program = make_program(options, model);
  const auto backend = find_backend(options.backend).value();
  CompileOptions compile_options;
  compile_options.threads = static_cast<int>(options.threads);
  compile_options.dump_directory = options.dump;
  compile_options.disabled_passes = {options.disabled.begin(), options.disabled.end()};
  const Compilation compilation = compile(program, *backend, compile_options);
  std::vector<KernelReport> kernels = compilation.executable->explain();
  if (options.profile) {
    compilation.executable->bind_state(state_of(options, program, model));
    const std::vector<Tensor> batch = blank_batch(program);
    compilation.executable->profile(batch, 3);
    kernels = compilation.executable->profile(batch, 20);
  }
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
      if (options.profile) line["milliseconds"] = kernel.milliseconds;
      for (const auto& refusal : kernel.refusals)
        line["refusals"].push_back({{"kernel", refusal.kernel}, {"reason", refusal.reason}});
      fmt::print("{}\n", line.dump());
      continue;
    }
    if (options.profile)
      fmt::print("{:8.3f} ms {:5.1f} % {:7.1f} GB/s {:7.1f} GFLOP/s  ", kernel.milliseconds,
                 total > 0 ? 100 * kernel.milliseconds / total : 0.0,
                 kernel.milliseconds > 0
                     ? static_cast<double>(kernel.bytes) / kernel.milliseconds / 1e6
                     : 0.0,
                 kernel.milliseconds > 0 ? kernel.flops / kernel.milliseconds / 1e6 : 0.0);
    fmt::print("{:28} {:24} {:36} {}{}\n", kernel.op, kernel.label, kernel.kernel, kernel.result,
               kernel.is_fallback ? "   <- fallback" : "");
    for (const auto& refusal : kernel.refusals)
      fmt::print("{:6}{}: {}\n", "", refusal.kernel, refusal.reason);
  }
  if (!options.json) {
    fmt::print("\n{} kernels, {} fallbacks, {:.1f} MB, {}{}\n", kernels.size(), fallbacks,
               static_cast<double>(compilation.executable->peak_bytes()) / 1e6, backend->describe(),
               options.profile ? fmt::format(", {:.3f} ms", total) : std::string());
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

void add_explain(CLI::App& app, int& code) {
  auto options = std::make_shared<Options>();
  CLI::App* verb =
      app.add_subcommand("explain", "Which kernel runs each op, and why the better ones refused");
  verb->footer(
      "Example:\n  brisk explain resnet50 --batch_size 16 --strict\n"
      "  brisk explain runs/first/model --inference --profile");
  const auto names = enum_names(Precision{});
  verb->add_option("model", options->model, "A model package, or a model's name")->required();
  verb->add_option("--batch_size", options->batch_size, "Examples in a batch")
      ->check(CLI::PositiveNumber);
  verb->add_option("--backend", options->backend, "cpu or reference");
  auto* precision =
      verb->add_option("--precision", options->precision, "float32, mixed_bfloat16, mixed_float16")
          ->check(CLI::IsMember(std::vector<std::string>(names.begin(), names.end())));
  auto* accumulate = verb->add_option("--accumulate", options->accumulate, "Micro-steps in a step")
                         ->check(CLI::PositiveNumber);
  verb->add_option("--threads", options->threads, "Threads of computation; 0: all cores")
      ->check(CLI::NonNegativeNumber);
  verb->add_option("--disable", options->disabled, "Passes to switch off");
  verb->add_option("--dump", options->dump, "Directory for the program after each pass");
  verb->add_flag("--inference", options->inference,
                 "The forward pass alone, in f32, not a training step")
      ->excludes(precision, accumulate);
  verb->add_flag("--strict", options->strict, "Fail when a kernel is a fallback");
  verb->add_flag("--profile", options->profile, "Run it and time each kernel");
  verb->add_flag("--json", options->json, "Print one JSON object a kernel");
  verb->callback([options, &code] { code = run(*options); });
}

}  // namespace brisk::cli
