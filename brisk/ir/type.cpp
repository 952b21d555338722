#include "brisk/ir/type.h"

#include "brisk/base/error.h"

namespace brisk {
namespace {

template <typename... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <typename... F>
Overloaded(F...) -> Overloaded<F...>;

std::string quantization_text(const Quantization& quantization) {
  std::string text = " quantized(scale=[";
  for (size_t i = 0; i < quantization.scale.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", quantization.scale[i]);
  text += "], zero_point=[";
  for (size_t i = 0; i < quantization.zero_point.size(); ++i)
    text += fmt::format("{}{}", i == 0 ? "" : ", ", quantization.zero_point[i]);
  return text + fmt::format("], axis={}, block={})", quantization.axis, quantization.block);
}

}  // namespace

bool operator==(const SequenceType& a, const SequenceType& b) { return *a.element == *b.element; }
bool operator==(const OptionalType& a, const OptionalType& b) { return *a.element == *b.element; }

const TensorType& Type::tensor() const {
  const auto* tensor = std::get_if<TensorType>(&variant_);
  require(tensor != nullptr, "a tensor is needed here, but the value is a {}", to_string());
  return *tensor;
}

Type Type::bind(const Binding& binding) const {
  return std::visit(
      Overloaded{[&](TensorType type) -> Type {
                   type.shape = type.shape.bind(binding);
                   return type;
                 },
                 [&](const SequenceType& type) -> Type {
                   return SequenceType{std::make_shared<Type>(type.element->bind(binding))};
                 },
                 [&](const OptionalType& type) -> Type {
                   return OptionalType{std::make_shared<Type>(type.element->bind(binding))};
                 },
                 [](const auto& type) -> Type { return type; }},
      variant_);
}

std::string Type::to_string() const {
  return std::visit(
      Overloaded{[](const TensorType& type) {
                   std::string text = std::string(name(type.dtype)) + type.shape.to_string();
                   if (type.quantization) text += quantization_text(*type.quantization);
                   return text;
                 },
                 [](const SequenceType& type) {
                   return "sequence<" + type.element->to_string() + ">";
                 },
                 [](const OptionalType& type) {
                   return "optional<" + type.element->to_string() + ">";
                 },
                 [](const StringType&) { return std::string("string"); },
                 [](const TokenType&) { return std::string("token"); }},
      variant_);
}

}  // namespace brisk
