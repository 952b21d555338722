#include "brisk/cli/options/option_spelling.h"

#include <algorithm>

namespace brisk::cli {

std::vector<std::string> with_underscores(int argc, const char* const* argv) {
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  const auto end = std::find(words.begin(), words.end(), "--");
  for (auto word = words.begin(); word != end; ++word) {
    if (!word->starts_with("--")) continue;
    const size_t name_end = std::min(word->find('='), word->size());
    std::replace(word->begin() + 2, word->begin() + static_cast<ptrdiff_t>(name_end), '-', '_');
  }
  return words;
}

}  // namespace brisk::cli
