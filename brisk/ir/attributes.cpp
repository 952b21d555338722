#include "brisk/ir/attributes.h"

#include <bit>

#include "brisk/ir/hash_mix.h"

namespace brisk {
namespace {

struct Hasher {
  uint64_t operator()(bool value) const { return value ? 1 : 0; }
  uint64_t operator()(int64_t value) const { return static_cast<uint64_t>(value); }
  uint64_t operator()(double value) const { return std::bit_cast<uint64_t>(value); }
  uint64_t operator()(const std::string& value) const { return hash_text(value); }
  uint64_t operator()(DType value) const { return static_cast<uint64_t>(value); }
  uint64_t operator()(const Shape& value) const { return hash_text(value.to_string()); }
  uint64_t operator()(const Tensor& value) const {
    const std::string_view bytes(reinterpret_cast<const char*>(value.bytes()),
                                 static_cast<size_t>(value.num_bytes()));
    return mix(hash_text(value.describe()), hash_text(bytes));
  }
  template <typename T>
  uint64_t operator()(const std::vector<T>& values) const {
    uint64_t result = values.size();
    for (const T& value : values) result = mix(result, (*this)(value));
    return result;
  }
};

}  // namespace

bool equal(const AttributeValue& a, const AttributeValue& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&]<typename T>(const T& left) {
        const T& right = std::get<T>(b);
        if constexpr (std::same_as<T, Tensor>)
          return bit_equal(left, right);
        else if constexpr (std::same_as<T, double>)  // NaN equals itself here
          return std::bit_cast<uint64_t>(left) == std::bit_cast<uint64_t>(right);
        else
          return left == right;
      },
      a);
}

uint64_t hash(const AttributeValue& value) {
  return mix(value.index(), std::visit(Hasher{}, value));
}

std::vector<NamedAttribute> Attributes::list() const {
  return holder_ ? holder_->list() : std::vector<NamedAttribute>{};
}

bool operator==(const Attributes& a, const Attributes& b) {
  if (a.holder_ == b.holder_) return true;
  const auto left = a.list();
  const auto right = b.list();
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i)
    if (left[i].name != right[i].name || !equal(left[i].value, right[i].value)) return false;
  return true;
}

uint64_t Attributes::hash() const {
  uint64_t result = 0;
  for (const auto& [name, value] : list())
    result = mix(mix(result, hash_text(name)), brisk::hash(value));
  return result;
}

namespace attribute_fields {

void refuse_type(std::string_view field) {
  refuse("attribute '{}' is given a value of another type", field);
}

void refuse_name(std::string_view field, std::string_view value,
                 std::span<const std::string_view> names) {
  refuse("attribute '{}' cannot be '{}'; it is one of: {}", field, value, fmt::join(names, ", "));
}

void refuse_unknown(std::string_view field, std::span<const std::string> known) {
  refuse("there is no attribute '{}'; known are: {}", field, fmt::join(known, ", "));
}

}  // namespace attribute_fields
}  // namespace brisk
