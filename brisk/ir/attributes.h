#pragma once

/// Attributes of ops: typed structs with named fields and one `fields()` visitor each; printing,
/// parsing, hashing, comparing and binding come from it.
///
///     struct ReduceAttributes {
///       std::vector<int64_t> axes;
///       bool keep_dims = false;
///       template <typename F> void fields(F&& f) { f("axes", axes); f("keep_dims", keep_dims); }
///     };
///
/// Field types: bool, int64_t, double, std::string, DType, Shape, Tensor, vectors of int64_t,
/// double, std::string, and enums E for which `std::span<const std::string_view> enum_names(E)`
/// lists the names in order of value.

#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <variant>
#include <vector>

#include "brisk/base/dtype.h"
#include "brisk/base/error.h"
#include "brisk/base/shape.h"
#include "brisk/base/tensor.h"

namespace brisk {

/// One field in neutral form. Enums appear as their name.
using AttributeValue =
    std::variant<bool, int64_t, double, std::string, DType, Shape, Tensor, std::vector<int64_t>,
                 std::vector<double>, std::vector<std::string>>;

struct NamedAttribute {
  std::string name;
  AttributeValue value;
};

bool equal(const AttributeValue& a, const AttributeValue& b);
uint64_t hash(const AttributeValue& value);

/// An attribute struct of any type, shared and immutable.
class Attributes {
 public:
  /// No fields.
  Attributes() = default;
  template <typename T>
    requires(!std::same_as<std::decay_t<T>, Attributes>)
  Attributes(T value) : holder_(std::make_shared<Holder<T>>(std::move(value))) {}

  bool empty() const { return holder_ == nullptr; }
  /// The struct; an invariant when it is of another type.
  template <typename T>
  const T& as() const {
    const auto* holder = dynamic_cast<const Holder<T>*>(holder_.get());
    invariant(holder != nullptr, "attributes of another type were asked for as {}", typeid(T).name());
    return holder->value;
  }
  template <typename T>
  bool is() const {
    return dynamic_cast<const Holder<T>*>(holder_.get()) != nullptr;
  }
  /// The fields in declaration order, in neutral form.
  std::vector<NamedAttribute> list() const;

  friend bool operator==(const Attributes& a, const Attributes& b);
  uint64_t hash() const;

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual std::vector<NamedAttribute> list() const = 0;
  };
  template <typename T>
  struct Holder final : Concept {
    explicit Holder(T v) : value(std::move(v)) {}
    std::vector<NamedAttribute> list() const override;
    T value;
  };
  std::shared_ptr<const Concept> holder_;
};

/// Builds an attribute struct from its neutral form: absent fields keep their default, an unknown
/// or ill-typed one is refused by name.
using AttributeParser = std::function<Attributes(std::span<const NamedAttribute>)>;
template <typename T>
AttributeParser attribute_parser();

}  // namespace brisk

#include "brisk/ir/attributes_fields.h"
