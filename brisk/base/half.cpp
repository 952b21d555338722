#include "brisk/base/half.h"

// Encoding works on the magnitude in f32: scale the target's subnormal range onto integers, let
// the processor's round-to-nearest-even do the rounding, and put the bits together again.

namespace brisk {
namespace {

/// Encodes |value| into a format of `exponent_bits` and `mantissa_bits`; returns sign and magnitude
/// bits. Values beyond `largest` after rounding become `overflow`.
uint32_t encode(float value, int exponent_bits, int mantissa_bits, float largest,
                uint32_t overflow, uint32_t nan) {
  const uint32_t sign = std::signbit(value) ? 1u << (exponent_bits + mantissa_bits) : 0u;
  if (std::isnan(value)) return sign | nan;
  const float magnitude = std::fabs(value);
  const int bias = (1 << (exponent_bits - 1)) - 1;
  int exponent = 0;
  std::frexp(magnitude, &exponent);  // magnitude = m * 2^exponent with m in [0.5, 1)
  const int unbiased = std::max(exponent - 1, 1 - bias);
  const float quantum = std::ldexp(1.0f, unbiased - mantissa_bits);
  const float rounded = std::isinf(magnitude) ? magnitude : std::nearbyint(magnitude / quantum) * quantum;
  if (rounded > largest) return sign | overflow;
  if (rounded == 0) return sign;
  std::frexp(rounded, &exponent);
  const int stored = std::max(exponent - 1, 1 - bias);
  const auto steps = static_cast<uint32_t>(std::ldexp(rounded, mantissa_bits - stored));
  const uint32_t hidden = 1u << mantissa_bits;
  if (steps < hidden) return sign | steps;  // subnormal
  return sign | (static_cast<uint32_t>(stored + bias) << mantissa_bits) | (steps - hidden);
}

float decode(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
  const int exponent = static_cast<int>((bits >> mantissa_bits) & ((1u << exponent_bits) - 1));
  const float sign = (bits >> (exponent_bits + mantissa_bits)) & 1 ? -1.0f : 1.0f;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), 1 - bias - mantissa_bits);
  return sign * std::ldexp(static_cast<float>(mantissa | (1u << mantissa_bits)),
                           exponent - bias - mantissa_bits);
}

}  // namespace

float bf16_to_float(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

float f16_to_float(uint16_t bits) {
  if ((bits & 0x7c00u) == 0x7c00u) {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
    return std::bit_cast<float>(sign | 0x7f800000u | (static_cast<uint32_t>(bits & 0x3ffu) << 13));
  }
  return decode(bits, 5, 10);
}

uint16_t float_to_f16(float value) {
  return static_cast<uint16_t>(encode(value, 5, 10, 65504.0f, 0x7c00u, 0x7e00u));
}

float f8e4m3_to_float(uint8_t bits) {
  if ((bits & 0x7fu) == 0x7fu) return std::bit_cast<float>(0x7fc00000u);
  return decode(bits, 4, 3);
}

uint8_t float_to_f8e4m3(float value) {
  return static_cast<uint8_t>(encode(value, 4, 3, 448.0f, 0x7fu, 0x7fu));
}

float f8e5m2_to_float(uint8_t bits) {
  if ((bits & 0x7cu) == 0x7cu) {
    const uint32_t sign = static_cast<uint32_t>(bits & 0x80u) << 24;
    return std::bit_cast<float>(sign | 0x7f800000u | (static_cast<uint32_t>(bits & 3u) << 21));
  }
  return decode(bits, 5, 2);
}

uint8_t float_to_f8e5m2(float value) {
  return static_cast<uint8_t>(encode(value, 5, 2, 57344.0f, 0x7cu, 0x7eu));
}

}  // namespace brisk
