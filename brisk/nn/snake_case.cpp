#include "brisk/nn/snake_case.h"

#include <cctype>

namespace brisk {

std::string snake_case(std::string_view class_name) {
  std::string letters, result;
  for (const char c : class_name)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') letters += c;
  const auto upper = [&](size_t at) {
    return at < letters.size() && std::isupper(static_cast<unsigned char>(letters[at]));
  };
  const auto lower = [&](size_t at) {
    return at < letters.size() && std::islower(static_cast<unsigned char>(letters[at]));
  };
  for (size_t i = 0; i < letters.size(); ++i) {
    if (i > 0 && upper(i) && (lower(i - 1) || lower(i + 1))) result += '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(letters[i])));
  }
  return result;
}

}  // namespace brisk
