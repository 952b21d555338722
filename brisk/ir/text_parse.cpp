#include <charconv>
#include <limits>

#include "brisk/ir/builder.h"
#include "brisk/ir/text.h"
#include "brisk/ir/text_lexer.h"

// A recursive-descent parser over one token of look-ahead. It builds through Builder, so every op's
// own rules judge the text, and compares the inferred types with the stated ones. Sizes named by a
// text are trusted only as far as its length allows: a constant needs its elements in the text.

namespace brisk {
namespace {

constexpr int kMaxDepth = 100;

class Parser {
 public:
  Parser(std::string_view text, const OpSetPtr& ops) : lexer_(text), ops_(ops) {}

  /// Throws `message` again with line and column before it, unless they stand there.
  [[noreturn]] void refuse_with_place(std::string_view message) const {
    if (message.starts_with("line ")) refuse("{}", message);
    lexer_.refuse_here("{}", message);
  }

  Graph graph() {
    lexer_.expect("graph");
    std::string name = lexer_.expect_string();
    lexer_.expect("{");
    Graph result = body(std::move(name), 0);
    lexer_.expect("}");
    end();
    return result;
  }

  Program program() {
    Program result;
    lexer_.expect("program");
    std::string name = lexer_.expect_string();
    lexer_.expect("{");
    while (lexer_.take_if("state")) result.state.push_back(state_entry());
    lexer_.expect("results");
    result.num_results = lexer_.expect_integer();
    lexer_.expect("updates");
    lexer_.expect("[");
    while (!lexer_.take_if("]")) {
      result.updates.push_back(lexer_.expect_integer());
      lexer_.take_if(",");
    }
    result.graph = body(std::move(name), 0);
    lexer_.expect("}");
    end();
    try {
      verify(result);
    } catch (const InternalError& error) {  // here the text is at fault, not brisk
      const std::string message = error.what();
      refuse("the program is not consistent: {}",
             message.substr(0, message.find(" (this is a defect")));
    }
    return result;
  }

 private:
  void end() {
    if (lexer_.peek().kind != TokenKind::end)
      lexer_.refuse_here("'{}' follows the end", lexer_.peek().text.substr(0, 40));
  }

  StateEntry state_entry() {
    StateEntry entry;
    entry.name = lexer_.expect_string();
    lexer_.expect(":");
    entry.type = type(0);
    const std::string role = lexer_.expect_word();
    const auto names = enum_names(StateRole{});
    const auto found = std::find(names.begin(), names.end(), role);
    if (found == names.end()) lexer_.refuse_taken("'{}' is no role of state", role);
    entry.role = static_cast<StateRole>(found - names.begin());
    entry.trainable = lexer_.take_if("trainable");
    if (!entry.trainable) lexer_.expect("frozen");
    entry.initializer = lexer_.expect_string();
    return entry;
  }

  Graph body(std::string name, int depth) {
    if (depth > kMaxDepth) lexer_.refuse_here("regions are nested more than {} deep", kMaxDepth);
    Builder builder(ops_, std::move(name));
    std::vector<Value> values;
    while (!lexer_.take_if("return")) node(builder, values, depth);
    std::vector<Builder::Output> outputs;
    if (lexer_.peek().kind == TokenKind::value) {
      do {
        const Value value = operand(values);
        lexer_.expect("as");
        outputs.push_back({lexer_.expect_string(), value});
      } while (lexer_.take_if(","));
    }
    return builder.finish(outputs);
  }

