#include "brisk/ir/text_lexer.h"

#include <cctype>
#include <charconv>

namespace brisk {
namespace {

bool is_word_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_';
}
bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}
bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}
bool is_hex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

}  // namespace

TextLexer::TextLexer(std::string_view text) : text_(text) {
  advance();
}

TextToken TextLexer::take() {
  TextToken token = std::move(token_);
  advance();
  return token;
}

bool TextLexer::accepts(std::string_view expected) const {
  return (token_.kind == TokenKind::word || token_.kind == TokenKind::punctuation) &&
         token_.text == expected;
}

bool TextLexer::take_if(std::string_view expected) {
  if (!accepts(expected)) return false;
  advance();
  return true;
}

void TextLexer::expect(std::string_view expected) {
  if (!take_if(expected))
    refuse_here("'{}' is expected, but '{}' stands here", expected, token_.text.substr(0, 40));
}

std::string TextLexer::expect_string() {
  if (token_.kind != TokenKind::string)
    refuse_here("a quoted text is expected, but '{}' stands here", token_.text.substr(0, 40));
  return take().text;
}

std::string TextLexer::expect_word() {
  if (token_.kind != TokenKind::word)
    refuse_here("a name is expected, but '{}' stands here", token_.text.substr(0, 40));
  return take().text;
}

int64_t TextLexer::expect_integer() {
  int64_t value = 0;
  const std::string& text = token_.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (token_.kind != TokenKind::number || error != std::errc() || end != text.data() + text.size())
    refuse_here("a 64-bit integer is expected, but '{}' stands here", text.substr(0, 40));
  advance();
  return value;
}

void TextLexer::skip_space() {
  for (; position_ < text_.size(); ++position_) {
    if (text_[position_] == '\n') {
      ++scan_line_;
      line_start_ = position_ + 1;
    } else if (text_[position_] == '#') {  // a comment ends with its line
      while (position_ + 1 < text_.size() && text_[position_ + 1] != '\n') ++position_;
    } else if (!std::isspace(static_cast<unsigned char>(text_[position_]))) {
      return;
    }
  }
}

void TextLexer::advance() {
  taken_line_ = line_;
  taken_column_ = column_;
  skip_space();
  line_ = scan_line_;
  column_ = static_cast<int>(position_ - line_start_) + 1;
  token_ = {};
  if (position_ >= text_.size()) return;
  const size_t start = position_;
  const char c = current();
  const auto rest = [&] { return std::string(text_.substr(start, position_ - start)); };
  if (is_word_start(c)) {
    while (is_word(current())) ++position_;
    token_ = {TokenKind::word, rest()};
  } else if (c == '%') {
    ++position_;
    while (is_digit(current())) ++position_;
    token_ = {TokenKind::value, std::string(text_.substr(start + 1, position_ - start - 1))};
  } else if (c == '0' && position_ + 1 < text_.size() && text_[position_ + 1] == 'x') {
    position_ += 2;
    while (is_hex(current())) ++position_;
    token_ = {TokenKind::hex, std::string(text_.substr(start + 2, position_ - start - 2))};
  } else if (is_digit(c) || c == '-') {
    ++position_;
    while (is_word(current()) || current() == '.' ||
           ((current() == '-' || current() == '+') && text_[position_ - 1] == 'e'))
      ++position_;
    token_ = {TokenKind::number, rest()};
  } else if (c == '"') {
    token_.kind = TokenKind::string;
    ++position_;
    while (position_ < text_.size() && current() != '"') {
      char next = text_[position_++];
      if (next == '\n') refuse_here("a quoted text does not end on its line");
      if (next == '\\' && position_ < text_.size()) {
        next = text_[position_++];
        if (next == 'n')
          next = '\n';
        else if (next == 'x') {
          unsigned code = 0;
          const char* first = text_.data() + position_;
          const char* last = first + std::min<size_t>(2, text_.size() - position_);
          if (std::from_chars(first, last, code, 16).ptr != first + 2)
            refuse_here("\\x needs two digits");
          next = static_cast<char>(code);
          position_ += 2;
        }
      }
      token_.text += next;
    }
    if (position_ >= text_.size()) refuse_here("a quoted text does not end");
    ++position_;
  } else {
    ++position_;
    token_ = {TokenKind::punctuation, rest()};
  }
}

}  // namespace brisk
