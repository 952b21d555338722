#include "brisk/formats/onnx/element_type.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "brisk/base/error.h"
#include "brisk/formats/onnx/host_tensor.h"

namespace brisk::onnx {
namespace {

struct Row {
  std::string_view name;
  int bits;
  int carrier;  ///< a DType, or -1
};

constexpr int kNone = -1;
constexpr int at(DType type) {
  return static_cast<int>(type);
}

/// By the number of the type.
constexpr std::array<Row, 27> kTypes{{
    {"UNDEFINED", 0, kNone},
    {"FLOAT", 32, at(DType::f32)},
    {"UINT8", 8, at(DType::u8)},
    {"INT8", 8, at(DType::i8)},
    {"UINT16", 16, at(DType::u16)},
    {"INT16", 16, at(DType::i16)},
    {"INT32", 32, at(DType::i32)},
    {"INT64", 64, at(DType::i64)},
    {"STRING", 0, kNone},
    {"BOOL", 8, at(DType::boolean)},
    {"FLOAT16", 16, at(DType::f16)},
    {"DOUBLE", 64, at(DType::f64)},
    {"UINT32", 32, at(DType::u32)},
    {"UINT64", 64, at(DType::u64)},
    {"COMPLEX64", 64, kNone},
    {"COMPLEX128", 128, kNone},
    {"BFLOAT16", 16, at(DType::bf16)},
    {"FLOAT8E4M3FN", 8, at(DType::f8e4m3)},
    {"FLOAT8E4M3FNUZ", 8, at(DType::f32)},
    {"FLOAT8E5M2", 8, at(DType::f8e5m2)},
    {"FLOAT8E5M2FNUZ", 8, at(DType::f32)},
    {"UINT4", 4, at(DType::u8)},
    {"INT4", 4, at(DType::i8)},
    {"FLOAT4E2M1", 4, at(DType::f32)},
    {"FLOAT8E8M0", 8, at(DType::f32)},
    {"UINT2", 2, at(DType::u8)},
    {"INT2", 2, at(DType::i8)},
}};

const Row& row(ElementType type) {
  return kTypes[static_cast<size_t>(type)];
}

bool is_packed_integer(ElementType type) {
  return type == ElementType::u4 || type == ElementType::i4 || type == ElementType::u2 ||
         type == ElementType::i2;
}

/// The magnitudes of `exponent_bits` and `mantissa_bits` under `bias`, subnormals first, of the
/// first `count` bit patterns.
std::vector<float> magnitudes(int exponent_bits, int mantissa_bits, int bias, int count) {
  std::vector<float> values;
  const int mantissas = 1 << mantissa_bits;
  for (int bits = 0; bits < std::min(count, mantissas << exponent_bits); ++bits) {
    const int exponent = bits / mantissas, mantissa = bits % mantissas;
    const double value = exponent == 0
                             ? std::ldexp(mantissa, 1 - bias - mantissa_bits)
                             : std::ldexp(mantissas + mantissa, exponent - bias - mantissa_bits);
    values.push_back(static_cast<float>(value));
  }
  return values;
}

TinyFloat make_tiny_float(ElementType type) {
  switch (type) {
    case ElementType::f8e4m3fn:
      return {magnitudes(4, 3, 7, 127)};
    case ElementType::f8e5m2:
      return {.magnitudes = magnitudes(5, 2, 15, 124), .has_infinity = true};
    case ElementType::f8e4m3fnuz:
      return {.magnitudes = magnitudes(4, 3, 8, 128), .has_negative_zero = false};
    case ElementType::f8e5m2fnuz:
      return {.magnitudes = magnitudes(5, 2, 16, 128), .has_negative_zero = false};
    case ElementType::f4e2m1:
      return {.magnitudes = magnitudes(2, 1, 1, 8), .has_nan = false};
    case ElementType::f8e8m0: {
      TinyFloat result{.has_sign = false, .has_negative_zero = false};
      for (int bits = 0; bits < 255; ++bits)
        result.magnitudes.push_back(std::ldexp(1.0F, bits - 127));
      return result;
    }
    default:
      break;
  }
  refuse("{} is no float of at most 8 bits", name(type));
}

/// The value of one stored byte (or nibble).
float decode_tiny(const TinyFloat& type, ElementType element, uint32_t bits, int width) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  if (!type.has_sign) return bits < type.magnitudes.size() ? type.magnitudes[bits] : nan;
  const uint32_t sign = bits >> (width - 1), rest = bits & ((1U << (width - 1)) - 1);
  if (!type.has_negative_zero && sign != 0 && rest == 0) return nan;
  float value = nan;
  if (rest < type.magnitudes.size())
    value = type.magnitudes[rest];
  else if (element == ElementType::f8e5m2 && rest == type.magnitudes.size())
    value = std::numeric_limits<float>::infinity();
  return sign != 0 ? -value : value;
}

uint32_t encode_tiny(const TinyFloat& type, ElementType element, float value, int width) {
  const uint32_t sign_bit = type.has_sign ? 1U << (width - 1) : 0;
  if (std::isnan(value)) {
    if (!type.has_sign) return 255;
    if (!type.has_negative_zero) return sign_bit;
    return sign_bit - 1;
  }
  const float magnitude = std::fabs(value);
  const bool negative = std::signbit(value);
  const auto found = std::lower_bound(type.magnitudes.begin(), type.magnitudes.end(), magnitude);
  auto bits = static_cast<uint32_t>(found - type.magnitudes.begin());
  if (element != ElementType::f8e5m2 && found == type.magnitudes.end()) bits -= 1;
  const bool minus_zero = bits == 0 && !type.has_negative_zero;
  return bits | (negative && !minus_zero ? sign_bit : 0);
}

}  // namespace

