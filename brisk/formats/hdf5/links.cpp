// Two forms. A group of the first (what h5py and Keras write) is a symbol table: a B-tree whose
// leaves point to nodes with the links in order of name; names stand in a heap of the group's own.
// A group of the second has a message for each link, or, where there are many, a fractal heap,
// which is refused.
//
// Why it ends: a child's level is its parent's less one, and no node is entered twice, so that a
// tree costs no more than the file is long. A search reads the keys between the children and enters
// one child of each node.

#include "brisk/formats/hdf5/links.h"

#include <algorithm>
#include <set>

namespace brisk::hdf5 {
namespace {

constexpr size_t kMaxName = 4096;
constexpr int kSoftEntry = 2;  ///< the cache type of an entry that is a soft link
constexpr int kSoftLink = 1, kExternalLink = 64;

class SymbolTable {
 public:
  SymbolTable(std::string_view file, FileBytes message) : file_(file) {
    root_ = message.address();
    FileBytes heap = FileBytes::at(file, message.address(), "local heap");
    heap.expect("HEAP");
    heap.version(0, 0);
    heap.skip(3);
    const uint64_t size = heap.number(8);
    heap.skip(8);  // free blocks
    names_ = FileBytes::at(file, heap.address(), size, "local heap").take(size);
  }

  /// The links, or those of the one node where `wanted` would be.
  std::vector<Link> read(std::optional<std::string_view> wanted) {
    wanted_ = wanted;
    read_tree(root_, std::nullopt);
    return std::move(links_);
  }

 private:
  std::string_view name(uint64_t offset) const {
    require(offset < names_.size(), "a name lies outside of its local heap");
    const std::string_view rest = names_.substr(offset, kMaxName + 1);
    const size_t end = rest.find('\0');
    require(end != std::string_view::npos, "a name in a local heap has no end");
    return rest.substr(0, end);
  }

  void read_tree(uint64_t address, std::optional<int> expected_level) {
    require(seen_.insert(address).second, "a node of a B-tree occurs twice in it");
    FileBytes node = FileBytes::at(file_, address, "B-tree node");
    node.expect("TREE");
    require(node.number(1) == 0, "a group's B-tree holds no links");
    const auto level = static_cast<int>(node.number(1));
    require(!expected_level || level == *expected_level, "the levels of a B-tree are in disorder");
    const uint64_t children = node.number(2);
    node.skip(8 + 8 + 8);  // siblings, the first key
    for (uint64_t i = 0; i < children; ++i) {
      const uint64_t child = node.address();
      const uint64_t last_name = node.number(8);
      if (wanted_ && name(last_name) < *wanted_) continue;
      if (level > 0)
        read_tree(child, level - 1);
      else
        read_links(child);
      if (wanted_) return;
    }
  }

  void read_links(uint64_t address) {
    require(seen_.insert(address).second, "a symbol table node occurs twice in a B-tree");
    FileBytes node = FileBytes::at(file_, address, "symbol table node");
    node.expect("SNOD");
    node.version(1, 1);
    node.skip(1);
    const uint64_t count = node.number(2);
    for (uint64_t i = 0; i < count; ++i) {
      Link link;
      link.name = name(node.number(8));
      link.address = node.address();
      if (node.number(4) == kSoftEntry) link.kind = LinkKind::soft;
      node.skip(4 + 16);  // reserved, what is cached of the object
      links_.push_back(link);
    }
  }

  std::string_view file_, names_;
  uint64_t root_ = kNoAddress;
  std::optional<std::string_view> wanted_;
  std::set<uint64_t> seen_;
  std::vector<Link> links_;
};

Link read_link(FileBytes message) {
  message.version(1, 1);
  const auto flags = static_cast<int>(message.number(1));
  const auto type = static_cast<int>(flags & 8 ? message.number(1) : 0);
  if (flags & 4) message.skip(8);   // order of creation
  if (flags & 16) message.skip(1);  // character set
  Link link;
  const uint64_t length = message.number(1 << (flags & 3));
  require(length <= kMaxName, "a link's name has {} bytes", length);
  link.name = message.take(length);
  require(type == 0 || type == kSoftLink || type == kExternalLink, "a link of type {}", type);
  if (type == 0)
    link.address = message.address();
  else
    link.kind = type == kSoftLink ? LinkKind::soft : LinkKind::external;
  return link;
}

std::vector<Link> read(std::string_view file, const Messages& group,
                       std::optional<std::string_view> wanted) {
  if (const Message* table = find_message(group, MessageType::symbol_table))
    return SymbolTable(file, table->read("symbol table message")).read(wanted);
  refuse_fractal_heap(group, MessageType::link_info);
  std::vector<Link> links;
  for (const Message& message : group)
    if (message.type == MessageType::link) links.push_back(read_link(message.read("link")));
  return links;
}

}  // namespace

bool is_group(const Messages& object) {
  return find_message(object, MessageType::symbol_table) != nullptr ||
         find_message(object, MessageType::link_info) != nullptr;
}

std::optional<Link> find_link(std::string_view file, const Messages& group, std::string_view name) {
  for (const Link& link : read(file, group, name))
    if (link.name == name) return link;
  return std::nullopt;
}

std::vector<Link> list_links(std::string_view file, const Messages& group) {
  std::vector<Link> links = read(file, group, std::nullopt);
  std::ranges::sort(links, {}, &Link::name);
  return links;
}

}  // namespace brisk::hdf5
