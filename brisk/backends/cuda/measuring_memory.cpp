#include "brisk/backends/cuda/measuring_memory.h"

#include <algorithm>

#include "brisk/backends/cuda/aligned.h"

// One pattern serves every element type: pairs of bytes whose upper one is drawn from few exponents
// and both signs. Read as f16 they are +-0.5 to +-2, as bf16 tiny but normal numbers, as f32 (two
// pairs) likewise: never infinite, never denormal in a product.

namespace brisk::cuda {
namespace {

constexpr int64_t kPatternBytes = 1 << 20;

std::vector<uint16_t> pattern() {
  std::vector<uint16_t> words(kPatternBytes / 2);
  uint64_t state = 0x9E3779B97F4A7C15;
  for (uint16_t& word : words) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    const auto random = static_cast<uint16_t>(state >> 48);
    word = static_cast<uint16_t>((random & 0x83FF) | (random & 0x0400) | 0x3800);
  }
  return words;
}

}  // namespace

MeasuringMemory::MeasuringMemory(const DevicePtr& device, std::span<const int64_t> bytes,
                                 int64_t workspace_bytes) {
  int64_t total = 0;
  std::vector<int64_t> offsets;
  for (const int64_t size : bytes) {
    offsets.push_back(total);
    total += aligned(size);
  }
  const int64_t operands_end = total;
  total += aligned(std::max<int64_t>(workspace_bytes, 1));
  buffer_ = device->allocate(total);
  for (const int64_t offset : offsets)
    addresses_.push_back(buffer_.address() + static_cast<DeviceAddress>(offset));
  workspace_ = buffer_.address() + static_cast<DeviceAddress>(operands_end);

  const std::vector<uint16_t> words = pattern();
  const auto stream = device->make_stream();
  int64_t filled = std::min(kPatternBytes, operands_end);
  if (filled > 0) stream->copy_to_device(buffer_.address(), words.data(), filled);
  while (filled < operands_end) {
    const int64_t more = std::min(filled, operands_end - filled);
    stream->copy_on_device(buffer_.address() + static_cast<DeviceAddress>(filled),
                           buffer_.address(), more);
    filled += more;
  }
  stream->synchronize();
}

}  // namespace brisk::cuda
