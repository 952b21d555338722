// Objects are laid out one after another, members before their group, because a group's entries
// hold its members' addresses; the superblock, at the front, is filled in last.
//
// A group is an object header with one message, a B-tree of one node, nodes of links in order of
// name, and a heap of the names. How many links a node takes is said once for the whole file, so it
// is chosen for the largest group: one B-tree node of 32 children is then enough for each.
//
// Texts of attributes have any length and stand in global heaps, which come first.

#include "brisk/formats/hdf5/hdf5_writer.h"

#include <algorithm>
#include <vector>

namespace brisk {
namespace {

constexpr uint64_t kNoAddress = ~uint64_t{0};
constexpr size_t kSuperblockSize = 96;
constexpr size_t kChildren = 32;       ///< of a B-tree node: twice HDF5's default of 16
constexpr size_t kMaxLinks = 1 << 20;  ///< in a group
constexpr size_t kMinHeapSize = 4096;  ///< HDF5 reads so much of a global heap at once
constexpr size_t kMaxMessage = 65528;

class Bytes {
 public:
  Bytes& number(uint64_t value, int width) {
    for (int i = 0; i < width; ++i) text.push_back(static_cast<char>(value >> (8 * i) & 0xff));
    return *this;
  }
  Bytes& address(uint64_t value) { return number(value, 8); }
  Bytes& append(std::string_view more) {
    text += more;
    return *this;
  }
  Bytes& zeros(size_t count) {
    text.append(count, '\0');
    return *this;
  }
  Bytes& align() { return zeros((8 - text.size() % 8) % 8); }

  std::string text;
};

std::string float_type(int size, int exponent_at, int exponent_bits, int mantissa_bits, int bias) {
  const auto sign_at = static_cast<uint64_t>(size * 8 - 1);
  Bytes type;
  type.number(0x11, 1).number(0x20, 1).number(sign_at, 1).number(0, 1);  // implied leading one
  type.number(static_cast<uint64_t>(size), 4)
      .number(0, 2)
      .number(static_cast<uint64_t>(size) * 8, 2);
  type.number(static_cast<uint64_t>(exponent_at), 1)
      .number(static_cast<uint64_t>(exponent_bits), 1);
  type.number(0, 1).number(static_cast<uint64_t>(mantissa_bits), 1);
  return type.number(static_cast<uint64_t>(bias), 4).text;
}

std::string integer_type(int size, bool is_signed) {
  const auto bytes = static_cast<uint64_t>(size);
  Bytes type;
  type.number(0x10, 1).number(is_signed ? 8 : 0, 1).number(0, 2).number(bytes, 4);
  return type.number(0, 2).number(bytes * 8, 2).text;
}

/// A datatype message of a tensor's elements; empty where NumPy has no such type.
std::string number_type(DType type) {
  switch (type) {
    case DType::f64:
      return float_type(8, 52, 11, 52, 1023);
    case DType::f32:
      return float_type(4, 23, 8, 23, 127);
    case DType::f16:
      return float_type(2, 10, 5, 10, 15);
    case DType::i64:
      return integer_type(8, true);
    case DType::i32:
      return integer_type(4, true);
    case DType::i16:
      return integer_type(2, true);
    case DType::i8:
      return integer_type(1, true);
    case DType::u64:
      return integer_type(8, false);
    case DType::u32:
      return integer_type(4, false);
    case DType::u16:
      return integer_type(2, false);
    case DType::u8:
      return integer_type(1, false);
    default:
      return "";
  }
}

/// UTF-8 text of any length: a sequence of characters of one byte.
std::string text_type() {
  Bytes type;
  type.number(0x19, 1).number(1, 1).number(1, 1).number(0, 1).number(16, 4);
  type.number(0x13, 1).number(0, 1).number(0, 2).number(1, 4);
  return type.text;
}

std::string dataspace(const std::vector<int64_t>& sizes) {
  Bytes space;
  space.number(1, 1).number(sizes.size(), 1).zeros(6);
  for (const int64_t size : sizes) space.number(static_cast<uint64_t>(size), 8);
  return space.text;
}

struct Message {
  uint64_t type;
  std::string body;
};

using Object = Hdf5Writer::Object;

size_t largest_group(const Object& object) {
  size_t largest = object.members.size();
  for (const auto& [name, member] : object.members)
    largest = std::max(largest, largest_group(member));
  return largest;
}

class Layout {
 public:
  std::string write(const Object& root) {
    file_.zeros(kSuperblockSize);
    links_per_node_ = std::max<size_t>(8, (largest_group(root) + kChildren - 1) / kChildren);
    links_per_node_ += links_per_node_ % 2;
    write_texts(root);
    const Place place = write_object(root);
    write_superblock(place);
    return std::move(file_.text);
  }

