#pragma once

/// Plain structures to ONNX's protobuf bytes.

#include "brisk/formats/onnx/model_def.h"
#include "brisk/formats/onnx/schema/external_data.h"
#include "brisk/formats/onnx/schema/read.h"

namespace brisk::onnx {

/// A ModelProto. Fails when it would exceed protobuf's 2 GiB.
Result<std::string> write_model(const ModelDef& model);
/// The same with the initializers of `outside` in a file of their own beside it.
Result<std::string> write_model(const ModelDef& model, const ExternalLayout& outside);
/// Bytes of the initializers, strings left out.
int64_t weight_bytes(const ModelDef& model);
/// TensorProto, SequenceProto or OptionalProto.
std::string write_value(const ValueFile& value);

}  // namespace brisk::onnx