std::string_view name(ElementType type) {
  return row(type).name;
}

std::optional<ElementType> element_type(int64_t number) {
  if (number < 0 || number >= static_cast<int64_t>(kTypes.size())) return std::nullopt;
  return static_cast<ElementType>(number);
}

std::optional<DType> carrier(ElementType type) {
  const int found = row(type).carrier;
  if (found == kNone) return std::nullopt;
  return static_cast<DType>(found);
}

ElementType element_type_of(DType type) {
  switch (type) {
    case DType::f64:
      return ElementType::f64;
    case DType::f32:
      return ElementType::f32;
    case DType::f16:
      return ElementType::f16;
    case DType::bf16:
      return ElementType::bf16;
    case DType::f8e4m3:
      return ElementType::f8e4m3fn;
    case DType::f8e5m2:
      return ElementType::f8e5m2;
    case DType::i64:
      return ElementType::i64;
    case DType::i32:
      return ElementType::i32;
    case DType::i16:
      return ElementType::i16;
    case DType::i8:
      return ElementType::i8;
    case DType::i4:
      return ElementType::i4;
    case DType::u64:
      return ElementType::u64;
    case DType::u32:
      return ElementType::u32;
    case DType::u16:
      return ElementType::u16;
    case DType::u8:
      return ElementType::u8;
    case DType::boolean:
      return ElementType::boolean;
  }
  refuse("element type {} has no ONNX name", static_cast<int>(type));
}

int bits(ElementType type) {
  return row(type).bits;
}

int64_t packed_size(ElementType type, int64_t count) {
  const int width = bits(type);
  if (width >= 8) return count * (width / 8);
  return (count * width + 7) / 8;
}

Tensor decode(ElementType type, std::vector<int64_t> sizes, std::span<const std::byte> bytes) {
  const DType dtype = carrier(type).value();
  Tensor tensor(dtype, std::move(sizes));
  const int64_t count = tensor.num_elements();
  invariant(static_cast<int64_t>(bytes.size()) == packed_size(type, count),
            "{} bytes for {} of {} elements", bytes.size(), name(type), count);
  if (element_type_of(dtype) == type) {
    if (!bytes.empty()) std::memcpy(tensor.bytes(), bytes.data(), bytes.size());
    if (dtype == DType::boolean)
      for (int64_t i = 0; i < count; ++i)
        tensor.bytes()[i] = tensor.bytes()[i] != std::byte{0} ? std::byte{1} : std::byte{0};
    return tensor;
  }
  const int width = bits(type), per_byte = 8 / width;
  const TinyFloat* tiny = is_tiny_float(type) ? &tiny_float(type) : nullptr;
  for (int64_t i = 0; i < count; ++i) {
    const auto byte = static_cast<uint32_t>(bytes[static_cast<size_t>(i / per_byte)]);
    const uint32_t raw = (byte >> (width * static_cast<int>(i % per_byte))) & ((1U << width) - 1);
    if (tiny != nullptr) {
      tensor.data<float>()[static_cast<size_t>(i)] = decode_tiny(*tiny, type, raw, width);
    } else {
      const bool negative = dtype == DType::i8 && (raw >> (width - 1)) != 0;
      tensor.bytes()[i] = static_cast<std::byte>(negative ? raw | (0xFFU << width) : raw);
    }
  }
  return tensor;
}

