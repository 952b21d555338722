// Any bytes: parse_safetensors refuses them or gives tensors that cover the data section.

#include <cstring>

#include "brisk/formats/safetensors/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::span<const std::byte> input(reinterpret_cast<const std::byte*>(bytes), size);
  (void)brisk::parse_safetensors(input, nullptr, "the input");
  const brisk::SafetensorsOptions unverified = {.verify_checksum = false};
  const auto file = brisk::parse_safetensors(input, nullptr, "the input", unverified);
  if (!file) return 0;

  uint64_t header = 0;
  std::memcpy(&header, bytes, sizeof header);
  uint64_t covered = 0;
  double sum = 0;
  for (const auto& [name, tensor] : file->tensors) {
    covered += static_cast<uint64_t>(tensor.num_bytes());
    for (int64_t i = 0; i < tensor.num_elements(); ++i) sum += tensor.get(i);
    if (file->find(name) == nullptr) __builtin_trap();
  }
  if (covered + header + 8 != size) __builtin_trap();
  volatile double used = sum;  // so that the reads stay
  (void)used;
  return 0;
}