 private:
  struct Place {
    uint64_t header = kNoAddress, tree = kNoAddress, heap = kNoAddress;
  };
  struct TextPlace {
    uint64_t heap = 0, index = 0;
  };

  uint64_t here() const { return file_.text.size(); }

  /// Global heaps with all texts. A reader goes through a heap for each of its texts, so a heap
  /// takes no more of them once it has its least size.
  void write_texts(const Object& root) {
    std::vector<const std::string*> texts;
    collect_texts(root, texts);
    for (size_t next = 0; next < texts.size();) {
      Bytes objects;
      for (uint64_t index = 1; next < texts.size() && objects.text.size() < kMinHeapSize; ++index) {
        const std::string& text = *texts[next++];
        text_places_[&text] = {here(), index};
        objects.number(index, 2).zeros(6).number(text.size(), 8).append(text).align();
      }
      // What is left is an object of its own, which counts its head.
      const size_t used = 16 + objects.text.size(), size = std::max(kMinHeapSize, used + 16);
      objects.zeros(8).number(size - used, 8).zeros(size - used - 16);
      file_.append("GCOL").number(1, 1).zeros(3).number(size, 8).append(objects.text);
    }
  }

  static void collect_texts(const Object& object, std::vector<const std::string*>& texts) {
    for (const auto& [name, text] : object.attributes)
      if (!text.empty()) texts.push_back(&text);
    for (const auto& [name, member] : object.members) collect_texts(member, texts);
  }

  Place write_object(const Object& object) {
    return object.tensor.defined() ? write_dataset(object) : write_group(object);
  }

  Place write_dataset(const Object& object) {
    const Tensor& tensor = object.tensor;
    const auto bytes = static_cast<uint64_t>(tensor.num_bytes());
    const uint64_t at = bytes == 0 ? kNoAddress : here();
    file_.append({reinterpret_cast<const char*>(tensor.bytes()), bytes}).align();
    // Filled where nothing is written, when it is first written to, with the type's own zero.
    const std::string fill =
        Bytes().number(2, 1).number(2, 1).number(2, 1).number(1, 1).zeros(4).text;
    const std::string layout = Bytes().number(3, 1).number(1, 1).address(at).number(bytes, 8).text;
    return {write_header(object, {{0x01, dataspace(tensor.sizes())},
                                  {0x03, number_type(tensor.dtype())},
                                  {0x05, fill},
                                  {0x08, layout}})};
  }

  Place write_group(const Object& group) {
    std::vector<std::pair<std::string_view, Place>> links;
    for (const auto& [name, member] : group.members) links.emplace_back(name, write_object(member));
    // Names in the heap, after an empty one.
    Bytes names;
    names.zeros(8);
    std::vector<uint64_t> name_at;
    for (const auto& [name, place] : links) {
      name_at.push_back(names.text.size());
      names.append(name).zeros(1).align();
    }
    Place place;
    place.heap = here();
    constexpr uint64_t kNoFreeBlock = 1;
    file_.append("HEAP").zeros(4).number(names.text.size(), 8).number(kNoFreeBlock, 8);
    file_.address(here() + 8).append(names.text);

    Bytes children;
    children.number(0, 8);
    size_t nodes = 0;
    for (size_t first = 0; first < links.size(); first += links_per_node_, ++nodes) {
      const size_t count = std::min(links_per_node_, links.size() - first);
      children.address(here()).number(name_at[first + count - 1], 8);
      file_.append("SNOD").number(1, 1).zeros(1).number(count, 2);
      for (size_t i = first; i < first + count; ++i) append_entry(name_at[i], links[i].second);
      file_.zeros((links_per_node_ - count) * 40);
    }
    place.tree = here();
    file_.append("TREE").number(0, 1).number(0, 1).number(nodes, 2);
    file_.address(kNoAddress).address(kNoAddress).append(children.text);
    file_.zeros((kChildren - nodes) * 16);
    place.header =
        write_header(group, {{0x11, Bytes().address(place.tree).address(place.heap).text}});
    return place;
  }

