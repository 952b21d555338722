#include "brisk/base/half.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace brisk {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// What a format is, written down apart from the code: the value of a bit pattern from its fields,
/// in double, which holds every value and every midpoint of the formats exactly.
struct Format {
  int exponent_bits;
  int mantissa_bits;
  bool has_infinity;  ///< e4m3 spends its largest exponent on numbers, all ones alone being NaN

  int bits() const { return 1 + exponent_bits + mantissa_bits; }
  uint32_t mantissa(uint32_t b) const { return b & ((1u << mantissa_bits) - 1); }
  uint32_t exponent(uint32_t b) const { return (b >> mantissa_bits) & ((1u << exponent_bits) - 1); }
  uint32_t all_ones() const { return (1u << exponent_bits) - 1; }
  bool is_nan(uint32_t b) const {
    if (exponent(b) != all_ones()) return false;
    return has_infinity ? mantissa(b) != 0 : mantissa(b) == (1u << mantissa_bits) - 1;
  }
  bool is_infinite(uint32_t b) const {
    return has_infinity && exponent(b) == all_ones() && mantissa(b) == 0;
  }
  /// Magnitude; the encoding of infinity continues the numbers, as rounding needs it.
  double magnitude(uint32_t b) const {
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const double fraction = mantissa(b) / std::pow(2.0, mantissa_bits);
    if (exponent(b) == 0) return fraction * std::pow(2.0, 1 - bias);
    return (1 + fraction) * std::pow(2.0, static_cast<int>(exponent(b)) - bias);
  }
};

constexpr Format kF16 = {5, 10, true};
constexpr Format kBf16 = {8, 7, true};
constexpr Format kE4m3 = {4, 3, false};
constexpr Format kE5m2 = {5, 2, true};

/// Checks decode on all patterns, and encode on every value, every midpoint between neighbours and
/// the floats next to the midpoints.
template <typename Bits>
void check_format(const Format& format, float (*decode)(Bits), Bits (*encode)(float)) {
  const uint32_t sign = 1u << (format.bits() - 1);
  for (uint32_t b = 0; b < 2 * sign; ++b) {
    const auto bits = static_cast<Bits>(b);
    if (format.is_nan(b)) {
      EXPECT_TRUE(std::isnan(decode(bits))) << b;
      EXPECT_TRUE(std::isnan(decode(encode(decode(bits))))) << b;
      continue;
    }
    const double value = format.is_infinite(b) ? kInfinity : format.magnitude(b & (sign - 1));
    EXPECT_EQ(static_cast<double>(decode(bits)), (b & sign) ? -value : value) << b;
    EXPECT_EQ(std::signbit(decode(bits)), (b & sign) != 0) << b;
    EXPECT_EQ(encode(decode(bits)), bits) << b;
  }
  for (uint32_t b = 0; !format.is_nan(b) && !format.is_infinite(b); ++b) {
    // The next pattern may stand for infinity or NaN: that is where rounding overflows to.
    const auto middle = static_cast<float>((format.magnitude(b) + format.magnitude(b + 1)) / 2);
    const uint32_t even = (b & 1) == 0 ? b : b + 1;
    for (uint32_t s : {0u, sign}) {
      const float side = s == 0 ? 1.0f : -1.0f;
      EXPECT_EQ(encode(side * middle), static_cast<Bits>(s | even)) << b;
      EXPECT_EQ(encode(side * std::nextafter(middle, 0.0f)), static_cast<Bits>(s | b)) << b;
      EXPECT_EQ(encode(side * std::nextafter(middle, kInfinity)), static_cast<Bits>(s | (b + 1)))
          << b;
    }
  }
  const auto largest = decode(encode(kInfinity));
  EXPECT_TRUE(format.has_infinity ? largest == kInfinity : std::isnan(largest));
  EXPECT_TRUE(std::isnan(decode(encode(kNan))));
  EXPECT_EQ(encode(std::numeric_limits<float>::denorm_min()), Bits{0});
  EXPECT_EQ(encode(-0.0f), static_cast<Bits>(sign));
}

TEST(Half, F16) {
  check_format<uint16_t>(kF16, f16_to_float, float_to_f16);
}
TEST(Half, F8e4m3) {
  check_format<uint8_t>(kE4m3, f8e4m3_to_float, float_to_f8e4m3);
}
TEST(Half, F8e5m2) {
  check_format<uint8_t>(kE5m2, f8e5m2_to_float, float_to_f8e5m2);
}
TEST(Half, Bf16) {
  check_format<uint16_t>(kBf16, bf16_to_float, float_to_bf16);
}

TEST(Half, F16AgreesWithTheCompilersType) {
  for (uint32_t b = 0; b <= 0xffffu; ++b) {
    const auto bits = static_cast<uint16_t>(b);
    const auto expected = static_cast<float>(std::bit_cast<_Float16>(bits));
    if (std::isnan(expected))
      EXPECT_TRUE(std::isnan(f16_to_float(bits)));
    else
      EXPECT_EQ(f16_to_float(bits), expected) << b;
  }
  // Floats spread over all exponents and signs.
  for (uint64_t b = 0; b <= 0xffffffffu; b += 30'011) {
    const auto value = std::bit_cast<float>(static_cast<uint32_t>(b));
    if (std::isnan(value)) continue;
    EXPECT_EQ(float_to_f16(value), std::bit_cast<uint16_t>(static_cast<_Float16>(value))) << value;
  }
}

TEST(Half, NanKeepsBeingNanWhenItsPayloadIsLow) {
  const auto low_payload = std::bit_cast<float>(0x7f800001u);
  EXPECT_TRUE(std::isnan(bf16_to_float(float_to_bf16(low_payload))));
  EXPECT_TRUE(std::isnan(f16_to_float(float_to_f16(low_payload))));
}

TEST(Half, DispatchGivesTheElementsType) {
  const DType all[] = {DType::f64,    DType::f32, DType::f16, DType::bf16, DType::f8e4m3,
                       DType::f8e5m2, DType::i64, DType::i32, DType::i16,  DType::i8,
                       DType::u64,    DType::u32, DType::u16, DType::u8,   DType::boolean};
  for (DType type : all) {
    const auto [found, size] = dispatch(
        type, []<typename T>() { return std::pair<DType, int64_t>(dtype_of<T>(), sizeof(T)); });
    EXPECT_EQ(found, type);
    EXPECT_EQ(size, byte_size(type));
  }
  EXPECT_THROW(dispatch(DType::i4, []<typename T>() {}), UserError);
}

}  // namespace
}  // namespace brisk
