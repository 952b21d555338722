#include "brisk/base/json.h"

// The document is built from the parser's events rather than by the parser itself: only so can
// depth and repeated keys be refused while reading, before memory is spent on them.

namespace brisk {
namespace {

class DocumentBuilder final : public nlohmann::json_sax<Json> {
 public:
  explicit DocumentBuilder(int64_t max_depth) : max_depth_(max_depth) {}

  Json take_document() { return std::move(document_); }
  const std::string& error() const { return error_; }
  /// Byte of a syntax error, counted from 1; 0 when the parser did not say.
  size_t error_byte() const { return error_byte_; }

  bool null() override { return add(nullptr) != nullptr; }
  bool boolean(bool value) override { return add(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return add(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return add(value) != nullptr; }
  bool number_float(number_float_t value, const string_t&) override {
    return add(value) != nullptr;
  }
  bool string(string_t& value) override { return add(std::move(value)) != nullptr; }
  bool binary(binary_t& value) override { return add(Json::binary(std::move(value))) != nullptr; }

  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    auto [member, inserted] = open_.back()->emplace(name, nullptr);
    if (!inserted) return stop(fmt::format("the key '{}' stands twice in one object", name));
    member_ = &*member;
    return true;
  }

  bool parse_error(size_t byte, const std::string&, const Json::exception& exception) override {
    error_byte_ = byte;
    error_ = reason_of(exception.what());
    return false;
  }

 private:
  /// Puts a value where the document continues.
  template <typename Value>
  Json* add(Value&& value) {
    if (open_.empty()) return &(document_ = std::forward<Value>(value));
    if (open_.back()->is_array()) return &open_.back()->emplace_back(std::forward<Value>(value));
    return &(*member_ = std::forward<Value>(value));
  }

  bool open(Json container) {
    if (static_cast<int64_t>(open_.size()) >= max_depth_)
      return stop(fmt::format("it is nested deeper than {} levels", max_depth_));
    open_.push_back(add(std::move(container)));  // stays valid: nothing is added beside an open one
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  /// "[json.exception.parse_error.101] parse error at line 1, column 2: reason": the reason.
  static std::string_view reason_of(std::string_view text) {
    if (const size_t bracket = text.find("] "); bracket != text.npos)
      text.remove_prefix(bracket + 2);
    if (!text.starts_with("parse error")) return text;
    const size_t colon = text.find(": ");
    return colon == text.npos ? text : text.substr(colon + 2);
  }

  bool stop(std::string reason) {
    error_ = std::move(reason);
    return false;
  }

  int64_t max_depth_;
  Json document_;
  std::vector<Json*> open_;  ///< the objects and arrays around the place of reading
  Json* member_ = nullptr;   ///< the value of the key read last
  std::string error_;
  size_t error_byte_ = 0;
};

/// "line 3, column 7" of the byte before `end`.
std::string describe_place(std::string_view text, size_t end) {
  const std::string_view before = text.substr(0, end == 0 ? 0 : std::min(end, text.size() + 1) - 1);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t line_start = before.rfind('\n');  // npos + 1 == 0: the first line
  return fmt::format("line {}, column {}", line, before.size() - (line_start + 1) + 1);
}

/// An iterator that counts, so that the place is known where the builder itself stops.
class CountedText {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountedText(const char* position, const char** furthest)
      : position_(position), furthest_(furthest) {}
  reference operator*() const { return *position_; }
  CountedText& operator++() {
    *furthest_ = ++position_;
    return *this;
  }
  CountedText operator++(int) {
    CountedText before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountedText& a, const CountedText& b) {
    return a.position_ == b.position_;
  }

 private:
  const char* position_;
  const char** furthest_;
};

}  // namespace

Result<Json> parse_json(std::string_view text, std::string_view what, int64_t max_depth) {
  DocumentBuilder builder(max_depth);
  const char* furthest = text.data();
  const CountedText begin(text.data(), &furthest);
  const CountedText end(text.data() + text.size(), &furthest);
  // The parser takes a zero byte for the end of the text and would not look behind it.
  if (const size_t zero = text.find('\0'); zero != text.npos) {
    return fail("{} is not usable JSON: {}, a zero byte", what, describe_place(text, zero + 1));
  }
  if (Json::sax_parse(begin, end, &builder)) return builder.take_document();
  const size_t stopped = static_cast<size_t>(furthest - text.data());
  const size_t place = builder.error_byte() != 0 ? builder.error_byte() : stopped;
  return fail("{} is not usable JSON: {}, {}", what, describe_place(text, place), builder.error());
}

std::string json_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace brisk
