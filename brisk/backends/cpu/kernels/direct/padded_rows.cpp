#include "brisk/backends/cpu/kernels/direct/padded_rows.h"

#include <algorithm>
#include <cstring>

namespace brisk::cpu {
namespace {

/// Columns of the input that the result's columns meet, padding included.
int64_t columns_met(const ConvolutionCase& c) {
  return (c.result_width - 1) * c.stride_x + c.kernel_width;
}

bool needs_copies(const ConvolutionCase& c) {
  return c.pad_x > 0 || columns_met(c) - c.pad_x > c.width;
}

}  // namespace

int64_t PaddedRows::scratch_floats(const ConvolutionCase& c) {
  return needs_copies(c) ? c.kernel_height * columns_met(c) * c.channels : 0;
}

PaddedRows::PaddedRows(const ConvolutionCase& c, const float* input, float* scratch)
    : case_(c), input_(input), scratch_(scratch), is_copying_(needs_copies(c)) {
  held_.fill(-1);
}

const float* PaddedRows::copied(int64_t image, int64_t y) {
  const ConvolutionCase& c = case_;
  const int64_t columns = columns_met(c), number = image * c.height + y;
  const auto slot = static_cast<size_t>(y % c.kernel_height);
  float* row = scratch_ + static_cast<int64_t>(slot) * columns * c.channels;
  if (held_[slot] == number) return row;
  held_[slot] = number;
  // Columns [first, last) of the copy hold the image's columns from `from` on.
  const int64_t first = std::clamp<int64_t>(c.pad_x, 0, columns);
  const int64_t from = std::max<int64_t>(0, -c.pad_x);
  const int64_t last = std::max(first, std::min(columns, first + c.width - from));
  const auto bytes = [&](int64_t count) {
    return static_cast<size_t>(count * c.channels) * sizeof(float);
  };
  std::memset(row, 0, bytes(first));
  std::memcpy(row + first * c.channels, input_ + (number * c.width + from) * c.channels,
              bytes(last - first));
  std::memset(row + last * c.channels, 0, bytes(columns - last));
  return row;
}

const float* const* PaddedRows::rows(int64_t image, int64_t y) {
  const ConvolutionCase& c = case_;
  for (int64_t ky = 0; ky < c.kernel_height; ++ky) {
    const int64_t row = y * c.stride_y - c.pad_y + ky;
    const float*& place = rows_[static_cast<size_t>(ky)];
    if (row < 0 || row >= c.height)
      place = nullptr;
    else if (is_copying_)
      place = copied(image, row);
    else
      place = input_ + ((image * c.height + row) * c.width - c.pad_x) * c.channels;
  }
  return rows_.data();
}

}  // namespace brisk::cpu
