#include "brisk/backends/cuda/cudnn/descriptor.h"

namespace brisk::cuda::cudnn {

std::string describe(Status status, std::string_view call) {
  const Library& cudnn = **library();
  char message[1024] = {};
  cudnn.last_error_text(message, sizeof message);
  std::string text = fmt::format("cuDNN: {}: {}", call, cudnn.error_text(status));
  if (message[0] != '\0') text += fmt::format(" ({})", message);
  return text;
}

DataType data_type(DType type) {
  switch (type) {
    case DType::f64:
      return DataType::f64;
    case DType::f32:
      return DataType::f32;
    case DType::f16:
      return DataType::f16;
    case DType::bf16:
      return DataType::bf16;
    case DType::f8e4m3:
      return DataType::f8e4m3;
    case DType::f8e5m2:
      return DataType::f8e5m2;
    case DType::i64:
      return DataType::i64;
    case DType::i32:
      return DataType::i32;
    case DType::i8:
      return DataType::i8;
    case DType::u8:
      return DataType::u8;
    case DType::boolean:
      return DataType::boolean;
    default:
      refuse("cuDNN has no element type {}", name(type));
  }
}

Descriptor::Descriptor(DescriptorType type) {
  const Library& cudnn = **library();
  DescriptorHandle handle = nullptr;
  const Status status = cudnn.create_descriptor(type, &handle);
  require(status == 0, "{}",
          status == 0 ? std::string()
                      : describe(status, fmt::format("creating a descriptor of type {}",
                                                     static_cast<int>(type))));
  handle_ = {handle, [destroy = cudnn.destroy_descriptor](void* owned) { destroy(owned); }};
}

void Descriptor::set_raw(Attribute attribute, AttributeType type, int64_t count,
                         const void* elements) {
  const Status status =
      (*library())->set_attribute(handle_.get(), attribute, type, count, elements);
  if (status != 0)
    refuse("{}",
           describe(status, fmt::format("setting attribute {}", static_cast<int>(attribute))));
}

void Descriptor::set_int64s(Attribute attribute, std::span<const int64_t> values) {
  set_raw(attribute, AttributeType::int64, static_cast<int64_t>(values.size()), values.data());
}
void Descriptor::set_float(Attribute attribute, float value) {
  set_raw(attribute, AttributeType::float32, 1, &value);
}
void Descriptor::set_boolean(Attribute attribute, bool value) {
  set_raw(attribute, AttributeType::boolean, 1, &value);
}
void Descriptor::set_type(Attribute attribute, DataType value) {
  set_raw(attribute, AttributeType::data_type, 1, &value);
}
void Descriptor::set_handle(Attribute attribute, Handle value) {
  set_raw(attribute, AttributeType::handle, 1, &value);
}
void Descriptor::set_text(Attribute attribute, std::string_view value) {
  set_raw(attribute, AttributeType::character, static_cast<int64_t>(value.size()), value.data());
}
void Descriptor::set_pointers(Attribute attribute, std::span<void* const> values) {
  set_raw(attribute, AttributeType::pointer, static_cast<int64_t>(values.size()), values.data());
}
void Descriptor::set_descriptor(Attribute attribute, const Descriptor& value) {
  set_descriptors(attribute, {&value, 1});
}
void Descriptor::set_descriptors(Attribute attribute, std::span<const Descriptor> values) {
  std::vector<DescriptorHandle> handles;
  for (const Descriptor& value : values) handles.push_back(value.handle());
  set_raw(attribute, AttributeType::descriptor, static_cast<int64_t>(handles.size()),
          handles.data());
}

Result<Descriptor> Descriptor::finalize() && {
  const Status status = (*library())->finalize(handle_.get());
  if (status != 0) return Failure{describe(status, "finalising")};
  return std::move(*this);
}

int64_t Descriptor::get_int64(Attribute attribute) const {
  int64_t value = 0, count = 0;
  const Status status =
      (*library())
          ->get_attribute(handle_.get(), attribute, AttributeType::int64, 1, &count, &value);
  if (status != 0)
    refuse("{}",
           describe(status, fmt::format("reading attribute {}", static_cast<int>(attribute))));
  return value;
}

std::vector<int> Descriptor::get_enums(Attribute attribute, AttributeType type,
                                       int capacity) const {
  std::vector<int> values(static_cast<size_t>(capacity));
  int64_t count = 0;
  const Status status =
      (*library())->get_attribute(handle_.get(), attribute, type, capacity, &count, values.data());
  if (status != 0)
    refuse("{}",
           describe(status, fmt::format("reading attribute {}", static_cast<int>(attribute))));
  values.resize(static_cast<size_t>(std::min<int64_t>(count, capacity)));
  return values;
}

std::string Descriptor::get_text(Attribute attribute) const {
  const Library& cudnn = **library();
  int64_t count = 0;
  Status status =
      cudnn.get_attribute(handle_.get(), attribute, AttributeType::character, 0, &count, nullptr);
  std::string text(static_cast<size_t>(std::max<int64_t>(count, 0)), '\0');
  if (status == 0)
    status = cudnn.get_attribute(handle_.get(), attribute, AttributeType::character, count, &count,
                                 text.data());
  if (status != 0)
    refuse("{}",
           describe(status, fmt::format("reading attribute {}", static_cast<int>(attribute))));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

std::vector<Descriptor> Descriptor::get_descriptors(Attribute attribute, DescriptorType type,
                                                    int capacity) const {
  const Library& cudnn = **library();
  int64_t available = 1;
  Status status = 0;
  if (capacity > 1)  // how many there are
    status = cudnn.get_attribute(handle_.get(), attribute, AttributeType::descriptor, 0, &available,
                                 nullptr);
  std::vector<Descriptor> values;
  std::vector<DescriptorHandle> handles;
  const int64_t wanted = std::min<int64_t>(available, capacity);
  if (status == 0 && wanted > 0) {
    for (int64_t i = 0; i < wanted; ++i) handles.push_back(values.emplace_back(type).handle());
    status = cudnn.get_attribute(handle_.get(), attribute, AttributeType::descriptor, wanted,
                                 &available, handles.data());
    values.resize(static_cast<size_t>(std::min(wanted, available)));
  }
  if (status != 0)
    refuse("{}",
           describe(status, fmt::format("reading attribute {}", static_cast<int>(attribute))));
  return values;
}

}  // namespace brisk::cuda::cudnn
