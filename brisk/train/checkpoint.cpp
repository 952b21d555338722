#include "brisk/train/checkpoint.h"

#include <algorithm>
#include <charconv>

#include "brisk/base/file.h"
#include "brisk/base/json.h"
#include "brisk/formats/safetensors/safetensors.h"

// A checkpoint is complete when its directory has its final name: it is filled under a temporary
// one, every file synced, and renamed (base/file.h). What a kill leaves behind is a directory with
// a temporary name, which the next writer removes. Damage after that is found by the checksum that
// safetensors carries and by the shape of checkpoint.json; then the checkpoint before it is used.

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
std::vector<std::pair<int64_t, std::filesystem::path>> list_checkpoints(const std::filesystem::path& directory) {
  std::vector<std::pair<int64_t, std::filesystem::path>> result;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error))
    if (const auto step = step_of(entry.path()); step && entry.is_directory(error)) result.emplace_back(*step, entry.path());
  std::sort(result.begin(), result.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  return result;
}

Result<Checkpoint> read_checkpoint(const std::filesystem::path& path) {
  const Result<std::string> text = read_file(path / "checkpoint.json", 1 << 26);
  if (!text) return text.failure();
  const Result<Json> json = parse_json(*text, (path / "checkpoint.json").string());
  if (!json) return json.failure();
  Checkpoint checkpoint;
  try {
    if (json->at("format") != "brisk.checkpoint" || json->at("version") != kFormatVersion)
      return fail("{} is of another format or version", path.string());
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

Status write_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint, int keep) {
  invariant(checkpoint.names.size() == checkpoint.state.size(), "{} names for {} tensors", checkpoint.names.size(),
            checkpoint.state.size());
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return fail("cannot make the directory {}: {}", directory.string(), error.message());
  std::vector<NamedTensor> tensors;
  for (size_t i = 0; i < checkpoint.state.size(); ++i) tensors.push_back({checkpoint.names[i], checkpoint.state[i]});
  const Json json = {{"format", "brisk.checkpoint"},
                     {"version", kFormatVersion},
                     {"step", checkpoint.step},
                     {"position", {{"epoch", checkpoint.position.epoch}, {"offset", checkpoint.position.offset}}},
                     {"history", checkpoint.history.empty() ? Json::array() : parse_json(checkpoint.history, "history").value()},
                     {"recipe", checkpoint.recipe}};
  const std::filesystem::path path = directory / fmt::format("{}{}", kPrefix, checkpoint.step);
  const Status written = write_directory_atomically(path, [&](const std::filesystem::path& temporary) -> Status {
    if (Status s = write_safetensors(temporary / "state.safetensors", tensors); !s) return s;
    return write_file_atomically(temporary / "checkpoint.json", json.dump(2) + "\n");
  });
  if (!written) return written;
  const auto all = list_checkpoints(directory);
  for (size_t i = static_cast<size_t>(std::max(keep, 1)); i < all.size(); ++i)
    std::filesystem::remove_all(all[i].second, error);  // an old one that stays does no harm
  return Success{};
}

Result<std::optional<Checkpoint>> read_newest_checkpoint(const std::filesystem::path& directory,
                                                         std::vector<std::string>* warnings) {
  for (const auto& [step, path] : list_checkpoints(directory)) {
    Result<Checkpoint> checkpoint = read_checkpoint(path);
    if (checkpoint.ok()) return std::optional<Checkpoint>(std::move(*checkpoint));
    if (warnings != nullptr) warnings->push_back(fmt::format("passed over {}: {}", path.string(), checkpoint.error()));
  }
  return std::optional<Checkpoint>();
}

}  // namespace brisk
