#pragma once

/// Elements between memory and registers: decoding of short floats and bool on load, encoding
/// (round to nearest, ties to even, as brisk/base/half.h defines) on store. All lane-wise.

#include "brisk/backends/cpu/llvm/vector_builder.h"

namespace brisk {

/// From what memory holds (memory_element) to what is computed with (compute_element).
llvm::Value* decode(VectorBuilder& build, llvm::Value* raw, DType type);
/// The reverse; `value` is of compute_element(type).
llvm::Value* encode(VectorBuilder& build, llvm::Value* value, DType type);

/// `lanes` elements from `address`, spaced by `stride` elements; those beyond `active` are not
/// touched and become zero.
llvm::Value* load(VectorBuilder& build, DType type, llvm::Value* address, int64_t stride, int lanes,
                  int active);
/// `streamed`: whole vectors are aligned to their size and go past the caches.
void store(VectorBuilder& build, llvm::Value* value, DType type, llvm::Value* address,
           int64_t stride, int active, bool streamed = false);

}  // namespace brisk
