#include "brisk/base/hash.h"

#include <fmt/format.h>

#include <array>

#define XXH_INLINE_ALL  // the header alone: no library to link
#include <xxhash.h>

namespace brisk {

struct StableHasher::State {
  XXH3_state_t xxh3;  // carries its own alignment of 64 bytes
};

uint64_t stable_hash(std::string_view bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

StableHasher::StableHasher() : state_(std::make_unique<State>()) {
  XXH3_INITSTATE(&state_->xxh3);
  XXH3_64bits_reset(&state_->xxh3);
}

StableHasher::StableHasher(StableHasher&&) noexcept = default;
StableHasher& StableHasher::operator=(StableHasher&&) noexcept = default;
StableHasher::~StableHasher() = default;

StableHasher& StableHasher::update(std::string_view bytes) {
  XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size());
  return *this;
}

StableHasher& StableHasher::update_field(std::string_view bytes) {
  return update_number(bytes.size()).update(bytes);
}

StableHasher& StableHasher::update_number(uint64_t number) {
  std::array<char, 8> bytes;
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(number >> (8 * i));
  return update({bytes.data(), bytes.size()});
}

uint64_t StableHasher::digest() const {
  return XXH3_64bits_digest(&state_->xxh3);
}

std::string to_hex(uint64_t hash) {
  return fmt::format("{:016x}", hash);
}

}  // namespace brisk
