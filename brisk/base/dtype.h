#pragma once

/// Element types and their properties.

#include <cstdint>
#include <optional>
#include <string_view>

namespace brisk {

enum class DType : uint8_t {
  f64, f32, f16, bf16, f8e4m3, f8e5m2,
  i64, i32, i16, i8, i4,
  u64, u32, u16, u8,
  boolean,
};

inline constexpr int kNumDTypes = 16;

/// "f32", "bool", ...: the spelling of the text form.
std::string_view name(DType type);
std::optional<DType> parse_dtype(std::string_view text);

/// Bits an element takes in memory (bool: 8, i4: 4).
int bits(DType type);
/// Bytes of one element; i4 has no byte size and is refused.
int64_t byte_size(DType type);
/// Bytes of `count` elements, packed types included.
int64_t byte_size(DType type, int64_t count);

bool is_floating(DType type);
/// Signed or unsigned integer; bool is not one.
bool is_integer(DType type);
bool is_signed(DType type);
/// f16, bf16 and the 8-bit floats: computed in f32, stored short.
bool is_short_float(DType type);
/// The type that scalar expressions over `type` are computed in: f32 for short floats, else itself.
DType compute_type(DType type);

/// The C++ type of one element: calls `f.template operator()<T>()` with double, float, half,
/// bfloat16, float8 types, the integers or bool. i4 is refused.
template <typename T>
constexpr DType dtype_of();

template <> constexpr DType dtype_of<double>() { return DType::f64; }
template <> constexpr DType dtype_of<float>() { return DType::f32; }
template <> constexpr DType dtype_of<int64_t>() { return DType::i64; }
template <> constexpr DType dtype_of<int32_t>() { return DType::i32; }
template <> constexpr DType dtype_of<int16_t>() { return DType::i16; }
template <> constexpr DType dtype_of<int8_t>() { return DType::i8; }
template <> constexpr DType dtype_of<uint64_t>() { return DType::u64; }
template <> constexpr DType dtype_of<uint32_t>() { return DType::u32; }
template <> constexpr DType dtype_of<uint16_t>() { return DType::u16; }
template <> constexpr DType dtype_of<uint8_t>() { return DType::u8; }
template <> constexpr DType dtype_of<bool>() { return DType::boolean; }

}  // namespace brisk