std::string encode(ElementType type, const Tensor& tensor) {
  const int64_t count = tensor.num_elements();
  std::string bytes(static_cast<size_t>(packed_size(type, count)), '\0');
  if (element_type_of(tensor.dtype()) == type) {
    if (!bytes.empty()) std::memcpy(bytes.data(), tensor.bytes(), bytes.size());
    return bytes;
  }
  const int width = bits(type), per_byte = 8 / width;
  const TinyFloat* tiny = is_tiny_float(type) ? &tiny_float(type) : nullptr;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t raw =
        tiny != nullptr
            ? encode_tiny(*tiny, type, tensor.data<float>()[static_cast<size_t>(i)], width)
            : static_cast<uint32_t>(tensor.bytes()[i]) & ((1U << width) - 1);
    bytes[static_cast<size_t>(i / per_byte)] |=
        static_cast<char>(raw << (width * static_cast<int>(i % per_byte)));
  }
  return bytes;
}

IntegerRange integer_range(ElementType type) {
  if (is_packed_integer(type)) {
    const int width = bits(type);
    const bool is_signed = carrier(type) == DType::i8;
    return is_signed ? IntegerRange{-std::ldexp(1, width - 1), std::ldexp(1, width - 1) - 1}
                     : IntegerRange{0, std::ldexp(1, width) - 1};
  }
  const bool is_signed = brisk::is_signed(carrier(type).value());
  const int width = bits(type);
  return is_signed ? IntegerRange{-std::ldexp(1, width - 1), std::ldexp(1, width - 1) - 1}
                   : IntegerRange{0, std::ldexp(1, width) - 1};
}

bool is_floating(ElementType type) {
  const std::optional<DType> dtype = carrier(type);
  return dtype && brisk::is_floating(*dtype);
}

bool is_tiny_float(ElementType type) {
  return is_floating(type) && bits(type) <= 8;
}

const TinyFloat& tiny_float(ElementType type) {
  static const std::vector<TinyFloat> kTables = [] {
    std::vector<TinyFloat> tables(kTypes.size());
    for (size_t i = 0; i < kTypes.size(); ++i)
      if (is_tiny_float(static_cast<ElementType>(i)))
        tables[i] = make_tiny_float(static_cast<ElementType>(i));
    return tables;
  }();
  require(is_tiny_float(type), "{} is no float of at most 8 bits", name(type));
  return kTables[static_cast<size_t>(type)];
}

int64_t truncated(double value) {
  require(std::abs(value) < 0x1p63, "a number of 64 bits is needed, not {}", value);
  return static_cast<int64_t>(value);
}

std::vector<int64_t> integers(const HostTensor& tensor) {
  require(tensor.defined() && !tensor.is_string(), "numbers are needed, not {}",
          name(tensor.element));
  std::vector<int64_t> values;
  if (tensor.tensor.dtype() == DType::i64) {
    const auto data = tensor.tensor.data<int64_t>();
    values.assign(data.begin(), data.end());
    return values;
  }
  for (int64_t i = 0; i < tensor.tensor.num_elements(); ++i)
    values.push_back(truncated(tensor.tensor.get(i)));
  return values;
}

std::vector<double> reals(const HostTensor& tensor) {
  require(tensor.defined() && !tensor.is_string(), "numbers are needed, not {}",
          name(tensor.element));
  std::vector<double> values;
  for (int64_t i = 0; i < tensor.tensor.num_elements(); ++i) values.push_back(tensor.tensor.get(i));
  return values;
}

}  // namespace brisk::onnx
