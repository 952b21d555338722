#pragma once

/// ONNX's element types, and how brisk carries them. Types that brisk computes in are themselves;
/// the others travel in a wider type that holds all of their values exactly:
///
///     2- and 4-bit integers             i8 or u8, one element a byte
///     f8 *FNUZ, f4 E2M1, f8 E8M0        f32
///     strings                           not in tensors: host lists (host_tensor.h)
///
/// Only the bytes of files and of results are in ONNX's own form (`decode`, `encode`).

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "brisk/base/tensor.h"

namespace brisk::onnx {

/// TensorProto.DataType, with its numbers.
enum class ElementType : uint8_t {
  undefined = 0,
  f32 = 1,
  u8 = 2,
  i8 = 3,
  u16 = 4,
  i16 = 5,
  i32 = 6,
  i64 = 7,
  string = 8,
  boolean = 9,
  f16 = 10,
  f64 = 11,
  u32 = 12,
  u64 = 13,
  complex64 = 14,
  complex128 = 15,
  bf16 = 16,
  f8e4m3fn = 17,
  f8e4m3fnuz = 18,
  f8e5m2 = 19,
  f8e5m2fnuz = 20,
  u4 = 21,
  i4 = 22,
  f4e2m1 = 23,
  f8e8m0 = 24,
  u2 = 25,
  i2 = 26,
};

/// "FLOAT8E4M3FNUZ": ONNX's spelling.
std::string_view name(ElementType type);
/// The type of that number; none for numbers that ONNX 1.22 does not know.
std::optional<ElementType> element_type(int64_t number);
/// The type brisk computes in; none for strings, complex numbers and undefined.
std::optional<DType> carrier(ElementType type);
/// The ONNX type whose carrier is the type itself.
ElementType element_type_of(DType type);

/// Bits an element takes in a file.
int bits(ElementType type);
/// Bytes of `count` elements in a file: short integers are packed, the first in the low bits.
int64_t packed_size(ElementType type, int64_t count);

/// Elements from the bytes of a file, which must be packed_size() long (an invariant).
Tensor decode(ElementType type, std::vector<int64_t> sizes, std::span<const std::byte> bytes);
/// The bytes of a file.
std::string encode(ElementType type, const Tensor& tensor);

/// Limits of the integer types (2- and 4-bit ones included).
struct IntegerRange {
  double low, high;
};
IntegerRange integer_range(ElementType type);
bool is_floating(ElementType type);
/// Floats of at most 8 bits.
bool is_tiny_float(ElementType type);

/// The magnitudes of a tiny float type in ascending order (index: its bits without sign), with NaN
/// and infinity left out, and what values beyond the largest become without saturation.
struct TinyFloat {
  std::vector<float> magnitudes;
  bool has_sign = true, has_negative_zero = true;
  bool has_infinity = false, has_nan = true;
};
const TinyFloat& tiny_float(ElementType type);

}  // namespace brisk::onnx
