#include "brisk/backends/cuda/cudnn/filter_transpose.h"

#include "brisk/backends/cuda/launch_function.h"

namespace brisk::cuda::cudnn {
namespace {

constexpr std::string_view kSource = R"(
extern "C" __global__ void $name(const ELEMENT* from, ELEMENT* to,
                                 int rows, int columns) {
  after_previous();
  __shared__ ELEMENT tile[32][33];
  const int column = blockIdx.x * 32 + threadIdx.x;
  for (int i = threadIdx.y; i < 32; i += 8) {
    const int row = blockIdx.y * 32 + i;
    if (row < rows && column < columns) tile[i][threadIdx.x] = from[(size_t)row * columns + column];
  }
  __syncthreads();
  const int to_column = blockIdx.y * 32 + threadIdx.x;
  for (int i = threadIdx.y; i < 32; i += 8) {
    const int to_row = blockIdx.x * 32 + i;
    if (to_row < columns && to_column < rows)
      to[(size_t)to_row * rows + to_column] = tile[threadIdx.x][i];
  }
}
)";

std::string source(int64_t element_bytes) {
  std::string text(kSource);
  const std::string_view element = element_bytes == 2 ? "unsigned short" : "unsigned int";
  for (size_t at; (at = text.find("ELEMENT")) != std::string::npos;) text.replace(at, 7, element);
  return text;
}

unsigned tiles(int64_t extent) {
  return static_cast<unsigned>((extent + 31) / 32);
}

}  // namespace

FilterTranspose::FilterTranspose(CodeLibrary& code, int64_t element_bytes)
    : number_(code.add({"filter_transpose", source(element_bytes)})) {}

void FilterTranspose::load(const CodeLibrary& code) {
  function_ = code.function(number_);
}

void FilterTranspose::enqueue(DeviceAddress from, DeviceAddress to, int64_t rows, int64_t columns,
                              StreamHandle stream) const {
  int row_count = static_cast<int>(rows), column_count = static_cast<int>(columns);
  void* arguments[] = {&from, &to, &row_count, &column_count};
  launch_function(function_, {tiles(columns), tiles(rows), 1}, {32, 8, 1}, 0, stream, arguments);
}

}  // namespace brisk::cuda::cudnn