  void node(Builder& builder, std::vector<Value>& values, int depth) {
    const size_t first = values.size();
    size_t num_results = 0;
    if (lexer_.peek().kind == TokenKind::value) {
      do {
        if (lexer_.peek().text != std::to_string(first + num_results))
          lexer_.refuse_here("value %{} is expected here, not %{}", first + num_results,
                             lexer_.peek().text);
        lexer_.take();
        ++num_results;
      } while (lexer_.take_if(","));
      lexer_.expect("=");
    }
    const std::string op_name = lexer_.expect_word();
    const Op* op = ops_->find(op_name);
    if (op == nullptr) lexer_.refuse_taken("there is no op '{}'", op_name);
    std::vector<Value> operands;
    lexer_.expect("(");
    while (!lexer_.take_if(")")) {
      operands.push_back(operand(values));
      lexer_.take_if(",");
    }
    Attributes attributes = this->attributes(*op);
    std::vector<Graph> regions = this->regions(depth);
    std::vector<Type> types;
    if (num_results > 0) {
      lexer_.expect(":");
      do types.push_back(type(0));
      while (lexer_.take_if(","));
    }
    if (lexer_.take_if("@"))
      builder.set_label(lexer_.expect_string());
    else
      builder.set_label("");
    try {
      if (op_name == "input") {
        if (types.size() != 1 || !operands.empty() || !regions.empty() ||
            !attributes.is<InputAttributes>())
          lexer_.refuse_here("an input has a name, one type and nothing else");
        values.push_back(builder.input(attributes.as<InputAttributes>().name, types[0]));
        return;
      }
      const std::vector<Value> results =
          builder.emit(*op, operands, std::move(attributes), std::move(regions));
      if (results.size() != num_results || types.size() != num_results)
        lexer_.refuse_here("[{}] has {} results, but {} are named", op_name, results.size(),
                           num_results);
      for (size_t i = 0; i < num_results; ++i)
        if (results[i].type() != types[i])
          lexer_.refuse_here("[{}] result {} is {}, but {} is stated", op_name, i,
                             results[i].type().to_string(), types[i].to_string());
      values.insert(values.end(), results.begin(), results.end());
    } catch (const UserError& error) {
      refuse_with_place(error.what());
    } catch (const InternalError& error) {  // ill-typed attributes of a hostile text
      lexer_.refuse_here("[{}] {}", op_name, error.what());
    }
  }

  Value operand(const std::vector<Value>& values) {
    const TextToken& token = lexer_.peek();
    size_t index = 0;
    const auto [end, error] =
        std::from_chars(token.text.data(), token.text.data() + token.text.size(), index);
    if (token.kind != TokenKind::value || error != std::errc() || index >= values.size())
      lexer_.refuse_here("a value defined above is expected, but '{}' stands here",
                         token.text.substr(0, 40));
    lexer_.take();
    return values[index];
  }

  Attributes attributes(const Op& op) {
    std::vector<NamedAttribute> fields;
    if (lexer_.take_if("{")) {
      while (!lexer_.take_if("}")) {
        std::string name = lexer_.expect_word();
        lexer_.expect("=");
        fields.push_back({std::move(name), attribute_value()});
        lexer_.take_if(",");
      }
    }
    if (!op.parse_attributes) {
      if (!fields.empty()) lexer_.refuse_here("[{}] has no attributes", op.name);
      return {};
    }
    try {
      return op.parse_attributes(fields);
    } catch (const UserError& error) {
      lexer_.refuse_here("[{}] {}", op.name, error.what());
    }
  }

  AttributeValue attribute_value() {
    const TextToken token = lexer_.peek();
    switch (token.kind) {
      case TokenKind::string:
        return lexer_.take().text;
      case TokenKind::number:
        return number();
      case TokenKind::word:
        break;
      default:
        if (lexer_.take_if("[")) return list();
        lexer_.refuse_here("an attribute's value is expected, but '{}' stands here",
                           token.text.substr(0, 40));
    }
    lexer_.take();
    if (token.text == "true") return true;
    if (token.text == "false") return false;
    if (token.text == "nan") return std::numeric_limits<double>::quiet_NaN();
    if (token.text == "inf") return std::numeric_limits<double>::infinity();
    if (token.text == "shape") return shape();
    const auto dtype = parse_dtype(token.text);
    if (!dtype)
      lexer_.refuse_taken("'{}' is no value and no element type", token.text.substr(0, 40));
    if (lexer_.is("[")) return tensor(*dtype);
    return *dtype;
  }

