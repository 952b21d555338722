#include "brisk/formats/onnx/schema/external_data.h"

#include <charconv>

namespace brisk::onnx {
namespace {

std::optional<int64_t> number(const std::string& text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

/// The reason why `location` may not be opened, or none.
std::optional<std::string> unsafe(const std::filesystem::path& folder,
                                  const std::filesystem::path& location) {
  if (location.empty()) return "it is empty";
  if (location.is_absolute()) return "it is absolute";
  std::filesystem::path walked = folder;
  for (const std::filesystem::path& part : location) {
    if (part == "..") return "it leaves the model's folder";
    walked /= part;
    std::error_code error;
    if (std::filesystem::is_symlink(std::filesystem::symlink_status(walked, error)))
      return "it leads through the symbolic link " + walked.string();
  }
  std::error_code error;
  if (std::filesystem::exists(walked, error) && !std::filesystem::is_regular_file(walked, error))
    return "it is no regular file";
  return std::nullopt;
}

}  // namespace

Result<ExternalData> external_data(const std::filesystem::path& folder,
                                   const std::vector<std::pair<std::string, std::string>>& entries,
                                   int64_t bytes, const std::string& what) {
  std::string location;
  std::optional<int64_t> offset = 0, length;
  for (const auto& [key, value] : entries) {
    if (key == "location") location = value;
    if (key == "offset") offset = number(value);
    if (key == "length") {
      length = number(value);
      if (!length) return fail("{}: the length '{}' of its external data is no size", what, value);
    }
    if (key == "offset" && !offset)
      return fail("{}: the offset '{}' of its external data is no size", what, value);
  }
  if (location.find('\0') != std::string::npos)
    return fail("{}: its external data's path holds a zero byte", what);
  if (const std::optional<std::string> reason = unsafe(folder, location))
    return fail("{}: its external data lies at '{}', which is not opened: {}", what, location,
                *reason);
  Result<MappedFile> file = map_file(folder / location);
  if (!file) return fail("{}: {}", what, file.error());
  if (length && *length != bytes)
    return fail("{}: its external data has {} bytes, but its elements take {}", what, *length,
                bytes);
  if (*offset > file->size || bytes > file->size - *offset)
    return fail("{}: bytes {} to {} of {} are beyond its {} bytes", what, *offset,
                fmt::format("+{}", bytes), location, file->size);
  return ExternalData{std::move(*file), *offset};
}

}  // namespace brisk::onnx
