#include <algorithm>
#include <set>

#include "brisk/base/file.h"
#include "brisk/base/hash.h"
#include "brisk/base/json.h"
#include "brisk/formats/safetensors/layout.h"
#include "brisk/formats/safetensors/safetensors.h"

namespace brisk {
namespace {

using namespace safetensors;

constexpr int64_t kAlignment = 64;

std::string_view bytes_of(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes()), static_cast<size_t>(tensor.num_bytes())};
}

Status check_tensors(std::span<const NamedTensor> tensors) {
  std::set<std::string_view> names;
  for (const auto& [name, tensor] : tensors) {
    if (name == kMetadataKey) return fail("the name '{}' is reserved", name);
    if (!names.insert(name).second) return fail("the name '{}' is given twice", name);
    if (!tensor.defined()) return fail("tensor '{}' is undefined", name);
    if (!type_name(tensor.dtype())) {
      return fail("tensor '{}' is {}, and the format has no such element type", name,
                  tensor.describe());
    }
  }
  return Success{};
}

/// Places that keep every tensor aligned although the format allows no gaps.
std::vector<const NamedTensor*> place(std::span<const NamedTensor> tensors) {
  std::vector<const NamedTensor*> order;
  for (const NamedTensor& entry : tensors) order.push_back(&entry);
  std::ranges::stable_sort(order, std::ranges::greater(), [](const NamedTensor* entry) {
    const Tensor& tensor = entry->tensor;
    return tensor.num_bytes() % kAlignment == 0 ? kAlignment : byte_size(tensor.dtype());
  });
  return order;
}

uint64_t checksum_of(std::span<const NamedTensor* const> order) {
  StableHasher hasher;
  for (const NamedTensor* entry : order) hasher.update(bytes_of(entry->tensor));
  return hasher.digest();
}

/// Length and header, padded with spaces to a multiple of 64 bytes.
Result<std::string> make_header(std::span<const NamedTensor* const> order,
                                std::map<std::string, std::string> metadata) {
  metadata[std::string(kChecksumKey)] = to_hex(checksum_of(order));
  std::string text;
  try {
    text = fmt::format("{{\"{}\":{}", kMetadataKey, Json(metadata).dump());
    int64_t offset = 0;
    for (const NamedTensor* entry : order) {
      const Tensor& tensor = entry->tensor;
      const int64_t end = offset + tensor.num_bytes();
      text += fmt::format(",{}:{{\"dtype\":\"{}\",\"shape\":{},\"data_offsets\":[{},{}]}}",
                          Json(entry->name).dump(), *type_name(tensor.dtype()),
                          Json(tensor.sizes()).dump(), offset, end);
      offset = end;
    }
    text += '}';
  } catch (const Json::exception&) {  // only dump throws, and only for this reason
    return fail("a name or a metadata text is not UTF-8");
  }
  const auto used = static_cast<int64_t>(text.size()) + kLengthBytes;
  text.append(static_cast<size_t>((used + kAlignment - 1) / kAlignment * kAlignment - used), ' ');
  if (static_cast<int64_t>(text.size()) > kMaxHeaderBytes) {
    return fail("the header would take {} bytes, more than the limit of {}", text.size(),
                kMaxHeaderBytes);
  }
  std::string length(static_cast<size_t>(kLengthBytes), '\0');
  for (size_t i = 0; i < length.size(); ++i) length[i] = static_cast<char>(text.size() >> (8 * i));
  return length + text;
}

}  // namespace

Status write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string>& metadata) {
  const auto refused = [&](const std::string& reason) {
    return fail("[safetensors] cannot write '{}': {}", path.string(), reason);
  };
  if (Status status = check_tensors(tensors); !status) return refused(status.error());
  const std::vector<const NamedTensor*> order = place(tensors);
  const Result<std::string> header = make_header(order, metadata);
  if (!header) return refused(header.error());
  return write_file_atomically(path, [&](FileWriter& file) -> Status {
    if (Status status = file.write(*header); !status) return status;
    for (const NamedTensor* entry : order) {
      if (Status status = file.write(bytes_of(entry->tensor)); !status) return status;
    }
    return Success{};
  });
}

}  // namespace brisk
