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
                                   int64_t bytes, const std::string& what, OpenedFiles* opened) {
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
  OpenedFiles own;
  OpenedFiles& files = opened != nullptr ? *opened : own;
  if (!files.contains(location)) {
    Result<MappedFile> mapped = map_file(folder / location);
    if (!mapped) return fail("{}: {}", what, mapped.error());
    files[location] = std::move(*mapped);
  }
  const MappedFile& file = files[location];
  if (length && *length != bytes)
    return fail("{}: its external data has {} bytes, but its elements take {}", what, *length,
                bytes);
  if (*offset > file.size || bytes > file.size - *offset)
    return fail("{}: bytes {} to {} of {} are beyond its {} bytes", what, *offset,
                fmt::format("+{}", bytes), location, file.size);
  return ExternalData{file, *offset};
}

ExternalLayout external_layout(const GraphDef& graph, std::string location) {
  constexpr int64_t kSmall = 1024, kPage = 4096;
  ExternalLayout layout;
  layout.location = std::move(location);
  int64_t at = 0;
  for (size_t i = 0; i < graph.initializers.size(); ++i) {
    const HostTensor& tensor = graph.initializers[i].tensor;
    if (tensor.is_string() || tensor.tensor.num_bytes() < kSmall) continue;
    layout.offsets[i] = at;
    const int64_t bytes = packed_size(tensor.element, tensor.tensor.num_elements());
    at = (at + bytes + kPage - 1) / kPage * kPage;
  }
  return layout;
}

Status write_external_data(const GraphDef& graph, const ExternalLayout& layout,
                           const std::filesystem::path& path) {
  return write_file_atomically(path, [&](FileWriter& file) -> Status {
    int64_t at = 0;
    for (const auto& [position, offset] : layout.offsets) {
      if (Status s = file.write(std::string(static_cast<size_t>(offset - at), '\0')); !s) return s;
      const HostTensor& tensor = graph.initializers[position].tensor;
      const bool as_is = element_type_of(tensor.tensor.dtype()) == tensor.element;
      const std::string packed = as_is ? std::string() : encode(tensor.element, tensor.tensor);
      const std::string_view bytes =
          as_is ? std::string_view(reinterpret_cast<const char*>(tensor.tensor.bytes()),
                                   static_cast<size_t>(tensor.tensor.num_bytes()))
                : std::string_view(packed);
      if (Status s = file.write(bytes); !s) return s;
      at = offset + static_cast<int64_t>(bytes.size());
    }
    return Success{};
  });
}

}  // namespace brisk::onnx
