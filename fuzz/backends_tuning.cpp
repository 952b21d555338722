// Any bytes: parse_tuning refuses them, or what it read prints to a text that parses to the same.

#include "brisk/backends/cuda/tuning_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(bytes), size);
  const auto choices = brisk::cuda::parse_tuning(input);
  if (!choices) {
    if (choices.error().empty()) __builtin_trap();
    return 0;
  }
  const auto again = brisk::cuda::parse_tuning(brisk::cuda::print_tuning(*choices));
  if (!again || again->size() != choices->size()) __builtin_trap();
  return 0;
}
