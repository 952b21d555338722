#pragma once

/// NumPy's matmul in full: vectors, and leading axes that broadcast.

#include "brisk/ir/builder.h"

namespace brisk::onnx {

Value matrix_product(Value a, Value b);

}  // namespace brisk::onnx
