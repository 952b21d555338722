#include "brisk/formats/onnx/ops/mersenne_twister.h"

namespace brisk::onnx {

MersenneTwister::MersenneTwister(uint32_t seed) {
  state_[0] = seed;
  for (uint32_t i = 1; i < kSize; ++i)
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + i;
}

uint32_t MersenneTwister::next() {
  if (at_ == kSize) {
    for (size_t i = 0; i < kSize; ++i) {
      const uint32_t bits = (state_[i] & 0x80000000U) | (state_[(i + 1) % kSize] & 0x7fffffffU);
      state_[i] = state_[(i + 397) % kSize] ^ (bits >> 1) ^ ((bits & 1U) != 0 ? 0x9908b0dfU : 0U);
    }
    at_ = 0;
  }
  uint32_t bits = state_[at_++];
  bits ^= bits >> 11;
  bits ^= (bits << 7) & 0x9d2c5680U;
  bits ^= (bits << 15) & 0xefc60000U;
  return bits ^ (bits >> 18);
}

double MersenneTwister::uniform() {
  const uint32_t high = next() >> 5, low = next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

}  // namespace brisk::onnx
