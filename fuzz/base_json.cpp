// Any bytes: parse_json refuses them, or the document prints to a text that parses to the same.

#include "brisk/base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const auto document = brisk::parse_json(input, "the input");
  if (!document) {
    if (document.error().find("line ") == std::string::npos) __builtin_trap();
    return 0;
  }
  const auto again = brisk::parse_json(document->dump(), "the printed document");
  if (!again || *again != *document) __builtin_trap();
  return 0;
}
