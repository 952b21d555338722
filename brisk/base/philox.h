#pragma once

/// Counter-based random numbers: Philox4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy
/// as 1, 2, 3", SC 2011). A number depends on (key, counter) alone, so any element of any step can
/// be computed anywhere, in any order.

#include <array>
#include <cstdint>

namespace brisk {

using PhiloxBlock = std::array<uint32_t, 4>;

/// Four words of randomness for `counter` under `key`.
constexpr PhiloxBlock philox4x32(std::array<uint32_t, 2> key, PhiloxBlock counter) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * counter[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0],
               static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1],
               static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// Block `number` of the stream of `key`: its words 4 number to 4 number + 3.
constexpr PhiloxBlock philox_block(uint64_t key, uint64_t number) {
  return philox4x32({static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)},
                    {static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32), 0, 0});
}

/// Word `index` of the stream of `key` (64-bit key, 64-bit index): block index/4, word index%4.
constexpr uint32_t philox_word(uint64_t key, uint64_t index) {
  return philox_block(key, index / 4)[index % 4];
}

/// A word as a float in [0, 1): its upper 24 bits times 2^-24.
constexpr float word_to_unit_float(uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1.0p-24f;
}

/// A small sequential generator over one Philox stream, for host code (shuffling, initialisers).
class PhiloxSequence {
 public:
  explicit PhiloxSequence(uint64_t key, uint64_t position = 0) : key_(key), position_(position) {}
  /// philox_word(key, position); a block is computed once for its four words.
  uint32_t next_word() {
    if (position_ / 4 != block_number_) {
      block_number_ = position_ / 4;
      block_ = philox_block(key_, block_number_);
    }
    return block_[position_++ % 4];
  }
  /// Uniform in [0, 1) with 53 bits.
  double next_unit() {
    const uint64_t high = next_word();
    return static_cast<double>(((high << 32) | next_word()) >> 11) * 0x1.0p-53;
  }
  /// Uniform in [0, bound), bound > 0 (multiply-shift with rejection, no modulo bias).
  uint64_t next_below(uint64_t bound);
  /// Standard normal (Box-Muller).
  double next_normal();
  uint64_t position() const { return position_; }

 private:
  uint64_t key_;
  uint64_t position_;
  uint64_t block_number_ = UINT64_MAX;  ///< of block_: none yet
  PhiloxBlock block_ = {};
};

/// A new key from a key and a number: how streams for layers, replicas and samples are derived.
constexpr uint64_t fold_key(uint64_t key, uint64_t number) {
  const PhiloxBlock block = philox4x32(
      {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)},
      {static_cast<uint32_t>(number), static_cast<uint32_t>(number >> 32), 0x6b657973u, 1});
  return (uint64_t{block[1]} << 32) | block[0];
}

}  // namespace brisk
