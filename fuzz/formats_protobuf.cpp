// Any bytes, read as a protobuf message and, wherever a field holds bytes, as messages within it.

#include "brisk/formats/protobuf_wire.h"

namespace {

/// Reads every field; bytes must lie within the message.
void read_message(std::string_view wire, int depth) {
  brisk::ProtobufReader reader(wire);
  for (;;) {
    const auto field = reader.next();
    if (!field || !field->has_value()) return;
    const std::string_view bytes = (*field)->bytes;
    if (!bytes.empty() &&
        (bytes.data() < wire.data() || bytes.data() + bytes.size() > wire.data() + wire.size())) {
      __builtin_trap();
    }
    if (depth < 8) read_message(bytes, depth + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  read_message({reinterpret_cast<const char*>(bytes), size}, 0);
  return 0;
}
