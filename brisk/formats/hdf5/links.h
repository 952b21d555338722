#pragma once

/// The links of a group: names, and the objects that they lead to.

#include <optional>
#include <string_view>
#include <vector>

#include "brisk/formats/hdf5/object_header.h"

namespace brisk::hdf5 {

enum class LinkKind { hard, soft, external };

struct Link {
  std::string_view name;  ///< in the file's bytes
  LinkKind kind = LinkKind::hard;
  uint64_t address = kNoAddress;  ///< of the object, for hard links
};

bool is_group(const Messages& object);
/// One link by its name; UserError when the group is damaged.
std::optional<Link> find_link(std::string_view file, const Messages& group, std::string_view name);
/// All links, in order of name.
std::vector<Link> list_links(std::string_view file, const Messages& group);

}  // namespace brisk::hdf5