  /// An integer when it is written as one, else a double.
  AttributeValue number() {
    const std::string text = lexer_.peek().text;
    if (text.find_first_of(".einf") == std::string::npos) return lexer_.expect_integer();
    return floating();
  }

  double floating() {
    const std::string text = lexer_.peek().text;
    lexer_.take();
    if (text == "inf") return std::numeric_limits<double>::infinity();
    if (text == "-inf") return -std::numeric_limits<double>::infinity();
    if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if ((error != std::errc() && error != std::errc::result_out_of_range) ||
        end != text.data() + text.size())
      lexer_.refuse_here("a number is expected, but '{}' stands here", text.substr(0, 40));
    return value;
  }

  AttributeValue list() {
    std::vector<int64_t> integers;
    std::vector<double> floats;
    std::vector<std::string> strings;
    while (!lexer_.take_if("]")) {
      if (lexer_.peek().kind == TokenKind::string) {
        strings.push_back(lexer_.take().text);
      } else if (lexer_.peek().kind == TokenKind::word) {
        floats.push_back(floating());
      } else {
        const AttributeValue value = number();
        if (const auto* integer = std::get_if<int64_t>(&value))
          integers.push_back(*integer);
        else
          floats.push_back(std::get<double>(value));
      }
      lexer_.take_if(",");
    }
    if (!strings.empty() + !floats.empty() + !integers.empty() > 1)
      lexer_.refuse_here("a list's elements are of one kind");
    if (!strings.empty()) return strings;
    if (!floats.empty()) return floats;
    return integers;
  }

  Shape shape() {
    lexer_.expect("[");
    Shape result;
    while (!lexer_.take_if("]")) {
      const TokenKind kind = lexer_.peek().kind;
      if (kind == TokenKind::word)
        result.push_back(Extent(lexer_.expect_word()));
      else if (kind == TokenKind::string)
        result.push_back(named(lexer_.expect_string()));
      else
        result.push_back(Extent(lexer_.expect_integer()));
      lexer_.take_if(",");
    }
    return result;
  }

  Extent named(std::string name) {
    if (name.empty()) lexer_.refuse_here("a dimension's name is empty");
    return Extent(std::move(name));
  }

  Tensor tensor(DType dtype) {
    const std::vector<int64_t> sizes = shape().sizes();
    const int64_t count = checked_product(sizes);
    if (lexer_.peek().kind == TokenKind::hex) {
      const std::string digits = lexer_.take().text;
      if (count > static_cast<int64_t>(digits.size()) * 8 ||
          static_cast<int64_t>(digits.size()) != 2 * byte_size(dtype, count))
        lexer_.refuse_here("{} elements of {} do not take {} hexadecimal digits", count,
                           name(dtype), digits.size());
      Tensor result(dtype, sizes);
      for (int64_t i = 0; i < result.num_bytes(); ++i) {
        unsigned byte = 0;
        std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, byte, 16);
        result.bytes()[i] = static_cast<std::byte>(byte);
      }
      return result;
    }
    lexer_.expect("(");
    if (count > 1'000'000) lexer_.refuse_here("{} elements are too many to be listed", count);
    Tensor result(dtype, sizes);
    for (int64_t i = 0; i < count; ++i) {
      if (i > 0) lexer_.expect(",");
      element(result, i);
    }
    lexer_.expect(")");
    return result;
  }

