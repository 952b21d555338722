#include <algorithm>
#include <charconv>
#include <cstring>

#include "brisk/base/edit_distance.h"
#include "brisk/base/file.h"
#include "brisk/base/hash.h"
#include "brisk/base/json.h"
#include "brisk/base/shape.h"
#include "brisk/formats/safetensors/layout.h"
#include "brisk/formats/safetensors/safetensors.h"

// The header is not believed: every number in it is checked against the file's size before it is
// used, and arithmetic on it is checked for overflow. After `check_coverage` each byte of the data
// section belongs to exactly one tensor.

namespace brisk {
namespace {

using namespace safetensors;

/// One entry of the header.
struct Entry {
  std::string name;
  DType type = DType::f32;
  std::vector<int64_t> sizes;
  int64_t begin = 0;  ///< in the data section
  int64_t end = 0;
};

/// A JSON number that is an integer in [0, 2^63).
std::optional<int64_t> as_size(const Json& value) {
  if (!value.is_number_unsigned()) return std::nullopt;
  const auto number = value.get<uint64_t>();
  if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<int64_t>(number);
}

std::optional<std::vector<int64_t>> as_sizes(const Json& value) {
  if (!value.is_array()) return std::nullopt;
  std::vector<int64_t> sizes;
  for (const Json& element : value) {
    const std::optional<int64_t> size = as_size(element);
    if (!size) return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

/// The member of that name; a JSON null where there is none.
const Json& member(const Json& object, const char* key) {
  static const Json kAbsent;
  const auto found = object.find(key);
  return found == object.end() ? kAbsent : *found;
}

/// Bytes that the entry's type and sizes ask for; fails where that overflows.
Result<int64_t> expected_bytes(const Entry& entry) {
  try {
    const int64_t count = checked_product(entry.sizes);
    int64_t bytes = 0;
    if (__builtin_mul_overflow(count, byte_size(entry.type), &bytes))
      return fail("its size overflows");
    return bytes;
  } catch (const UserError& error) {
    return fail("{}", error.what());
  }
}

Result<Entry> read_entry(const std::string& name, const Json& value) {
  if (!value.is_object()) return fail("its description is not an object");
  const Json& type_text = member(value, "dtype");
  if (!type_text.is_string()) return fail("it has no \"dtype\"");
  const auto type = parse_type_name(type_text.get_ref<const std::string&>());
  if (!type) {
    return fail("its element type {} is not one of {}", type_text.get_ref<const std::string&>(),
                all_type_names());
  }
  const auto sizes = as_sizes(member(value, "shape"));
  if (!sizes) return fail("its \"shape\" is not a list of sizes");
  const auto offsets = as_sizes(member(value, "data_offsets"));
  if (!offsets || offsets->size() != 2) return fail("its \"data_offsets\" are not two offsets");
  Entry entry{name, *type, *sizes, (*offsets)[0], (*offsets)[1]};
  if (entry.begin > entry.end) return fail("its bytes end before they begin");
  const Result<int64_t> bytes = expected_bytes(entry);
  if (!bytes) return bytes.failure();
  if (*bytes != entry.end - entry.begin) {
    return fail("{}{} takes {} bytes, but its offsets hold {}", brisk::name(entry.type),
                Shape(entry.sizes).to_string(), *bytes, entry.end - entry.begin);
  }
  return entry;
}

/// The length of the header; fails where the bytes cannot hold one.
Result<int64_t> header_length(std::span<const std::byte> bytes) {
  if (bytes.size() < static_cast<size_t>(kLengthBytes)) {
    return fail("it has {} bytes, too few for a header", bytes.size());
  }
  uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > static_cast<uint64_t>(kMaxHeaderBytes)) {
    return fail("its header claims {} bytes, more than the limit of {}", length, kMaxHeaderBytes);
  }
  if (length > bytes.size() - static_cast<size_t>(kLengthBytes)) {
    return fail("its header claims {} bytes, but the file has {}", length, bytes.size());
  }
  if (length == 0 || bytes[static_cast<size_t>(kLengthBytes)] != std::byte{'{'}) {
    return fail("its header does not start with '{{'");
  }
  return static_cast<int64_t>(length);
}

/// Sorts the entries by place and checks that they cover `size` bytes without gap or overlap.
Status check_coverage(std::vector<Entry>& entries, int64_t size) {
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  int64_t covered = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != covered) {
      return fail("tensor '{}' begins at byte {} of the data, but the one before it ends at {}",
                  entry.name, entry.begin, covered);
    }
    covered = entry.end;
  }
  if (covered != size) return fail("the tensors cover {} of {} bytes of data", covered, size);
  return Success{};
}

Status read_metadata(const Json& value, SafetensorsFile& file) {
  if (!value.is_object()) return fail("\"__metadata__\" is not an object");
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) return fail("the metadata entry '{}' is not a text", key);
    file.metadata[key] = text.get<std::string>();
  }
  const auto stored = file.metadata.find(std::string(kChecksumKey));
  if (stored == file.metadata.end()) return Success{};
  const std::string& text = stored->second;
  uint64_t checksum = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), checksum, 16);
  if (error != std::errc() || text.size() != 16 || rest != text.data() + text.size()) {
    return fail("the checksum '{}' is not 16 hexadecimal digits", text);
  }
  file.checksum = checksum;
  file.metadata.erase(stored);
  return Success{};
}

