#pragma once

/// Takes the weights out of a model's bytes before protobuf parses the rest, so that they are never
/// in memory as part of a message: raw_data of large initializers of the model's graph.

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "brisk/base/error.h"
#include "brisk/base/file.h"

namespace brisk::onnx {

/// The raw bytes of a tensor, where they lie in the model's file.
struct LargeTensor {
  std::filesystem::path path;
  MappedFile file;
  int64_t offset = 0, size = 0;
  /// Reads them past the map, whose pages would count as memory beside the copy.
  Status read(std::span<std::byte> into) const;
};

/// By position among the initializers of the graph.
using LargeTensors = std::map<int64_t, LargeTensor>;

/// The message without raw_data of more than 64 KiB, which goes into `tensors`; nothing where the
/// bytes are no message (protobuf says what is wrong with them).
std::optional<std::string> without_large_tensors(const MappedFile& file,
                                                 const std::filesystem::path& path,
                                                 LargeTensors& tensors);

}  // namespace brisk::onnx
