// IDX arrays, plain and compressed: any bytes are an array or a reason.

#include <cstdint>

#include "brisk/data/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto contents = std::as_bytes(std::span(data, size));
  const brisk::Result<brisk::IdxHeader> header = brisk::parse_idx_header(contents);
  const brisk::Result<brisk::Tensor> array = brisk::parse_idx(contents);
  if (array.ok() && (!header.ok() || header->sizes != array->sizes())) __builtin_trap();
  return 0;
}
