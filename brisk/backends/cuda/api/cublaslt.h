#pragma once

/// cuBLASLt: the part that brisk calls. Numbers and signatures are those of NVIDIA's cuBLAS
/// reference ("Using the cublasLt API"); the library itself is found at run time. What is built on
/// it: brisk/backends/cuda/cublaslt/.

#include <cstddef>
#include <cstdint>
#include <string>

#include "brisk/base/error.h"

namespace brisk::cuda {
struct CublasLtContext;
struct CublasLtLayout;
struct CublasLtMatmul;
struct CublasLtPreference;
}  // namespace brisk::cuda

namespace brisk::cuda::cublaslt {

using Status = int;  ///< 0: success
using Handle = struct CublasLtContext*;
using Layout = struct CublasLtLayout*;
using Matmul = struct CublasLtMatmul*;
using Preference = struct CublasLtPreference*;

enum class DataType : int { f32 = 0, f64 = 1, f16 = 2, i8 = 3, i32 = 10, bf16 = 14 };
enum class ComputeType : int { f32 = 68, f64 = 70, i32 = 72, tf32 = 77 };
enum class Transpose : int { no = 0, yes = 1 };

enum class LayoutAttribute : int { batch_count = 5, batch_stride = 6 };
enum class MatmulAttribute : int {
  transpose_a = 3,
  transpose_b = 4,
  epilogue = 7,
  bias_pointer = 8
};
enum class PreferenceAttribute : int { workspace_bytes = 1, reduction_schemes = 3 };
enum class Epilogue : int { none = 1, relu = 2, bias = 4, relu_bias = 6 };
/// Ways to add up parts of a split contraction. In place: by atomics, in no fixed order.
enum class ReductionScheme : uint32_t { in_place = 1, compute_type = 2, output_type = 4 };

/// Plain bytes: may be kept on disk for the same version of the library.
struct Algorithm {
  uint64_t data[8];
};
struct HeuristicResult {
  Algorithm algorithm;
  size_t workspace_bytes;
  Status state;
  float waves;
  int reserved[4];
};

struct Library {
  Status (*create)(Handle*);
  Status (*destroy)(Handle);
  Status (*create_layout)(Layout*, DataType, uint64_t rows, uint64_t columns, int64_t stride);
  Status (*destroy_layout)(Layout);
  Status (*set_layout)(Layout, LayoutAttribute, const void* value, size_t bytes);
  Status (*create_matmul)(Matmul*, ComputeType, DataType scale);
  Status (*destroy_matmul)(Matmul);
  Status (*set_matmul)(Matmul, MatmulAttribute, const void* value, size_t bytes);
  Status (*create_preference)(Preference*);
  Status (*destroy_preference)(Preference);
  Status (*set_preference)(Preference, PreferenceAttribute, const void* value, size_t bytes);
  Status (*heuristics)(Handle, Matmul, Layout a, Layout b, Layout c, Layout d, Preference,
                       int requested, HeuristicResult* results, int* found);
  Status (*check_algorithm)(Handle, Matmul, Layout a, Layout b, Layout c, Layout d,
                            const Algorithm*, HeuristicResult*);
  Status (*matmul)(Handle, Matmul, const void* alpha, const void* a, Layout, const void* b, Layout,
                   const void* beta, const void* c, Layout, void* d, Layout, const Algorithm*,
                   void* workspace, size_t workspace_bytes, void* stream);
  const char* (*status_text)(Status);

  size_t version = 0;  ///< 130100: 13.1.0
  std::string path;
};

/// The library, opened once a process; or why there is none, with how to get it.
Result<const Library*> library();

}  // namespace brisk::cuda::cublaslt
