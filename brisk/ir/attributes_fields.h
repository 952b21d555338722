#pragma once

// How a field of each type becomes an AttributeValue and comes back: the bodies behind
// attributes.h.

#include "brisk/ir/attributes.h"

namespace brisk {
namespace attribute_fields {

template <typename T>
AttributeValue to_value(const T& field) {
  if constexpr (std::is_enum_v<T> && !std::same_as<T, DType>)
    return std::string(enum_names(T{})[static_cast<size_t>(field)]);
  else
    return AttributeValue(field);
}

[[noreturn]] void refuse_type(std::string_view field);
[[noreturn]] void refuse_name(std::string_view field, std::string_view value,
                              std::span<const std::string_view> names);

template <typename T>
void from_value(std::string_view name, const AttributeValue& value, T& field) {
  if constexpr (std::is_enum_v<T> && !std::same_as<T, DType>) {
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) refuse_type(name);
    const auto names = enum_names(T{});
    for (size_t i = 0; i < names.size(); ++i)
      if (names[i] == *text) return void(field = static_cast<T>(i));
    refuse_name(name, *text, names);
  } else if (const auto* same = std::get_if<T>(&value)) {
    field = *same;
  } else if constexpr (std::same_as<T, double>) {  // "2" is a fine double
    const auto* integer = std::get_if<int64_t>(&value);
    if (integer == nullptr) refuse_type(name);
    field = static_cast<double>(*integer);
  } else if constexpr (std::same_as<T, std::vector<double>>) {
    const auto* integers = std::get_if<std::vector<int64_t>>(&value);
    if (integers == nullptr) refuse_type(name);
    field.assign(integers->begin(), integers->end());
  } else if constexpr (std::same_as<T, Shape>) {  // "[1, 2]" reads as integers
    const auto* integers = std::get_if<std::vector<int64_t>>(&value);
    if (integers == nullptr) refuse_type(name);
    field = Shape(*integers);
  } else if constexpr (std::same_as<T, std::vector<std::string>>) {  // "[]" reads as integers
    const auto* integers = std::get_if<std::vector<int64_t>>(&value);
    if (integers == nullptr || !integers->empty()) refuse_type(name);
    field.clear();
  } else {
    refuse_type(name);
  }
}

[[noreturn]] void refuse_unknown(std::string_view field, std::span<const std::string> known);

}  // namespace attribute_fields

template <typename T>
std::vector<NamedAttribute> Attributes::Holder<T>::list() const {
  std::vector<NamedAttribute> result;
  const_cast<T&>(value).fields([&](std::string_view name, auto& field) {
    result.push_back({std::string(name), attribute_fields::to_value(field)});
  });
  return result;
}

template <typename T>
AttributeParser attribute_parser() {
  return [](std::span<const NamedAttribute> given) -> Attributes {
    T result;
    std::vector<std::string> known;
    std::vector<bool> used(given.size());
    result.fields([&](std::string_view name, auto& field) {
      known.emplace_back(name);
      for (size_t i = 0; i < given.size(); ++i) {
        if (given[i].name != name) continue;
        attribute_fields::from_value(name, given[i].value, field);
        used[i] = true;
      }
    });
    for (size_t i = 0; i < given.size(); ++i)
      if (!used[i]) attribute_fields::refuse_unknown(given[i].name, known);
    return Attributes(std::move(result));
  };
}

}  // namespace brisk
