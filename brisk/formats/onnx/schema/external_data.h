#pragma once

/// Weights that lie in a file beside the model. The file must be inside the model's folder: an
/// absolute path, one with "..", and a symbolic link (of the file or of a folder on the way) are
/// refused, as are offsets and lengths beyond the file.

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "brisk/base/error.h"
#include "brisk/base/file.h"
#include "brisk/formats/onnx/model_def.h"

namespace brisk::onnx {

struct ExternalData {
  MappedFile file;
  int64_t offset = 0;
};

/// Files that are mapped already, by their location.
using OpenedFiles = std::map<std::string, MappedFile>;

/// `entries` are the keys "location", "offset", "length" ... of TensorProto.external_data; `bytes`
/// is what the tensor takes; `what` names it in messages. A file that many tensors lie in is mapped
/// once where `opened` is given.
Result<ExternalData> external_data(const std::filesystem::path& folder,
                                   const std::vector<std::pair<std::string, std::string>>& entries,
                                   int64_t bytes, const std::string& what,
                                   OpenedFiles* opened = nullptr);

/// Where initializers (by position) lie in a file of their own.
struct ExternalLayout {
  std::string location;
  std::map<size_t, int64_t> offsets;
};
/// All numeric initializers of at least 1 KiB one behind the other, at multiples of a page (4 KiB)
/// so that readers can map them.
ExternalLayout external_layout(const GraphDef& graph, std::string location);
/// Writes that file, atomically.
Status write_external_data(const GraphDef& graph, const ExternalLayout& layout,
                           const std::filesystem::path& path);

}  // namespace brisk::onnx
