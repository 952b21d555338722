#include <cmath>

#include "brisk/base/quoted.h"
#include "brisk/ir/op.h"
#include "brisk/ir/text.h"

namespace brisk {
namespace {

constexpr int64_t kMaxPrintedElements = 16;

/// Shortest text that reads back bit-equal and that no integer can be mistaken for.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

std::string element_text(const Tensor& tensor, int64_t i) {
  if (tensor.dtype() == DType::boolean) return tensor.get(i) != 0 ? "true" : "false";
  if (tensor.dtype() == DType::u64)
    return std::to_string(tensor.data<uint64_t>()[static_cast<size_t>(i)]);
  if (tensor.dtype() == DType::i64)
    return std::to_string(tensor.data<int64_t>()[static_cast<size_t>(i)]);
  if (is_integer(tensor.dtype())) return std::to_string(static_cast<int64_t>(tensor.get(i)));
  if (tensor.dtype() == DType::f32 && std::isfinite(tensor.get(i))) {
    std::string text = fmt::format("{}", static_cast<float>(tensor.get(i)));
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return text;
  }
  return float_text(tensor.get(i));
}

bool has_nan(const Tensor& tensor) {
  for (int64_t i = 0; i < tensor.num_elements(); ++i)
    if (std::isnan(tensor.get(i))) return true;
  return false;
}

/// A NaN's payload does not survive as a number, so such constants are printed as bytes.
std::string tensor_text(const Tensor& tensor) {
  std::string text = tensor.describe() + " ";
  const bool packed = bits(tensor.dtype()) < 8;
  if (!packed && tensor.num_elements() <= kMaxPrintedElements &&
      !(is_floating(tensor.dtype()) && has_nan(tensor))) {
    text += "(";
    for (int64_t i = 0; i < tensor.num_elements(); ++i)
      text += (i == 0 ? "" : ", ") + element_text(tensor, i);
    return text + ")";
  }
  text += "0x";
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (int64_t i = 0; i < tensor.num_bytes(); ++i) {
    const auto byte = static_cast<unsigned>(tensor.bytes()[i]);
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

struct ValuePrinter {
  std::string operator()(bool value) const { return value ? "true" : "false"; }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return float_text(value); }
  std::string operator()(const std::string& value) const { return brisk::quoted(value); }
  std::string operator()(DType value) const { return std::string(name(value)); }
  std::string operator()(const Shape& value) const { return "shape" + value.to_string(); }
  std::string operator()(const Tensor& value) const { return tensor_text(value); }
  template <typename T>
  std::string operator()(const std::vector<T>& values) const {
    std::string text = "[";
    for (size_t i = 0; i < values.size(); ++i) text += (i == 0 ? "" : ", ") + (*this)(T(values[i]));
    return text + "]";
  }
};

/// Prints one graph at an indentation; value names count results in order.
class Printer {
 public:
  explicit Printer(std::string& out) : out_(out) {}

  void body(const Graph& graph, int indent) {
    std::vector<int> first(graph.nodes().size());
    int next = 0;
    for (size_t id = 0; id < graph.nodes().size(); ++id) {
      first[id] = next;
      next += static_cast<int>(graph.nodes()[id].results.size());
    }
    const auto value = [&](ValueId v) {
      return fmt::format("%{}", first[static_cast<size_t>(v.node)] + v.result);
    };
    for (size_t id = 0; id < graph.nodes().size(); ++id) {
      const Node& node = graph.nodes()[id];
      line(indent);
      for (size_t r = 0; r < node.results.size(); ++r)
        out_ += fmt::format("{}%{}", r == 0 ? "" : ", ", first[id] + static_cast<int>(r));
      if (!node.results.empty()) out_ += " = ";
      out_ += node.op->name + "(";
      for (size_t i = 0; i < node.operands.size(); ++i)
        out_ += (i == 0 ? "" : ", ") + value(node.operands[i]);
      out_ += ")";
      attributes(node.attributes);
      regions(node, indent);
      for (size_t r = 0; r < node.results.size(); ++r)
        out_ += (r == 0 ? " : " : ", ") + node.results[r].to_string();
      if (!node.label.empty()) out_ += " @" + brisk::quoted(node.label);
      out_ += "\n";
    }
    line(indent);
    out_ += "return";
    for (size_t i = 0; i < graph.outputs().size(); ++i)
      out_ += fmt::format("{} {} as {}", i == 0 ? "" : ",", value(graph.outputs()[i].value),
                          brisk::quoted(graph.outputs()[i].name));
    out_ += "\n";
  }

  void line(int indent) { out_.append(static_cast<size_t>(indent) * 2, ' '); }

 private:
  void attributes(const Attributes& attributes) {
    const auto list = attributes.list();
    if (list.empty()) return;
    out_ += " {";
    for (size_t i = 0; i < list.size(); ++i)
      out_ += fmt::format("{}{} = {}", i == 0 ? "" : ", ", list[i].name,
                          std::visit(ValuePrinter{}, list[i].value));
    out_ += "}";
  }

  void regions(const Node& node, int indent) {
    if (node.regions.empty()) return;
    out_ += " (";
    for (size_t i = 0; i < node.regions.size(); ++i) {
      out_ += i == 0 ? "{\n" : ", {\n";
      body(node.regions[i], indent + 1);
      line(indent);
      out_ += "}";
    }
    out_ += ")";
  }

  std::string& out_;
};

}  // namespace

std::string print(const Graph& graph) {
  std::string out = "graph " + brisk::quoted(graph.name()) + " {\n";
  Printer(out).body(graph, 1);
  return out + "}\n";
}

std::string print(const Program& program) {
  std::string out = "program " + brisk::quoted(program.graph.name()) + " {\n";
  for (const StateEntry& entry : program.state)
    out +=
        fmt::format("  state {} : {} {} {} {}\n", brisk::quoted(entry.name), entry.type.to_string(),
                    enum_names(StateRole{})[static_cast<size_t>(entry.role)],
                    entry.trainable ? "trainable" : "frozen", brisk::quoted(entry.initializer));
  out += fmt::format("  results {}\n  updates [", program.num_results);
  for (size_t i = 0; i < program.updates.size(); ++i)
    out += fmt::format("{}{}", i == 0 ? "" : ", ", program.updates[i]);
  out += "]\n";
  Printer(out).body(program.graph, 1);
  return out + "}\n";
}

}  // namespace brisk
