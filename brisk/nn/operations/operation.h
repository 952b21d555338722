#pragma once

/// Functions of keras.ops (`keras.ops.mean(x, axis=1)`), which a Functional model holds beside its
/// layers. They have no weights. A table of them by Keras's class name, a file for each family.

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "brisk/base/json.h"
#include "brisk/ir/builder.h"
#include "brisk/nn/floating.h"

namespace brisk {

/// One call: what Keras wrote, and the tensors in it.
struct OperationCall {
  std::string_view name;
  Builder& builder;
  std::span<const Value> tensors;
  const Json& args;  ///< positional; a tensor is {"tensor": i}
  const Json& kwargs;
  const Json& config;  ///< arguments of the operation itself

  /// The argument by position or name; null where it is not given.
  Json argument(size_t position, std::string_view name) const;
  /// An argument that stands in the configuration or among the keywords only.
  Json option(std::string_view name) const { return argument(SIZE_MAX, name); }
  /// A tensor, or a number as a constant of `like`'s type (f32 for a fraction beside integers).
  Value value(const Json& json, const Value* like = nullptr) const;
  Value value(size_t position, std::string_view name) const {
    return value(argument(position, name));
  }
  /// The list of tensors in an argument.
  std::vector<Value> values(size_t position, std::string_view name) const;
  /// Two operands brought to one type as NumPy would.
  std::pair<Value, Value> pair(std::string_view first, std::string_view second) const;
  std::optional<int64_t> integer(const Json& json) const;
  int64_t integer_or(const Json& json, int64_t otherwise) const {
    return integer(json).value_or(otherwise);
  }
  /// One number or a list of them; empty for null.
  std::vector<int64_t> integers(const Json& json) const;
  double number_or(const Json& json, double otherwise) const;
  bool flag_or(const Json& json, bool otherwise) const;
};

struct Operation {
  std::string_view name;
  std::vector<Value> (*apply)(const OperationCall& call);
};
std::span<const Operation> arithmetic_operations();
std::span<const Operation> reduction_operations();
std::span<const Operation> shape_operations();
std::span<const Operation> activation_operations();

}  // namespace brisk
