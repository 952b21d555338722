#pragma once

/// One of cuDNN's descriptors: created, given attributes, finalised, destroyed with its last owner.

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "brisk/backends/cuda/api/cudnn.h"
#include "brisk/base/dtype.h"

namespace brisk::cuda::cudnn {

/// The sentence for a status: what was called, cuDNN's name of the error and its last message.
std::string describe(Status status, std::string_view call);

/// cuDNN's type; refused where cuDNN has none.
DataType data_type(DType type);

class Descriptor {
 public:
  Descriptor() = default;
  /// Throws UserError when the library is absent or refuses.
  explicit Descriptor(DescriptorType type);

  // Attributes. A refusal throws UserError.
  void set(Attribute attribute, int64_t value) { set_int64s(attribute, {&value, 1}); }
  void set_int64s(Attribute attribute, std::span<const int64_t> values);
  void set_float(Attribute attribute, float value);
  void set_boolean(Attribute attribute, bool value);
  void set_type(Attribute attribute, DataType value);
  void set_descriptor(Attribute attribute, const Descriptor& value);
  void set_descriptors(Attribute attribute, std::span<const Descriptor> values);
  void set_handle(Attribute attribute, Handle value);
  void set_text(Attribute attribute, std::string_view value);
  void set_pointers(Attribute attribute, std::span<void* const> values);
  /// For cuDNN's enumerations: `type` says which.
  template <typename Enum>
  void set_enum(Attribute attribute, AttributeType type, Enum value) {
    const int number = static_cast<int>(value);
    set_raw(attribute, type, 1, &number);
  }

  Result<Descriptor> finalize() &&;
  /// Throws UserError where cuDNN refuses.
  Descriptor finalized() && { return std::move(*this).finalize().value(); }

  int64_t get_int64(Attribute attribute) const;
  /// Numbers of cuDNN's enumerations.
  std::vector<int> get_enums(Attribute attribute, AttributeType type, int capacity) const;
  std::string get_text(Attribute attribute) const;
  /// A descriptor-valued attribute, copied into fresh descriptors of type `type`.
  std::vector<Descriptor> get_descriptors(Attribute attribute, DescriptorType type,
                                          int capacity) const;

  DescriptorHandle handle() const { return handle_.get(); }
  bool defined() const { return handle_ != nullptr; }

 private:
  void set_raw(Attribute attribute, AttributeType type, int64_t count, const void* elements);
  std::shared_ptr<void> handle_;
};

}  // namespace brisk::cuda::cudnn
