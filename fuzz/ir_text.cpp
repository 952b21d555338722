// The text form: any text is refused with its line and column, or is a graph (or program) that
// verifies and whose print reads back and prints alike.

#include "brisk/ir/text.h"
#include "brisk/ops/standard.h"

namespace {

template <typename Read>
void read_and_print(std::string_view text, const Read& read) {
  const auto parsed = read(text, brisk::standard_ops());
  if (!parsed) {
    if (!parsed.error().starts_with("line ")) __builtin_trap();
    return;
  }
  brisk::verify(*parsed);
  const std::string printed = brisk::print(*parsed);
  const auto again = read(printed, brisk::standard_ops());
  if (!again || brisk::print(*again) != printed) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  read_and_print(text, brisk::parse_graph);
  read_and_print(text, brisk::parse_program);
  return 0;
}
