#include <fmt/format.h>

#include <filesystem>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/base/parallel.h"
#include "brisk/cli/verb.h"
#include "brisk/ops/contract/contract.h"
#include "brisk/ops/convolve/convolve.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/standard.h"
#include "brisk/runtime/backend.h"

namespace brisk::cli {
namespace {

struct Check {
  std::string name, state;
  bool good = true;      ///< false: training does not work
  bool complete = true;  ///< false: something is missing that not everybody needs
};

/// `needed`: there is a device that it would serve.
Check library_check(const LibraryReport& library, bool needed) {
  std::string state =
      library.path.empty()
          ? library.problem
          : fmt::format("{} at {} (wanted: {}){}{}", library.version, library.path, library.wanted,
                        library.problem.empty() ? "" : ": ", library.problem);
  return {library.name, std::move(state), !needed || library.optional || library.problem.empty(),
          library.problem.empty()};
}

/// What a program of one op runs on: its kernel, or why only the reference evaluator takes it.
Check kernel_check(const std::string& name, const Backend& backend, Builder& builder,
                   const Value& result) {
  const Program program{.graph = builder.finish({{"y", result}}), .num_results = 1};
  for (const KernelReport& kernel : compile(program, backend).executable->explain()) {
    if (!kernel.is_fallback) return {name, kernel.kernel};
    std::string reasons;
    for (const auto& refusal : kernel.refusals)
      reasons +=
          fmt::format("{}{}: {}", reasons.empty() ? "" : "; ", refusal.kernel, refusal.reason);
    return {name, "slow: " + (reasons.empty() ? kernel.kernel : reasons), true, false};
  }
  return {name, "nothing to run", false};
}

std::vector<Check> kernel_checks(const Backend& backend) {
  Builder loop(standard_ops()), convolved(standard_ops()), contracted(standard_ops());
  const Value x = loop.input("x", Type(DType::f32, {64, 64}));
  const Value image = convolved.input("image", Type(DType::f32, {1, 16, 16, 64}));
  const Value filter = convolved.input("filter", Type(DType::f32, {3, 3, 64, 64}));
  const Value left = contracted.input("left", Type(DType::f32, {64, 64}));
  const Value right = contracted.input("right", Type(DType::f32, {64, 64}));
  const ConvolutionAttributes halved{
      .strides = {2, 2}, .pad_low = {1, 1}, .pad_high = {1, 1}, .dilations = {1, 1}};
  return {kernel_check("loops", backend, loop, tanh(x) + 1.0),
          kernel_check("convolutions", backend, convolved, convolution(image, filter, halved)),
          kernel_check("products", backend, contracted, matmul(left, right))};
}

std::vector<Check> checks() {
  std::vector<Check> result;
  for (const std::string& name : backend_names()) {
    const auto backend = find_backend(name);
    if (!backend) {
      result.push_back({"backend " + name, backend.error(), false});
      continue;
    }
    // A machine without a device is as good as any: what it lacks is said, not held against it.
    const Status here = (*backend)->available();
    result.push_back({"backend " + name,
                      here ? (*backend)->describe() : "not here: " + here.error(), true,
                      here.ok()});
    for (const LibraryReport& library : (*backend)->libraries())
      result.push_back(library_check(library, here.ok()));
    if (name != "cpu") continue;
    for (Check& check : kernel_checks(**backend)) result.push_back(std::move(check));
    const Status bf16 = (*backend)->supports_fast(DType::bf16);
    result.push_back({"bf16", bf16 ? "fast here" : bf16.error(), true, bf16.ok()});
  }
  result.push_back({"threads", fmt::format("{} cores for computation", available_cores()), true});
  const std::filesystem::path cache = cache_directory();
  std::error_code error;
  std::filesystem::create_directories(cache, error);
  const Status written =
      error ? Status(fail("{}", error.message())) : write_file_atomically(cache / "doctor", "ok");
  std::filesystem::remove(cache / "doctor", error);
  result.push_back({"cache",
                    written ? cache.string()
                            : fmt::format("{} cannot be written: {}; set BRISK_CACHE",
                                          cache.string(), written.error()),
                    written.ok()});
  const bool data = std::filesystem::exists("/usr/share/datasets/fashion-mnist", error);
  result.push_back({"fashion_mnist",
                    data ? "/usr/share/datasets/fashion-mnist"
                         : "missing: apt-get install dataset-fashion-mnist",
                    true, data});
  return result;
}

int doctor(bool json) {
  bool good = true;
  for (const Check& check : checks()) {
    good &= check.good;
    if (json)
      fmt::print(
          "{}\n",
          Json({{"check", check.name}, {"state", check.state}, {"good", check.good}}).dump());
    else
      fmt::print("{:20} {:8} {}\n", check.name,
                 !check.good      ? "BAD"
                 : check.complete ? "good"
                                  : "without",
                 check.state);
  }
  return good ? kDone : kUserFault;
}

}  // namespace

void add_doctor(CLI::App& app, int& code) {
  auto json = std::make_shared<bool>(false);
  CLI::App* verb = app.add_subcommand("doctor", "What this machine has and what is missing");
  verb->footer("Example:\n  brisk doctor");
  verb->add_flag("--json", *json, "Print one JSON object a check");
  verb->callback([json, &code] { code = doctor(*json); });
}

}  // namespace brisk::cli
