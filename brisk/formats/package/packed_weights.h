#pragma once

/// Weights of 4 bits in weights.safetensors, which has no such type: their bytes as U8. The last
/// axis has half its size there, or all is one axis where that size is odd; graph.txt says what
/// they are.

#include "brisk/base/error.h"
#include "brisk/base/tensor.h"
#include "brisk/ir/type.h"

namespace brisk {

/// The tensor as the file has it; other types are themselves.
Tensor for_file(const Tensor& weight);
/// The weight of type `type` from what the file has; fails with what the file has where that is
/// something else.
Result<Tensor> from_file(const Tensor& stored, const Type& type);

}  // namespace brisk
