#pragma once

/// Attributes of an object that hold texts.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "brisk/formats/hdf5/object_header.h"

namespace brisk::hdf5 {

/// The texts of an attribute, one for a scalar; nothing when the object has none of this name.
/// UserError when it is damaged or holds something else.
std::optional<std::vector<std::string>> read_texts(std::string_view file, const Messages& object,
                                                   std::string_view name);

}  // namespace brisk::hdf5
