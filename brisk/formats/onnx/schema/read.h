#pragma once

/// ONNX's protobuf files to plain structures. Foreign bytes: sizes are checked against what is
/// there before anything is allocated; a size that overflows, a tensor whose bytes do not fit its
/// extents, an unknown element type and an external path that leaves the model's folder (by "..",
/// absolute or through a symbolic link) each fail with the tensor's name.

#include <filesystem>
#include <variant>

#include "brisk/formats/onnx/model_def.h"

namespace brisk::onnx {

struct ReadOptions {
  /// False: weights of more than 1 KiB are not read; their tensors have sizes and no bytes.
  bool weights = true;
};

/// Reads a model file. External data is looked for beside it.
Result<ModelDef> read_model(const std::filesystem::path& path, const ReadOptions& options = {});
/// The same from bytes; `folder` is where external data may lie, empty: nowhere.
Result<ModelDef> parse_model(std::string bytes, const std::filesystem::path& folder,
                             const ReadOptions& options = {});
/// Whether the bytes can be the beginning of a model: a field of ModelProto with its wire type.
bool looks_like_model(std::string_view first_bytes);

/// A value in a file of its own: a tensor, a list of values, or an optional one.
struct ValueFile {
  TypeDef::Kind kind = TypeDef::Kind::tensor;
  HostTensor tensor;
  std::vector<ValueFile> elements;  ///< of a sequence; of an optional: none or one
};
/// Parses TensorProto, SequenceProto or OptionalProto as `type` says.
Result<ValueFile> parse_value(const std::string& bytes, const TypeDef& type);

}  // namespace brisk::onnx
