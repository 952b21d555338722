#pragma once

/// Weights that lie in a file beside the model. The file must be inside the model's folder: an
/// absolute path, one with "..", and a symbolic link (of the file or of a folder on the way) are
/// refused, as are offsets and lengths beyond the file.

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/base/file.h"

namespace brisk::onnx {

struct ExternalData {
  MappedFile file;
  int64_t offset = 0;
};

/// `entries` are the keys "location", "offset", "length" ... of TensorProto.external_data; `bytes`
/// is what the tensor takes; `what` names it in messages.
Result<ExternalData> external_data(const std::filesystem::path& folder,
                                   const std::vector<std::pair<std::string, std::string>>& entries,
                                   int64_t bytes, const std::string& what);

}  // namespace brisk::onnx
