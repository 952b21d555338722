#pragma once

/// A brisk model as an ONNX file.

#include <filesystem>

#include "brisk/formats/model_file.h"
#include "brisk/formats/onnx/model_def.h"

namespace brisk::onnx {

/// Writes the model's inference graph (opset 17, or 21 where weights have 4 bits or scales by
/// block, unless SaveOptions::version says a newer one), atomically. Fails with the op that ONNX
/// cannot say. Weights of more than 2 GiB, or where SaveOptions::external_data asks for it, lie in
/// PATH.data beside it.
Status save_onnx(const Model& model, const std::filesystem::path& path, const SaveOptions& options);

/// The same as plain structures.
Result<ModelDef> to_onnx(const Model& model, const SaveOptions& options);

}  // namespace brisk::onnx
