#include "brisk/formats/onnx/call.h"

namespace brisk::onnx {
namespace {

const AttributeDef* find(const Call& call, std::string_view name, AttributeDef::Kind kind) {
  const AttributeDef* attribute = call.node.find(name);
  if (attribute == nullptr) return nullptr;
  // Old writers leave the discriminator out.
  require(attribute->kind == kind || attribute->kind == AttributeDef::Kind::none,
          "its attribute '{}' is of another kind than it should be", name);
  return attribute;
}

}  // namespace

const Item& Call::item(size_t i) const {
  require(has(i), "its input {} is needed, but left out", i);
  return inputs[i];
}

int64_t Call::known_integer(size_t i) const {
  const std::vector<int64_t> values = known_integers(i);
  require(values.size() == 1, "its input {} should be one number, but has {} elements", i,
          values.size());
  return values[0];
}

double Call::known_real(size_t i) const {
  const std::vector<double> values = onnx::reals(known(i));
  require(values.size() == 1, "its input {} should be one number, but has {} elements", i,
          values.size());
  return values[0];
}

std::vector<Extent> Call::extents(size_t i) const {
  if (!item(i)->extents.empty()) return item(i)->extents;
  std::vector<Extent> result;
  for (const int64_t value : known_integers(i)) result.emplace_back(value);
  return result;
}

int64_t Call::integer(std::string_view name, int64_t otherwise) const {
  const AttributeDef* attribute = find(*this, name, AttributeDef::Kind::integer);
  return attribute == nullptr ? otherwise : attribute->integer;
}

int64_t Call::integer(std::string_view name) const {
  require(has_attribute(name), "it lacks the attribute '{}'", name);
  return integer(name, 0);
}

double Call::real(std::string_view name, double otherwise) const {
  const AttributeDef* attribute = find(*this, name, AttributeDef::Kind::real);
  return attribute == nullptr ? otherwise : static_cast<double>(attribute->real);
}

std::string Call::text(std::string_view name, std::string_view otherwise) const {
  const AttributeDef* attribute = find(*this, name, AttributeDef::Kind::text);
  return attribute == nullptr ? std::string(otherwise) : attribute->text;
}

std::vector<int64_t> Call::integers(std::string_view name, std::vector<int64_t> otherwise) const {
  const AttributeDef* attribute = find(*this, name, AttributeDef::Kind::integers);
  return attribute == nullptr ? std::move(otherwise) : attribute->integers;
}

std::vector<float> Call::reals(std::string_view name) const {
  const AttributeDef* attribute = find(*this, name, AttributeDef::Kind::reals);
  return attribute == nullptr ? std::vector<float>() : attribute->reals;
}

std::vector<std::string> Call::texts(std::string_view name) const {
  const AttributeDef* attribute = find(*this, name, AttributeDef::Kind::texts);
  return attribute == nullptr ? std::vector<std::string>() : attribute->texts;
}

std::optional<std::vector<int64_t>> Call::integers_of(std::string_view attribute,
                                                      size_t input) const {
  if (has_attribute(attribute)) return integers(attribute);
  if (has(input)) return known_integers(input);
  return std::nullopt;
}

std::optional<ElementType> Call::element_attribute(std::string_view name) const {
  if (!has_attribute(name)) return std::nullopt;
  const std::optional<ElementType> type = element_type(integer(name));
  require(type && *type != ElementType::undefined,
          "its attribute '{}' is {}, which is no element type", name, integer(name));
  return type;
}

const GraphDef& Call::graph(std::string_view name) const {
  const AttributeDef* attribute = find(*this, name, AttributeDef::Kind::graph);
  require(attribute != nullptr && attribute->graph != nullptr, "it lacks the sub-graph '{}'", name);
  return *attribute->graph;
}

}  // namespace brisk::onnx
