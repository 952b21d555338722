// Numbers come as NumPy has them: integers of 1 to 8 bytes, IEEE's floats and bfloat16, booleans as
// an enumeration of one byte (h5py), bfloat16 as two opaque bytes (Keras).

#include "brisk/formats/hdf5/element_layout.h"

#include <array>

namespace brisk::hdf5 {
namespace {

constexpr int kInteger = 0, kFloat = 1, kText = 3, kOpaque = 5, kEnumeration = 8, kVariable = 9;
constexpr int64_t kMaxElements = int64_t{1} << 34;
constexpr uint64_t kMaxAxes = 16;

struct FloatFormat {
  DType type;
  uint64_t precision, exponent_at, exponent_bits, mantissa_bits, bias;
};
constexpr std::array kFloats = {
    FloatFormat{DType::f16, 16, 10, 5, 10, 15}, FloatFormat{DType::bf16, 16, 7, 8, 7, 127},
    FloatFormat{DType::f32, 32, 23, 8, 23, 127}, FloatFormat{DType::f64, 64, 52, 11, 52, 1023}};

void read_float(FileBytes& message, uint64_t flags, Datatype& type) {
  const uint64_t offset = message.number(2), precision = message.number(2);
  const uint64_t exponent_at = message.number(1), exponent_bits = message.number(1);
  const uint64_t mantissa_at = message.number(1), mantissa_bits = message.number(1);
  const uint64_t bias = message.number(4);
  for (const FloatFormat& format : kFloats)
    if (offset == 0 && precision == format.precision && type.size * 8 == precision &&
        (flags >> 8 & 0xff) == precision - 1 && exponent_at == format.exponent_at &&
        exponent_bits == format.exponent_bits && mantissa_at == 0 &&
        mantissa_bits == format.mantissa_bits && bias == format.bias) {
      type.kind = Datatype::Kind::number;
      type.number = format.type;
    }
}

void read_integer(FileBytes& message, bool is_signed, Datatype& type) {
  const uint64_t offset = message.number(2), precision = message.number(2);
  if (offset != 0 || precision != type.size * 8) return;
  const auto take = [&](DType with_sign, DType without) {
    type.kind = Datatype::Kind::number;
    type.number = is_signed ? with_sign : without;
  };
  if (type.size == 1) take(DType::i8, DType::u8);
  if (type.size == 2) take(DType::i16, DType::u16);
  if (type.size == 4) take(DType::i32, DType::u32);
  if (type.size == 8) take(DType::i64, DType::u64);
}

}  // namespace

Datatype read_datatype(FileBytes& message) {
  const uint64_t head = message.number(1);
  const auto type_class = static_cast<int>(head & 15);
  const uint64_t flags = message.number(3);
  Datatype type;
  type.size = message.number(4);
  require(type.size > 0, "elements of a type without bytes");
  type.big_endian = (type_class == kInteger || type_class == kFloat) && (flags & 1);
  if (type_class == kInteger) read_integer(message, flags & 8, type);
  // Bit 6 together with bit 0 is the byte order of the VAX.
  if (type_class == kFloat && !(flags & 64)) read_float(message, flags, type);
  if (type_class == kText) type.kind = Datatype::Kind::text;
  if (type_class == kVariable && (flags & 15) == 1) {
    require(type.size == 16, "references to texts of {} bytes", type.size);
    type.kind = Datatype::Kind::variable_text;
  }
  const bool is_opaque_bf16 = type_class == kOpaque && type.size == 2;
  const bool is_boolean = type_class == kEnumeration && type.size == 1;
  if (is_opaque_bf16 || is_boolean) {
    type.kind = Datatype::Kind::number;
    type.number = is_boolean ? DType::boolean : DType::bf16;
  }
  return type;
}

std::vector<int64_t> read_dataspace(FileBytes& message) {
  constexpr uint64_t kNull = 2;
  const int version = message.version(1, 2);
  const uint64_t rank = message.number(1);
  message.skip(1);  // flags
  const uint64_t kind = message.number(1);
  if (version == 1) message.skip(4);
  if (version == 2 && kind == kNull) return {0};
  require(rank <= kMaxAxes, "{} axes, over {}", rank, kMaxAxes);
  std::vector<int64_t> sizes;
  int64_t elements = 1;
  for (uint64_t axis = 0; axis < rank; ++axis) {
    const uint64_t size = message.number(8);
    require(size <= static_cast<uint64_t>(kMaxElements) &&
                (size == 0 || elements <= kMaxElements / static_cast<int64_t>(size)),
            "more than {} elements", kMaxElements);
    sizes.push_back(static_cast<int64_t>(size));
    elements *= static_cast<int64_t>(size);
  }
  return sizes;
}

int64_t count_elements(const std::vector<int64_t>& sizes) {
  int64_t elements = 1;
  for (const int64_t size : sizes) elements *= size;
  return elements;
}

}  // namespace brisk::hdf5
