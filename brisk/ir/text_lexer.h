#pragma once

/// Tokens of the text form, with line and column for messages.

#include <string>
#include <string_view>

#include "brisk/base/error.h"

namespace brisk {

enum class TokenKind : uint8_t { end, word, value, string, number, hex, punctuation };

struct TextToken {
  TokenKind kind = TokenKind::end;
  std::string
      text;  ///< word, %name's digits, unescaped string, number, hex digits, or one character
};

/// Reads one token ahead. Errors are UserErrors naming line and column; the parser's entry points
/// turn them into a Result.
class TextLexer {
 public:
  explicit TextLexer(std::string_view text);

  const TextToken& peek() const { return token_; }
  TextToken take();
  bool is(std::string_view punctuation_or_word) const { return accepts(punctuation_or_word); }
  /// Takes the next token when it is this word or character.
  bool take_if(std::string_view expected);
  void expect(std::string_view expected);
  std::string expect_string();
  std::string expect_word();
  int64_t expect_integer();

  /// At the token ahead.
  template <typename... Args>
  [[noreturn]] void refuse_here(fmt::format_string<Args...> format, Args&&... args) const {
    refuse("line {}, column {}: {}", line_, column_,
           fmt::format(format, std::forward<Args>(args)...));
  }
  /// At the token that was taken last.
  template <typename... Args>
  [[noreturn]] void refuse_taken(fmt::format_string<Args...> format, Args&&... args) const {
    refuse("line {}, column {}: {}", taken_line_, taken_column_,
           fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  bool accepts(std::string_view expected) const;
  void advance();
  void skip_space();
  char current() const { return position_ < text_.size() ? text_[position_] : '\0'; }

  std::string_view text_;
  size_t position_ = 0;
  size_t line_start_ = 0;
  int line_ = 1, column_ = 1;  ///< of the token ahead
  int taken_line_ = 1, taken_column_ = 1;
  int scan_line_ = 1;
  TextToken token_;
};

}  // namespace brisk
