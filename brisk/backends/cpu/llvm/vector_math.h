#pragma once

/// Transcendental functions on scalars and vectors: f32 exp, log, tanh and erf as inline
/// polynomials, the others by calls of libmvec (glibc's vector mathematics), never of scalar libm.
/// Accuracy: f32 within 1e-6 relative, f64 within 4 units in the last place.

#include "brisk/backends/cpu/llvm/vector_builder.h"

namespace brisk {

/// f32 only.
llvm::Value* exp_f32(VectorBuilder& build, llvm::Value* x);
llvm::Value* log_f32(VectorBuilder& build, llvm::Value* x);
llvm::Value* tanh_f32(VectorBuilder& build, llvm::Value* x);
llvm::Value* erf_f32(VectorBuilder& build, llvm::Value* x);

/// C's fmod, exact; f32 and f64.
llvm::Value* fmod(VectorBuilder& build, llvm::Value* x, llvm::Value* y);
/// Integers: by squaring; negative exponents give 0.
llvm::Value* integer_power(VectorBuilder& build, llvm::Value* base, llvm::Value* exponent,
                           bool is_signed);

/// libmvec's version of the libm function `name` ("sin"; the suffix for f32 is added).
llvm::Value* call_libmvec(VectorBuilder& build, const char* name,
                          llvm::ArrayRef<llvm::Value*> arguments);

}  // namespace brisk
