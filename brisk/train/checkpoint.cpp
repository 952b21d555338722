#include "brisk/train/checkpoint.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "brisk/base/file.h"
#include "brisk/base/hash.h"
#include "brisk/base/json.h"
#include "brisk/formats/safetensors/safetensors.h"

// A checkpoint is complete when its directory has its final name: it is filled under a temporary
// one, every file synced, and renamed (base/file.h). What a kill leaves behind is a directory with
// a temporary name, which the next writer removes. Damage after that is found by the checksums of
// both files: safetensors carries its own, checkpoint.json the hash of its text without that field.

namespace brisk {
namespace {

constexpr int kFormatVersion = 1;
constexpr std::string_view kPrefix = "checkpoint-";

std::optional<int64_t> step_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  if (!name.starts_with(kPrefix)) return std::nullopt;
  int64_t step = 0;
  const char* first = name.data() + kPrefix.size();
  const auto [end, error] = std::from_chars(first, name.data() + name.size(), step);
  if (error != std::errc() || end != name.data() + name.size() || step < 0) return std::nullopt;
  return step;
}

/// Complete checkpoints, newest first.
std::vector<std::pair<int64_t, std::filesystem::path>> list_checkpoints(
    const std::filesystem::path& directory) {
  std::vector<std::pair<int64_t, std::filesystem::path>> result;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (const auto step = step_of(entry.path()); step && entry.is_directory(error))
      result.emplace_back(*step, entry.path());
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.first > b.first; });
  return result;
}

/// The process in the name of a temporary directory that write_directory_atomically left.
std::optional<pid_t> writer_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  const size_t mark = name.find(".tmp-");
  if (!name.starts_with(fmt::format(".{}", kPrefix)) || mark == std::string::npos)
    return std::nullopt;
  pid_t process = 0;
  const auto [end, error] =
      std::from_chars(name.data() + mark + 5, name.data() + name.size(), process);
  if (error != std::errc() || process <= 0) return std::nullopt;
  return process;
}

/// Removes what writers that are no longer alive have left half done.
void remove_abandoned(const std::filesystem::path& directory) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    const auto process = writer_of(entry.path());
    const bool dead =
        process && *process != ::getpid() && ::kill(*process, 0) != 0 && errno == ESRCH;
    if (dead) std::filesystem::remove_all(entry.path(), error);  // one that stays does no harm
  }
}

std::string checksum_of(const Json& json) {
  return to_hex(stable_hash(json_text(json)));
}

Result<Checkpoint> read_checkpoint(const std::filesystem::path& path) {
  const Result<std::string> text = read_file(path / "checkpoint.json", 1 << 26);
  if (!text) return text.failure();
  Result<Json> json = parse_json(*text, (path / "checkpoint.json").string());
  if (!json) return json.failure();
  Checkpoint checkpoint;
  try {
    if (json->at("format") != "brisk.checkpoint" || json->at("version") != kFormatVersion)
      return fail("{} is of another format or version", path.string());
    const std::string checksum = json->at("checksum");
    json->erase("checksum");
    if (checksum != checksum_of(*json))
      return fail("{} is damaged: its checksum is {}, but its text says {}",
                  (path / "checkpoint.json").string(), checksum_of(*json), checksum);
    checkpoint.step = json->at("step");
    checkpoint.position.epoch = json->at("position").at("epoch");
    checkpoint.position.offset = json->at("position").at("offset");
    checkpoint.history = json->at("history").dump();
    checkpoint.recipe = json->at("recipe");
  } catch (const Json::exception& error) {
    return fail("{}: {}", (path / "checkpoint.json").string(), error.what());
  }
  if (checkpoint.step < 0 || checkpoint.position.epoch < 0 || checkpoint.position.offset < 0)
    return fail("{}: a step or a position is negative", path.string());
  const Result<SafetensorsFile> file = read_safetensors(path / "state.safetensors");
  if (!file) return file.failure();
  for (const NamedTensor& named : file->tensors) {
    checkpoint.names.push_back(named.name);
    checkpoint.state.push_back(named.tensor);
  }
  return checkpoint;
}

}  // namespace

Status write_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint,
                        int keep) {
  invariant(checkpoint.names.size() == checkpoint.state.size(), "{} names for {} tensors",
            checkpoint.names.size(), checkpoint.state.size());
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail("cannot make the directory {}: {}", directory.string(), error.message());
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < checkpoint.state.size(); ++i)
    tensors.push_back({checkpoint.names[i], checkpoint.state[i]});
  remove_abandoned(directory);
  Json json = {
      {"format", "brisk.checkpoint"},
      {"version", kFormatVersion},
      {"step", checkpoint.step},
      {"position", {{"epoch", checkpoint.position.epoch}, {"offset", checkpoint.position.offset}}},
      {"history", checkpoint.history.empty() ? Json::array()
                                             : parse_json(checkpoint.history, "history").value()},
      {"recipe", checkpoint.recipe}};
  json["checksum"] = checksum_of(json);
  const std::filesystem::path path = directory / fmt::format("{}{}", kPrefix, checkpoint.step);
  const Status written =
      write_directory_atomically(path, [&](const std::filesystem::path& temporary) -> Status {
        if (Status s = write_safetensors(temporary / "state.safetensors", tensors); !s) return s;
        return write_file_atomically(temporary / "checkpoint.json", json_text(json, 2) + "\n");
      });
  if (!written) return written;
  int kept = 0;
  for (const auto& [step, old] : list_checkpoints(directory)) {
    // A later step than this one is damaged and was passed over, or of a training begun anew.
    if (step <= checkpoint.step && kept++ < std::max(keep, 1)) continue;
    std::filesystem::remove_all(old, error);  // an old one that stays does no harm
  }
  return Success{};
}

Result<std::optional<Checkpoint>> read_newest_checkpoint(const std::filesystem::path& directory,
                                                         std::vector<std::string>* warnings) {
  for (const auto& [step, path] : list_checkpoints(directory)) {
    Result<Checkpoint> checkpoint = read_checkpoint(path);
    if (checkpoint.ok()) return std::optional<Checkpoint>(std::move(*checkpoint));
    if (warnings != nullptr)
      warnings->push_back(fmt::format("passed over {}: {}", path.string(), checkpoint.error()));
  }
  return std::optional<Checkpoint>();
}

}  // namespace brisk
