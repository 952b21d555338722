#include "brisk/formats/safetensors/layout.h"

namespace brisk::safetensors {
namespace {

struct TypeName {
  DType type;
  std::string_view name;
};

constexpr TypeName kTypeNames[] = {
    {DType::f64, "F64"},   {DType::f32, "F32"},        {DType::f16, "F16"},
    {DType::bf16, "BF16"}, {DType::f8e4m3, "F8_E4M3"}, {DType::f8e5m2, "F8_E5M2"},
    {DType::i64, "I64"},   {DType::i32, "I32"},        {DType::i16, "I16"},
    {DType::i8, "I8"},     {DType::u64, "U64"},        {DType::u32, "U32"},
    {DType::u16, "U16"},   {DType::u8, "U8"},          {DType::boolean, "BOOL"},
};

}  // namespace

std::optional<std::string_view> type_name(DType type) {
  for (const TypeName& row : kTypeNames)
    if (row.type == type) return row.name;
  return std::nullopt;
}

std::optional<DType> parse_type_name(std::string_view name) {
  for (const TypeName& row : kTypeNames)
    if (row.name == name) return row.type;
  return std::nullopt;
}

std::string all_type_names() {
  std::string names;
  for (const TypeName& row : kTypeNames) {
    if (!names.empty()) names += ' ';
    names += row.name;
  }
  return names;
}

}  // namespace brisk::safetensors
