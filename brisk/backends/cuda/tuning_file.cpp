#include "brisk/backends/cuda/tuning_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>

#include "brisk/base/file.h"
#include "brisk/base/json.h"

namespace brisk::cuda {
namespace {

constexpr int kFormat = 1;
constexpr int64_t kLargestFile = int64_t{256} << 20;

/// Holds an exclusive lock on `path` + ".lock" while it lives.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : descriptor_(::open((path + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0666)) {
    if (descriptor_ >= 0) ::flock(descriptor_, LOCK_EX);
  }
  ~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int descriptor_;
};

bool is_text(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string();
}

}  // namespace

Result<std::map<std::string, TunedChoice>> parse_tuning(std::string_view text) {
  const Result<Json> json = parse_json(text, "the tuning file");
  if (!json) return json.failure();
  if (!json->is_object() || !json->contains("format") || (*json)["format"] != kFormat)
    return fail("the tuning file is no object of format {}", kFormat);
  const auto choices = json->find("choices");
  if (choices == json->end() || !choices->is_object())
    return fail("the tuning file has no object \"choices\"");
  std::map<std::string, TunedChoice> result;
  for (const auto& [problem, entry] : choices->items()) {
    const bool complete = entry.is_object() && is_text(entry, "choice") && is_text(entry, "plan") &&
                          entry.contains("milliseconds") && entry["milliseconds"].is_number();
    if (!complete) return fail("the tuning file's entry for {} is incomplete", problem);
    const double milliseconds = entry["milliseconds"].get<double>();
    if (!std::isfinite(milliseconds) || milliseconds < 0)
      return fail("the tuning file says {} ms for {}", milliseconds, problem);
    result[problem] = {entry["choice"].get<std::string>(), entry["plan"].get<std::string>(),
                       milliseconds};
  }
  return result;
}

std::string print_tuning(const std::map<std::string, TunedChoice>& choices) {
  Json entries = Json::object();
  for (const auto& [problem, choice] : choices)
    entries[problem] = {
        {"choice", choice.choice}, {"plan", choice.plan}, {"milliseconds", choice.milliseconds}};
  return Json{{"format", kFormat}, {"choices", std::move(entries)}}.dump();
}

std::map<std::string, TunedChoice> read_tuning_file(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  const Result<std::string> text = read_file(path, kLargestFile);
  if (!text) return {};
  Result<std::map<std::string, TunedChoice>> choices = parse_tuning(*text);
  if (choices) return std::move(*choices);
  std::filesystem::rename(path, path + ".damaged", ignored);
  return {};
}

std::map<std::string, TunedChoice> merge_into_tuning_file(
    const std::string& path, const std::map<std::string, TunedChoice>& added,
    const std::set<std::string>& unusable, size_t limit) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const FileLock lock(path);
  std::map<std::string, TunedChoice> choices = read_tuning_file(path);
  if (choices.size() + added.size() > limit) choices.clear();
  std::map<std::string, TunedChoice> others;
  for (const auto& [problem, choice] : added) {
    TunedChoice& kept = choices.try_emplace(problem, choice).first->second;
    if (unusable.contains(problem))
      kept = choice;
    else if (kept.choice != choice.choice || kept.plan != choice.plan)
      others[problem] = kept;
  }
  const Status written = write_file_atomically(path, print_tuning(choices));
  if (!written) refuse("{}", written.error());
  return others;
}

}  // namespace brisk::cuda
