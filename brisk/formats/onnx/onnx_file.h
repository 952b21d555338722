#pragma once

/// ONNX as a row of the table of model formats (brisk/formats/model_file.h).
///
/// A file becomes one program: inputs keep their named dimensions (the first input's first one is
/// called "batch"), float initializers that the graph computes with become state, other constants
/// stay in the graph. ONNX's channels-first convolutions stand between transposes, which `simplify`
/// cancels. A model whose shapes depend on data is refused here with the node that decides; it runs
/// in stages (session.h).

#include "brisk/formats/model_file.h"

namespace brisk::onnx {

ModelFormat onnx_format();

Result<ImportedModel> load_onnx(const std::filesystem::path& path, const LoadOptions& options);
/// The same from a file's bytes; external data is looked for in `folder` (empty: nowhere).
Result<ImportedModel> load_onnx_bytes(std::string bytes, const std::filesystem::path& folder,
                                      const LoadOptions& options);
Result<ModelDescription> describe_onnx(const std::filesystem::path& path,
                                       const LoadOptions& options);

}  // namespace brisk::onnx
