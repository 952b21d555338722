// Texts of one size stand in the attribute itself. Others stand in collections of a global heap,
// which the attribute refers to by address and index: a collection is a run of objects, each with
// its index and size.
//
// Why it ends: an object in a collection has at least a head of 16 bytes, and the collections that
// one attribute refers to may not be larger together than the file.

#include "brisk/formats/hdf5/text_attribute.h"

#include <map>

#include "brisk/formats/hdf5/element_layout.h"

namespace brisk::hdf5 {
namespace {

constexpr int64_t kMaxTexts = int64_t{1} << 20;
constexpr uint64_t kMaxBytes = uint64_t{64} << 20;
constexpr uint64_t kFreeSpace = 0;  ///< the index of what is not used in a collection

std::string until_end(std::string_view text) {
  return std::string(text.substr(0, text.find('\0')));
}

class GlobalHeap {
 public:
  explicit GlobalHeap(std::string_view file) : file_(file) {}

  std::string_view object(uint64_t address, uint64_t index) {
    const auto found = collections_.find(address);
    const Collection& collection = found != collections_.end()
                                       ? found->second
                                       : collections_.emplace(address, read(address)).first->second;
    const auto object = collection.find(index);
    require(object != collection.end(), "a text is missing in its global heap");
    return object->second;
  }

 private:
  using Collection = std::map<uint64_t, std::string_view>;

  Collection read(uint64_t address) {
    FileBytes head = FileBytes::at(file_, address, "global heap");
    head.expect("GCOL");
    head.version(1, 1);
    head.skip(3);
    const uint64_t size = head.number(8);
    total_ += size;
    require(size <= file_.size() && total_ <= file_.size(), "global heaps overlap");
    FileBytes bytes = FileBytes::at(file_, address, size, "global heap");
    bytes.skip(16);
    Collection collection;
    while (bytes.remaining() >= 16) {
      const uint64_t index = bytes.number(2);
      bytes.skip(2 + 4);  // references, reserved
      const uint64_t object_size = bytes.number(8);
      if (index == kFreeSpace) break;
      collection[index] = bytes.take(object_size);
      bytes.align();
    }
    return collection;
  }

  std::string_view file_;
  std::map<uint64_t, Collection> collections_;
  uint64_t total_ = 0;
};

/// The parts of an attribute message. Each has its length before it, so that what is not
/// understood can be stepped over.
struct Attribute {
  std::string_view name, type, space, data;
};

Attribute read_attribute(FileBytes message) {
  const int version = message.version(1, 3);
  const uint64_t flags = message.number(1);
  require(version == 1 || flags == 0, "an attribute's type is shared with others");
  const uint64_t name_size = message.number(2), type_size = message.number(2),
                 space_size = message.number(2);
  if (version == 3) message.skip(1);  // character set of the name
  const auto part = [&](uint64_t size) {
    const std::string_view bytes = message.take(size);
    if (version == 1) message.align();
    return bytes;
  };
  Attribute attribute;
  attribute.name = part(name_size);
  attribute.name = attribute.name.substr(0, attribute.name.find('\0'));
  attribute.type = part(type_size);
  attribute.space = part(space_size);
  attribute.data = message.take(message.remaining());
  return attribute;
}

std::vector<std::string> texts_of(std::string_view file, const Attribute& attribute) {
  FileBytes type_bytes(attribute.type, "datatype"), space_bytes(attribute.space, "dataspace");
  const Datatype type = read_datatype(type_bytes);
  require(type.kind == Datatype::Kind::text || type.kind == Datatype::Kind::variable_text,
          "it is no text");
  const int64_t count = count_elements(read_dataspace(space_bytes));
  require(count <= kMaxTexts, "it has {} texts, over {}", count, kMaxTexts);
  FileBytes data(attribute.data, "text");
  GlobalHeap heap(file);
  std::vector<std::string> texts;
  uint64_t total = 0;
  for (int64_t i = 0; i < count; ++i) {
    FileBytes element(data.take(type.size), "text");
    if (type.kind == Datatype::Kind::text) {
      texts.push_back(until_end(element.take(type.size)));
    } else {
      const uint64_t length = element.number(4), address = element.address();
      const std::string_view object =
          length == 0 ? std::string_view() : heap.object(address, element.number(4));
      texts.push_back(until_end(object.substr(0, length)));
    }
    total += texts.back().size();
    require(total <= kMaxBytes, "its texts have more than {} bytes", kMaxBytes);
  }
  return texts;
}

}  // namespace

std::optional<std::vector<std::string>> read_texts(std::string_view file, const Messages& object,
                                                   std::string_view name) {
  for (const Message& message : object) {
    if (message.type != MessageType::attribute) continue;
    const Attribute attribute = read_attribute(message.read("attribute"));
    if (attribute.name == name) return texts_of(file, attribute);
  }
  refuse_fractal_heap(object, MessageType::attribute_info);  // what is looked for may be there
  return std::nullopt;
}

}  // namespace brisk::hdf5
