#pragma once

/// safetensors: named tensors in one file that can be mapped and used without copying.
///
///     8 bytes          N, the header's length, u64 little-endian, at most 100 MB
///     N bytes          JSON object, starts with '{', may end in spaces:
///                        {"__metadata__": {"key": "text", ...},
///                         "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
///     the rest         the tensors' elements, little-endian, row-major; offsets count from here
///
/// The offsets must cover the rest without gap or overlap, so that nothing hides in a file and no
/// byte is shared. Nothing in a file is executed. (huggingface/safetensors, the README's section
/// "Format".) brisk adds one metadata entry, "brisk.xxh3": the XXH3 hash of the tensors' bytes as
/// 16 hexadecimal digits, which other readers ignore.

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/base/tensor.h"

namespace brisk {

struct NamedTensor {
  std::string name;
  Tensor tensor;
};

struct SafetensorsFile {
  std::vector<NamedTensor> tensors;             ///< in the order of their bytes
  std::map<std::string, std::string> metadata;  ///< without brisk's own checksum
  std::optional<uint64_t> checksum;             ///< as stored; none in files of other writers

  /// The tensor of that name; null when there is none.
  const Tensor* find(std::string_view name) const;
  /// The tensor of that name; refused (UserError) with the nearest name when there is none.
  const Tensor& at(std::string_view name) const;
};

struct SafetensorsOptions {
  /// Compare the checksum, where the file has one; this reads every byte of the file.
  bool verify_checksum = true;
};

/// Maps the file. The tensors share the mapped pages (a tensor that is not aligned to its element
/// size is copied); writing to one changes this process's memory only. Fails, with the path and
/// the tensor's name, on anything malformed, on damage that the checksum shows and on element
/// types that brisk lacks.
Result<SafetensorsFile> read_safetensors(const std::filesystem::path& path,
                                         const SafetensorsOptions& options = {});

/// The same over bytes in memory, which `owner` keeps alive for the tensors; `what` names them in
/// messages. The bytes must be writable memory if a tensor will be written to.
Result<SafetensorsFile> parse_safetensors(std::span<const std::byte> bytes,
                                          std::shared_ptr<const void> owner, std::string_view what,
                                          const SafetensorsOptions& options = {});

/// Writes atomically. The data section starts at a multiple of 64 bytes; tensors whose size is a
/// multiple of 64 bytes come first, the others after them from wide to narrow elements, each group
/// in the given order: so every tensor lies aligned to its element size and most to 64 bytes.
/// Fails on a repeated or reserved name, a name that is not UTF-8, an undefined tensor, an i4
/// tensor, and what the file system reports.
Status write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors,
                         const std::map<std::string, std::string>& metadata = {});

}  // namespace brisk
