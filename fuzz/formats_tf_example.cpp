// Any bytes: parse_tf_example refuses them, or what it read writes to a message that reads and
// writes alike (compared as bytes, for NaN is not equal to itself).

#include "brisk/formats/tfrecord/tf_example.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const auto example = brisk::parse_tf_example({reinterpret_cast<const char*>(bytes), size});
  if (!example) return 0;
  const std::string wire = brisk::serialize_tf_example(*example);
  const auto again = brisk::parse_tf_example(wire);
  if (!again || brisk::serialize_tf_example(*again) != wire) __builtin_trap();
  return 0;
}
