#pragma once

/// Types of values: a closed variant of tensor, sequence, optional, string and token.

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "brisk/base/dtype.h"
#include "brisk/base/shape.h"

namespace brisk {

/// real = scale * (stored - zero_point); one scale per tensor (axis < 0), per index of `axis`, or
/// per block of `block` indices of it.
struct Quantization {
  std::vector<double> scale;
  std::vector<int64_t> zero_point;
  int64_t axis = -1;
  int64_t block = 0;
  friend bool operator==(const Quantization&, const Quantization&) = default;
};

struct TensorType {
  DType dtype = DType::f32;
  Shape shape;
  std::optional<Quantization> quantization = {};
  friend bool operator==(const TensorType&, const TensorType&) = default;
};

class Type;

struct SequenceType {
  std::shared_ptr<const Type> element;
  friend bool operator==(const SequenceType& a, const SequenceType& b);
};
struct OptionalType {
  std::shared_ptr<const Type> element;
  friend bool operator==(const OptionalType& a, const OptionalType& b);
};
struct StringType {
  friend bool operator==(const StringType&, const StringType&) = default;
};
/// Orders side effects; carries no data.
struct TokenType {
  friend bool operator==(const TokenType&, const TokenType&) = default;
};

class Type {
 public:
  Type() = default;
  Type(TensorType type) : variant_(std::move(type)) {}
  Type(DType dtype, Shape shape) : variant_(TensorType{dtype, std::move(shape)}) {}
  Type(SequenceType type) : variant_(std::move(type)) {}
  Type(OptionalType type) : variant_(std::move(type)) {}
  Type(StringType type) : variant_(type) {}
  Type(TokenType type) : variant_(type) {}

  bool is_tensor() const { return std::holds_alternative<TensorType>(variant_); }
  /// The tensor type; refused (UserError) for any other.
  const TensorType& tensor() const;
  DType dtype() const { return tensor().dtype; }
  const Shape& shape() const { return tensor().shape; }
  int64_t rank() const { return shape().rank(); }

  const auto& variant() const { return variant_; }
  /// Named dimensions replaced by sizes.
  Type bind(const Binding& binding) const;
  /// "f32[batch, 10]", "sequence<f32[2]>", "string", "token".
  std::string to_string() const;

  friend bool operator==(const Type&, const Type&) = default;

 private:
  std::variant<TensorType, SequenceType, OptionalType, StringType, TokenType> variant_;
};

}  // namespace brisk