  void element(Tensor& tensor, int64_t i) {
    if (tensor.dtype() == DType::boolean) {
      if (!lexer_.is("true") && !lexer_.is("false"))
        lexer_.refuse_here("true or false is expected");
      tensor.set(i, lexer_.take().text == "true");
    } else if (tensor.dtype() == DType::u64) {
      uint64_t value = 0;
      const std::string text = lexer_.take().text;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || end != text.data() + text.size())
        lexer_.refuse_here("an unsigned integer is expected, but '{}' stands here",
                           text.substr(0, 40));
      tensor.data<uint64_t>()[static_cast<size_t>(i)] = value;
    } else if (tensor.dtype() == DType::i64) {
      tensor.data<int64_t>()[static_cast<size_t>(i)] = lexer_.expect_integer();
    } else if (is_integer(tensor.dtype())) {
      const auto value = static_cast<double>(lexer_.expect_integer());
      tensor.set(i, value);
      if (tensor.get(i) != value)
        lexer_.refuse_here("{} does not fit into {}", value, name(tensor.dtype()));
    } else {
      tensor.set(i, floating());
    }
  }

  std::vector<Graph> regions(int depth) {
    std::vector<Graph> result;
    if (!lexer_.take_if("(")) return result;
    do {
      lexer_.expect("{");
      result.push_back(body("region", depth + 1));
      lexer_.expect("}");
    } while (lexer_.take_if(","));
    lexer_.expect(")");
    return result;
  }

  Type type(int depth) {
    if (depth > kMaxDepth) lexer_.refuse_here("types are nested more than {} deep", kMaxDepth);
    const std::string word = lexer_.expect_word();
    if (word == "string") return StringType{};
    if (word == "token") return TokenType{};
    if (word == "sequence" || word == "optional") {
      lexer_.expect("<");
      auto element = std::make_shared<Type>(type(depth + 1));
      lexer_.expect(">");
      if (word == "sequence") return SequenceType{element};
      return OptionalType{element};
    }
    const auto dtype = parse_dtype(word);
    if (!dtype) lexer_.refuse_taken("'{}' is no type", word);
    TensorType result{*dtype, shape()};
    for (const Extent& extent : result.shape)
      if (!extent.is_named() && extent.size() < 0)
        lexer_.refuse_here("a type has no negative extents");
    if (result.shape.is_static()) result.shape.num_elements();  // refused where it overflows
    if (lexer_.take_if("quantized")) result.quantization = quantization();
    return result;
  }

  Quantization quantization() {
    Quantization result;
    lexer_.expect("(");
    lexer_.expect("scale");
    lexer_.expect("=");
    lexer_.expect("[");
    while (!lexer_.take_if("]")) {
      result.scale.push_back(floating());
      lexer_.take_if(",");
    }
    lexer_.expect(",");
    lexer_.expect("zero_point");
    lexer_.expect("=");
    lexer_.expect("[");
    while (!lexer_.take_if("]")) {
      result.zero_point.push_back(lexer_.expect_integer());
      lexer_.take_if(",");
    }
    lexer_.expect(",");
    lexer_.expect("axis");
    lexer_.expect("=");
    result.axis = lexer_.expect_integer();
    lexer_.expect(",");
    lexer_.expect("block");
    lexer_.expect("=");
    result.block = lexer_.expect_integer();
    lexer_.expect(")");
    return result;
  }

  TextLexer lexer_;
  OpSetPtr ops_;
};

/// What `parse` makes of the text, or why there is nothing, with the place that it had come to.
template <typename T>
Result<T> read_text(std::string_view text, const OpSetPtr& ops, T (Parser::*parse)()) {
  try {
    Parser parser(text, ops);
    try {
      return (parser.*parse)();
    } catch (const UserError& error) {
      parser.refuse_with_place(error.what());
    }
  } catch (const UserError& error) {
    return fail("{}", error.what());
  }
}

}  // namespace

Result<Graph> parse_graph(std::string_view text, const OpSetPtr& ops) {
  return read_text(text, ops, &Parser::graph);
}

Result<Program> parse_program(std::string_view text, const OpSetPtr& ops) {
  return read_text(text, ops, &Parser::program);
}

}  // namespace brisk