/// The entry's tensor over the file's own bytes, or over a copy where those are not aligned.
Result<Tensor> make_tensor(const Entry& entry, const std::byte* data,
                           const std::shared_ptr<const void>& owner) {
  const int64_t size = entry.end - entry.begin;
  const std::byte* bytes = data + entry.begin;
  if (entry.type == DType::boolean) {  // other bytes than 0 and 1 are no value of C++'s bool
    const auto* bad =
        std::find_if(bytes, bytes + size, [](std::byte b) { return b > std::byte{1}; });
    if (bad != bytes + size) {
      return fail("element {} is {}, not a truth value", bad - bytes, static_cast<int>(*bad));
    }
  }
  if (reinterpret_cast<uintptr_t>(bytes) % static_cast<uintptr_t>(byte_size(entry.type)) != 0) {
    Tensor copy(entry.type, entry.sizes);
    std::memcpy(copy.bytes(), bytes, static_cast<size_t>(size));
    return copy;
  }
  // The tensor's pointer shares the owner's count.
  std::shared_ptr<std::byte[]> storage(owner, const_cast<std::byte*>(bytes));
  return Tensor(entry.type, entry.sizes, std::move(storage));
}

Result<SafetensorsFile> parse(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                              const SafetensorsOptions& options) {
  const Result<int64_t> length = header_length(bytes);
  if (!length) return length.failure();
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                                static_cast<size_t>(*length));
  const Result<Json> document = parse_json(header, "its header", 8);
  if (!document) return document.failure();

  SafetensorsFile file;
  std::vector<Entry> entries;
  for (const auto& [name, value] : document->items()) {
    if (name == kMetadataKey) {
      if (Status status = read_metadata(value, file); !status) return status.failure();
      continue;
    }
    Result<Entry> entry = read_entry(name, value);
    if (!entry) return fail("tensor '{}': {}", name, entry.error());
    entries.push_back(std::move(*entry));
  }

  const auto data = bytes.subspan(static_cast<size_t>(kLengthBytes + *length));
  Status covered = check_coverage(entries, static_cast<int64_t>(data.size()));
  if (!covered) return covered.failure();
  if (options.verify_checksum && file.checksum) {
    const uint64_t found = stable_hash({reinterpret_cast<const char*>(data.data()), data.size()});
    if (found != *file.checksum) {
      return fail("it is damaged: the checksum of its data is {}, but {} was stored", to_hex(found),
                  to_hex(*file.checksum));
    }
  }
  for (const Entry& entry : entries) {
    Result<Tensor> tensor = make_tensor(entry, data.data(), owner);
    if (!tensor) return fail("tensor '{}': {}", entry.name, tensor.error());
    file.tensors.push_back({entry.name, std::move(*tensor)});
  }
  return file;
}

}  // namespace

const Tensor* SafetensorsFile::find(std::string_view name) const {
  for (const NamedTensor& entry : tensors)
    if (entry.name == name) return &entry.tensor;
  return nullptr;
}

const Tensor& SafetensorsFile::at(std::string_view name) const {
  const Tensor* found = find(name);
  if (found != nullptr) return *found;
  std::vector<std::string> names;
  for (const NamedTensor& entry : tensors) names.push_back(entry.name);
  refuse("there is no tensor '{}'{}", name, did_you_mean(name, names));
}

Result<SafetensorsFile> parse_safetensors(std::span<const std::byte> bytes,
                                          std::shared_ptr<const void> owner, std::string_view what,
                                          const SafetensorsOptions& options) {
  Result<SafetensorsFile> file = parse(bytes, std::move(owner), options);
  if (!file) return fail("[safetensors] {} is refused: {}", what, file.error());
  return file;
}

Result<SafetensorsFile> read_safetensors(const std::filesystem::path& path,
                                         const SafetensorsOptions& options) {
  Result<MappedFile> map = map_file(path);
  if (!map) return map.failure();
  const std::span<const std::byte> bytes(map->bytes.get(), static_cast<size_t>(map->size));
  return parse_safetensors(bytes, map->bytes, fmt::format("'{}'", path.string()), options);
}

}  // namespace brisk