  /// An entry of a symbol table. A group's tree and heap are said again in it.
  void append_entry(uint64_t name_at, const Place& place) {
    const bool is_group = place.tree != kNoAddress;
    file_.number(name_at, 8).address(place.header).number(is_group ? 1 : 0, 4).zeros(4);
    file_.address(is_group ? place.tree : 0).address(is_group ? place.heap : 0);
  }

  uint64_t write_header(const Object& object, std::vector<Message> messages) {
    for (const auto& [name, text] : object.attributes) {
      const TextPlace place = text.empty() ? TextPlace{} : text_places_.at(&text);
      const std::string type = text_type(), space = dataspace({});
      Bytes body;
      body.number(1, 1).zeros(1).number(name.size() + 1, 2);
      body.number(type.size(), 2).number(space.size(), 2);
      body.append(name).zeros(1).align().append(type).align().append(space).align();
      body.number(text.size(), 4).address(place.heap).number(place.index, 4);
      messages.push_back({0x0c, body.text});
    }
    Bytes block;
    for (const Message& message : messages) {
      const std::string body = Bytes{message.body}.align().text;
      block.number(message.type, 2).number(body.size(), 2).zeros(4).append(body);
    }
    const uint64_t at = here();
    file_.number(1, 1).zeros(1).number(messages.size(), 2).number(1, 4);
    file_.number(block.text.size(), 4).zeros(4).append(block.text);
    return at;
  }

  void write_superblock(const Place& root) {
    Bytes head;
    head.append("\x89HDF\r\n\x1a\n").zeros(4).zeros(1).number(8, 1).number(8, 1).zeros(1);
    head.number(links_per_node_ / 2, 2).number(kChildren / 2, 2).zeros(4);
    head.address(0).address(kNoAddress).address(here()).address(kNoAddress);
    std::swap(file_.text, head.text);
    append_entry(0, root);
    std::swap(file_.text, head.text);
    file_.text.replace(0, kSuperblockSize, head.text);
  }

  Bytes file_;
  size_t links_per_node_ = 0;
  std::map<const std::string*, TextPlace> text_places_;
};

std::vector<std::string> parts(const std::string& path) {
  std::vector<std::string> result;
  for (size_t start = 0; start <= path.size();) {
    const size_t end = std::min(path.find('/', start), path.size());
    if (end > start) result.push_back(path.substr(start, end - start));
    start = end + 1;
  }
  return result;
}

/// The object at a path, groups made where there are none; nullptr where a dataset is in the way.
Object* reach(Object& root, const std::string& path) {
  Object* at = &root;
  for (const std::string& name : parts(path)) {
    if (at->tensor.defined()) return nullptr;
    at = &at->members[name];
  }
  return at;
}

}  // namespace

Status Hdf5Writer::add_group(const std::string& path) {
  const Object* object = reach(root_, path);
  if (object == nullptr || object->tensor.defined())
    return fail("the group '{}' cannot be made where a dataset is", path);
  return Success{};
}

Status Hdf5Writer::add_dataset(const std::string& path, const Tensor& tensor) {
  if (number_type(tensor.dtype()).empty())
    return fail("HDF5 has no type for {} of '{}'", name(tensor.dtype()), path);
  Object* object = reach(root_, path);
  if (object == nullptr || object == &root_ || object->tensor.defined() || !object->members.empty())
    return fail("the dataset '{}' cannot be made where something else is", path);
  object->tensor = tensor;
  return Success{};
}

Status Hdf5Writer::add_attribute(const std::string& path, const std::string& attribute_name,
                                 const std::string& text) {
  Object* object = &root_;
  for (const std::string& part : parts(path)) {
    const auto found = object->members.find(part);
    if (found == object->members.end())
      return fail("there is no '{}' for the attribute '{}'", path, attribute_name);
    object = &found->second;
  }
  if (attribute_name.size() > kMaxMessage / 2)
    return fail("the name of an attribute of '{}' has {} bytes", path, attribute_name.size());
  object->attributes[attribute_name] = text;
  return Success{};
}

Result<std::string> Hdf5Writer::finish() const {
  if (largest_group(root_) > kMaxLinks)
    return fail("a group of {} members is more than {}", largest_group(root_), kMaxLinks);
  return Layout().write(root_);
}

}  // namespace brisk
