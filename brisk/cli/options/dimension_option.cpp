#include "brisk/cli/options/dimension_option.h"

#include <charconv>

#include "brisk/base/error.h"

namespace brisk::cli {

void add_dimension_option(CLI::App& verb, std::vector<std::string>& into) {
  verb.add_option("--dimension", into, "A size for a named dimension: batch=1; may be repeated")
      ->type_name("NAME=SIZE");
}

Binding parse_dimensions(const std::vector<std::string>& entries) {
  Binding binding;
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    int64_t size = -1;
    if (equals != std::string::npos) {
      const char* const end = entry.data() + entry.size();
      const auto [stop, error] = std::from_chars(entry.data() + equals + 1, end, size);
      if (error != std::errc() || stop != end) size = -1;
    }
    require(equals != std::string::npos && equals > 0 && size >= 1,
            "--dimension {} should read NAME=SIZE with a size of at least 1", entry);
    binding[entry.substr(0, equals)] = size;
  }
  return binding;
}

}  // namespace brisk::cli
