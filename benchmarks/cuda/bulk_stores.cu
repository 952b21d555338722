// What compute-sanitizer's initcheck sees of a kernel's writes: one kernel fills a buffer, by a way
// of the command line, a second one reads it. All values are checked on the host.
//
//   nvcc -gencode arch=compute_90a,code=sm_90a -o bulk_stores bulk_stores.cu
//   compute-sanitizer --tool initcheck ./bulk_stores plain | bulk | tensor | nothing [marked]
//
// `bulk`, `tensor`: cp.async.bulk and cp.async.bulk.tensor from shared memory (PTX ISA, "Data
// Movement and Conversion Instructions"), as cuDNN's and cuBLASLt's kernels for Hopper store their
// results. `marked`: cudaMemset fills the buffer with ones before.

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

constexpr int kRows = 256, kColumns = 64, kTile = 64;  // floats; a block stores kTile rows

#define CHECK(call)                                               \
  do {                                                            \
    const cudaError_t status = (call);                            \
    if (status != cudaSuccess) {                                  \
      std::printf("%s: %s\n", #call, cudaGetErrorString(status)); \
      std::exit(1);                                               \
    }                                                             \
  } while (false)

__device__ float value_at(int i) {
  return 0.5f * static_cast<float>(i) + 1.0f;
}

__global__ void store_plainly(float* to) {
  for (int i = threadIdx.x; i < kTile * kColumns; i += blockDim.x) {
    const int at = blockIdx.x * kTile * kColumns + i;
    to[at] = value_at(at);
  }
}

__device__ unsigned shared_address(const void* p) {
  return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

__device__ void fill_tile(float* tile) {
  for (int i = threadIdx.x; i < kTile * kColumns; i += blockDim.x)
    tile[i] = value_at(blockIdx.x * kTile * kColumns + i);
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
  __syncthreads();
}

__device__ void finish_bulk_stores() {
  asm volatile("cp.async.bulk.commit_group;\n\tcp.async.bulk.wait_group 0;" ::: "memory");
}

__global__ void store_in_bulk(float* to) {
  __shared__ alignas(128) float tile[kTile * kColumns];
  fill_tile(tile);
  if (threadIdx.x != 0) return;
  asm volatile("cp.async.bulk.global.shared::cta.bulk_group [%0], [%1], %2;" ::"l"(
                   to + blockIdx.x * kTile * kColumns),
               "r"(shared_address(tile)), "r"(static_cast<unsigned>(sizeof tile))
               : "memory");
  finish_bulk_stores();
}

__global__ void store_by_tensor_map(const __grid_constant__ CUtensorMap map) {
  __shared__ alignas(128) float tile[kTile * kColumns];
  fill_tile(tile);
  if (threadIdx.x != 0) return;
  asm volatile(
      "cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%1, %2}], [%3];" ::"l"(&map),
      "r"(0), "r"(static_cast<int>(blockIdx.x) * kTile), "r"(shared_address(tile))
      : "memory");
  finish_bulk_stores();
}

__global__ void read_all(const float* from, float* to) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < kRows * kColumns) to[i] = from[i] * 2.0f;
}

CUtensorMap tensor_map(float* data) {
  void* entry = nullptr;
  cudaDriverEntryPointQueryResult found;
  CHECK(cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &entry, 12000, cudaEnableDefault,
                                         &found));
  const cuuint64_t sizes[] = {kColumns, kRows}, strides[] = {kColumns * sizeof(float)};
  const cuuint32_t box[] = {kColumns, kTile}, steps[] = {1, 1};
  CUtensorMap map;
  const CUresult status = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(entry)(
      &map, CU_TENSOR_MAP_DATA_TYPE_FLOAT32, 2, data, sizes, strides, box, steps,
      CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_NONE, CU_TENSOR_MAP_L2_PROMOTION_NONE,
      CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS) {
    std::printf("cuTensorMapEncodeTiled: error %d\n", static_cast<int>(status));
    std::exit(1);
  }
  return map;
}

int main(int argc, char** argv) {
  const std::string way = argc > 1 ? argv[1] : "";
  constexpr size_t kBytes = sizeof(float) * kRows * kColumns;
  float *written = nullptr, *doubled = nullptr;
  CHECK(cudaMalloc(&written, kBytes));
  CHECK(cudaMalloc(&doubled, kBytes));
  if (argc > 2 && std::strcmp(argv[2], "marked") == 0) CHECK(cudaMemset(written, 0xFF, kBytes));
  if (way == "plain")
    store_plainly<<<kRows / kTile, 128>>>(written);
  else if (way == "bulk")
    store_in_bulk<<<kRows / kTile, 128>>>(written);
  else if (way == "tensor")
    store_by_tensor_map<<<kRows / kTile, 128>>>(tensor_map(written));
  else if (way != "nothing")
    return std::printf("usage: bulk_stores plain|bulk|tensor|nothing [marked]\n"), 2;
  CHECK(cudaGetLastError());
  read_all<<<kRows * kColumns / 256, 256>>>(written, doubled);
  CHECK(cudaGetLastError());
  std::vector<float> result(kRows * kColumns);
  CHECK(cudaMemcpy(result.data(), doubled, kBytes, cudaMemcpyDeviceToHost));
  int wrong = 0;
  for (int i = 0; i < kRows * kColumns; ++i) wrong += result[i] != 2 * (0.5f * i + 1.0f);
  std::printf("%s%s: %d of %d values are wrong\n", way.c_str(), argc > 2 ? " marked" : "", wrong,
              kRows * kColumns);
  return wrong == 0 || way == "nothing" ? 0 : 1;
}
