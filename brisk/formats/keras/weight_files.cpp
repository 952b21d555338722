// The map of a sharded form says which files hold a group's variables, {"weight_map":
// {"/layers/dense/vars": "x_00000.weights.h5"}}, or a list of them where a group is spread. Within
// a file each variable stands at its own path, so that only the files' names are needed. They come
// from a foreign file: only regular files beside the map are opened.

#include "brisk/formats/keras/weight_files.h"

#include <set>

#include "brisk/base/file.h"
#include "brisk/base/json.h"

namespace brisk {
namespace {

constexpr int64_t kMaxMapBytes = int64_t{64} << 20;
constexpr size_t kMaxFiles = 10'000;

Result<std::set<std::string>> file_names(const Json& map, const std::string& what) {
  if (!map.is_object() || !map.contains("weight_map") || !map["weight_map"].is_object())
    return fail("{} has no weight_map, which tells the files of weights", what);
  std::set<std::string> names;
  for (const Json& value : map["weight_map"])
    for (const Json& name : value.is_array() ? value : Json::array({value})) {
      if (!name.is_string()) return fail("{}: the weight_map names no files", what);
      names.insert(name.get<std::string>());
    }
  if (names.empty() || names.size() > kMaxFiles)
    return fail("{}: the weight_map names {} files", what, names.size());
  return names;
}

Result<Hdf5File> open_beside(const std::filesystem::path& map, const std::string& name) {
  const std::filesystem::path file = map.parent_path() / name;
  if (name.find('\0') != std::string::npos || name.empty() ||
      std::filesystem::path(name).filename() != name || name == "." || name == "..")
    return fail("{} names the file '{}', which is not opened: it must lie beside it", map.string(),
                name);
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::symlink_status(file, error);
  if (!std::filesystem::is_regular_file(status))
    return fail("{} names the file '{}', which is {}", map.string(), name,
                std::filesystem::exists(status) ? "no regular file" : "not there");
  return Hdf5File::open(file);
}

}  // namespace

WeightFiles::WeightFiles(Hdf5File file) {
  files_.push_back(std::move(file));
}

Result<WeightFiles> WeightFiles::open(const std::filesystem::path& path) {
  if (path.extension() != ".json") {
    Result<Hdf5File> file = Hdf5File::open(path);
    if (!file) return file.failure();
    return WeightFiles(std::move(*file));
  }
  const Result<std::string> text = read_file(path, kMaxMapBytes);
  if (!text) return text.failure();
  const Result<Json> map = parse_json(*text, path.string());
  if (!map) return map.failure();
  const Result<std::set<std::string>> names = file_names(*map, path.string());
  if (!names) return names.failure();
  WeightFiles files;
  for (const std::string& name : *names) {
    Result<Hdf5File> file = open_beside(path, name);
    if (!file) return file.failure();
    files.files_.push_back(std::move(*file));
  }
  return files;
}

bool WeightFiles::has_group(const std::string& path) const {
  for (const Hdf5File& file : files_)
    if (file.has_group(path)) return true;
  return false;
}

bool WeightFiles::has_dataset(const std::string& path) const {
  for (const Hdf5File& file : files_)
    if (file.has_dataset(path)) return true;
  return false;
}

Result<Tensor> WeightFiles::dataset(const std::string& path) const {
  for (const Hdf5File& file : files_)
    if (&file == &files_.back() || file.has_dataset(path)) return file.dataset(path);
  return fail("there are no files of weights");
}

}  // namespace brisk
