#include "brisk/formats/hdf5/dataset.h"

#include <algorithm>

#include "brisk/formats/hdf5/element_layout.h"

namespace brisk::hdf5 {
namespace {

constexpr uint64_t kCompact = 0, kContiguous = 1, kChunked = 2, kVirtual = 3;

/// The bytes that a layout message points to.
std::string_view stored_bytes(std::string_view file, FileBytes layout) {
  layout.version(3, 4);
  const uint64_t kind = layout.number(1);
  require(kind != kVirtual, "it is virtual: a view of other datasets, which is never followed");
  require(kind != kChunked,
          "it is stored in chunks (compressed or growable), which Keras does not write: save the "
          "file with h5py's defaults");
  if (kind == kCompact) return layout.take(layout.number(2));
  require(kind == kContiguous, "its layout is of kind {}", kind);
  const uint64_t address = layout.address(), size = layout.number(8);
  if (address == kNoAddress || size == 0) return {};
  return FileBytes::at(file, address, size, "dataset").take(size);
}

void reverse_elements(Tensor& tensor, int64_t element_size) {
  for (int64_t at = 0; at < tensor.num_bytes(); at += element_size)
    std::reverse(tensor.bytes() + at, tensor.bytes() + at + element_size);
}

}  // namespace

bool is_dataset(const Messages& object) {
  return find_message(object, MessageType::layout) != nullptr;
}

Tensor read_dataset(std::string_view file, const Messages& dataset) {
  require(find_message(dataset, MessageType::external_files) == nullptr,
          "it lies in another file, which is never opened");
  const Message* type_message = find_message(dataset, MessageType::datatype);
  const Message* space_message = find_message(dataset, MessageType::dataspace);
  const Message* layout = find_message(dataset, MessageType::layout);
  require(type_message != nullptr && space_message != nullptr && layout != nullptr,
          "it lacks a type, sizes or a place");
  FileBytes type_bytes = type_message->read("datatype");
  FileBytes space_bytes = space_message->read("dataspace");
  const Datatype type = read_datatype(type_bytes);
  require(type.kind == Datatype::Kind::number, "it holds elements that are no numbers");
  const std::vector<int64_t> sizes = read_dataspace(space_bytes);
  const int64_t bytes = byte_size(type.number, count_elements(sizes));
  const std::string_view stored = stored_bytes(file, layout->read("data layout"));
  require(static_cast<uint64_t>(bytes) <= stored.size(),
          "it claims {} bytes, but only {} are stored", bytes, stored.size());
  Tensor tensor(type.number, sizes);
  std::ranges::copy(stored.substr(0, static_cast<size_t>(bytes)),
                    reinterpret_cast<char*>(tensor.bytes()));
  if (type.big_endian) reverse_elements(tensor, static_cast<int64_t>(type.size));
  if (type.number == DType::boolean)
    for (int64_t i = 0; i < bytes; ++i)
      tensor.bytes()[i] = std::byte{tensor.bytes()[i] != std::byte{0}};
  return type.number == DType::f16 ? tensor.cast(DType::f32) : tensor;
}

}  // namespace brisk::hdf5
