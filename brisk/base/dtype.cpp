#include "brisk/base/dtype.h"

#include <array>

#include "brisk/base/error.h"

namespace brisk {
namespace {

enum class Family : uint8_t { floating, signed_integer, unsigned_integer, boolean };

struct Properties {
  std::string_view name;
  int bits;
  Family family;
};

constexpr std::array<Properties, kNumDTypes> kProperties = {{
    {"f64", 64, Family::floating},
    {"f32", 32, Family::floating},
    {"f16", 16, Family::floating},
    {"bf16", 16, Family::floating},
    {"f8e4m3", 8, Family::floating},
    {"f8e5m2", 8, Family::floating},
    {"i64", 64, Family::signed_integer},
    {"i32", 32, Family::signed_integer},
    {"i16", 16, Family::signed_integer},
    {"i8", 8, Family::signed_integer},
    {"i4", 4, Family::signed_integer},
    {"u64", 64, Family::unsigned_integer},
    {"u32", 32, Family::unsigned_integer},
    {"u16", 16, Family::unsigned_integer},
    {"u8", 8, Family::unsigned_integer},
    {"bool", 8, Family::boolean},
}};

const Properties& properties(DType type) { return kProperties[static_cast<size_t>(type)]; }

}  // namespace

std::string_view name(DType type) { return properties(type).name; }

std::optional<DType> parse_dtype(std::string_view text) {
  for (size_t i = 0; i < kProperties.size(); ++i)
    if (kProperties[i].name == text) return static_cast<DType>(i);
  return std::nullopt;
}

int bits(DType type) { return properties(type).bits; }

int64_t byte_size(DType type) {
  invariant(bits(type) >= 8, "an element of type {} has no byte size of its own", name(type));
  return bits(type) / 8;
}

int64_t byte_size(DType type, int64_t count) { return (bits(type) * count + 7) / 8; }

bool is_floating(DType type) { return properties(type).family == Family::floating; }

bool is_integer(DType type) {
  const Family family = properties(type).family;
  return family == Family::signed_integer || family == Family::unsigned_integer;
}

bool is_signed(DType type) {
  const Family family = properties(type).family;
  return family == Family::floating || family == Family::signed_integer;
}

bool is_short_float(DType type) { return is_floating(type) && bits(type) < 32; }

DType compute_type(DType type) { return is_short_float(type) ? DType::f32 : type; }

}  // namespace brisk
