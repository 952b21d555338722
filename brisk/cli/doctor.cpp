#include <fmt/format.h>

#include <filesystem>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/base/parallel.h"
#include "brisk/cli/verb.h"
#include "brisk/runtime/backend.h"

namespace brisk::cli {
namespace {

struct Check {
  std::string name, state;
  bool good = true;
};

/// `needed`: there is a device that it would serve.
Check library_check(const LibraryReport& library, bool needed) {
  std::string state = library.path.empty() ? library.problem
                                           : fmt::format("{} at {} (wanted: {}){}{}", library.version, library.path,
                                                         library.wanted, library.problem.empty() ? "" : ": ",
                                                         library.problem);
  return {library.name, std::move(state), !needed || library.problem.empty()};
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
    result.push_back({"backend " + name, here ? (*backend)->describe() : "not here: " + here.error(), true});
    for (const LibraryReport& library : (*backend)->libraries())
      result.push_back(library_check(library, here.ok()));
    if (name != "cpu") continue;
    const Status bf16 = (*backend)->supports_fast(DType::bf16);
    result.push_back({"bf16", bf16 ? "fast here" : bf16.error(), true});
  }
  result.push_back({"threads", fmt::format("{} cores for computation", available_cores()), true});
  const std::filesystem::path cache = cache_directory();
  std::error_code error;
  std::filesystem::create_directories(cache, error);
  const Status written = error ? Status(fail("{}", error.message())) : write_file_atomically(cache / "doctor", "ok");
  std::filesystem::remove(cache / "doctor", error);
  result.push_back({"cache", written ? cache.string() : fmt::format("{} cannot be written: {}; set BRISK_CACHE", cache.string(), written.error()), written.ok()});
  const bool data = std::filesystem::exists("/usr/share/datasets/fashion-mnist", error);
  result.push_back({"fashion_mnist", data ? "/usr/share/datasets/fashion-mnist" : "missing: apt-get install dataset-fashion-mnist", true});
  return result;
}

int run(bool json) {
  bool good = true;
  for (const Check& check : checks()) {
    good &= check.good;
    if (json) fmt::print("{}\n", Json({{"check", check.name}, {"state", check.state}, {"good", check.good}}).dump());
    else fmt::print("{:20} {:8} {}\n", check.name, check.good ? "good" : "BAD", check.state);
  }
  return good ? kDone : kUserFault;
}

}  // namespace

void add_doctor(CLI::App& app, int& code) {
  auto json = std::make_shared<bool>(false);
  CLI::App* verb = app.add_subcommand("doctor", "What this machine has and what is missing");
  verb->footer("Example:\n  brisk doctor");
  verb->add_flag("--json", *json, "Print one JSON object a check");
  verb->callback([json, &code] { code = run(*json); });
}

}  // namespace brisk::cli
