#include <charconv>
#include <cmath>
#include <cstring>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/cast_to.h"
#include "brisk/formats/onnx/ops/values.h"

// Cast, CastLike and BitCast. Strings exist on the host only, so casts from and to them are done
// there.

namespace brisk::onnx {
namespace {

double parse_number(const std::string& text) {
  std::string lower = text;
  for (char& letter : lower)
    letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
  char* end = nullptr;
  const double value = std::strtod(lower.c_str(), &end);
  require(end != lower.c_str() && *end == '\0', "'{}' is no number", text);
  return value;
}

/// As NumPy writes numbers: the shortest digits that read back, integers without a point.
std::string number_text(const HostTensor& tensor, int64_t i) {
  const DType type = tensor.tensor.dtype();
  if (type == DType::boolean) return tensor.tensor.get(i) != 0 ? "True" : "False";
  if (!brisk::is_floating(type)) {
    if (type == DType::u64)
      return fmt::format("{}", tensor.tensor.data<uint64_t>()[static_cast<size_t>(i)]);
    return fmt::format("{}", integers(tensor)[static_cast<size_t>(i)]);
  }
  const double value = tensor.tensor.get(i);
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "INF" : "-INF";
  return type == DType::f64 ? fmt::format("{}", value)
                            : fmt::format("{}", static_cast<float>(value));
}

void cast_between(Call& c, ElementType to) {
  const ElementType from = c.element(0);
  if (!c.item(0)->extents.empty() && to == ElementType::i64) return c.out(c.item(0));
  if (from == ElementType::string && to == ElementType::string) return c.out(c.item(0));
  if (from == ElementType::string) {
    const HostTensor texts = c.known(0);
    Tensor numbers(DType::f64, texts.sizes);
    for (int64_t i = 0; i < numbers.num_elements(); ++i)
      numbers.set(i, parse_number((*texts.strings)[static_cast<size_t>(i)]));
    const Item parsed = c.trace.constant(HostTensor(std::move(numbers)));
    return c.out(cast_element(c.trace.value(parsed), ElementType::f64, to), to);
  }
  if (to == ElementType::string) {
    const HostTensor numbers = c.known(0);
    std::vector<std::string> texts;
    for (int64_t i = 0; i < numbers.tensor.num_elements(); ++i)
      texts.push_back(number_text(numbers, i));
    return c.out(HostTensor(numbers.sizes, std::move(texts)));
  }
  const CastRules rules{c.integer("saturate", 1) != 0, c.text("round_mode", "up")};
  c.out(cast_element(c.in(0), from, to, rules), to);
}

void cast_op(Call& c) {
  if (c.opset < 6) {
    const std::string text = c.text("to", "");
    for (int64_t number = 1; number <= 26; ++number)
      if (name(*element_type(number)) == text) return cast_between(c, *element_type(number));
    refuse("'{}' is no element type", text);
  }
  const std::optional<ElementType> to = c.element_attribute("to");
  require(to.has_value(), "it lacks the attribute 'to'");
  cast_between(c, *to);
}

void cast_like(Call& c) {
  cast_between(c, c.element(1));
}

/// The same bits under another type: sizes differ by the ratio of the widths along the last axis.
void bit_cast(Call& c) {
  const ElementType to = c.element_attribute("to").value();
  const HostTensor from = c.known(0);
  require(!from.is_string() && carrier(to), "{} cannot be read as {}", name(from.element),
          name(to));
  require(bits(from.element) == bits(to), "{} has {} bits, {} has {}", name(from.element),
          bits(from.element), name(to), bits(to));
  const std::string bytes = encode(from.element, from.tensor);
  c.out(HostTensor(to, decode(to, from.sizes, std::as_bytes(std::span(bytes)))));
}

constexpr OpRow kCastRows[] = {
    {"Cast", cast_op},
    {"CastLike", cast_like},
    {.op = "BitCast", .importer = bit_cast, .host = true},
};

}  // namespace

std::span<const OpRow> cast_ops() {
  return kCastRows;
}

}  // namespace brisk::onnx
