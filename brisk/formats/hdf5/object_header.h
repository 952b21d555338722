#pragma once

/// An object of an HDF5 file (a group or a dataset) is a list of messages, each of which tells one
/// thing about it.

#include <string_view>
#include <vector>

#include "brisk/formats/hdf5/file_bytes.h"

namespace brisk::hdf5 {

enum class MessageType : uint16_t {
  dataspace = 0x01,
  link_info = 0x02,
  datatype = 0x03,
  link = 0x06,
  external_files = 0x07,
  layout = 0x08,
  filters = 0x0b,
  attribute = 0x0c,
  continuation = 0x10,
  symbol_table = 0x11,
  attribute_info = 0x15,
};

struct Message {
  MessageType type;
  bool shared = false;    ///< the body only says where the message stands
  std::string_view body;  ///< in the file's bytes

  /// To read the body; refused where it stands elsewhere.
  FileBytes read(const char* structure) const;
};
using Messages = std::vector<Message>;

/// The messages of the object at an address; UserError when it is damaged.
Messages read_object_header(std::string_view file, uint64_t address);
/// The first of a type; nullptr when there is none.
const Message* find_message(const Messages& messages, MessageType type);
/// Refuses an object whose links (or attributes, by the type of the message that tells) stand in a
/// fractal heap instead of messages.
void refuse_fractal_heap(const Messages& object, MessageType info);

}  // namespace brisk::hdf5
