#include <numeric>

#include "brisk/formats/onnx/op_table.h"
#include "brisk/formats/onnx/ops/values.h"

// Sequences and optional values exist while the graph is walked only: their elements are values of
// the graph, their lengths and presence are known.

namespace brisk::onnx {
namespace {

const Slot& sequence_of(const Call& c, size_t i) {
  const Item& item = c.item(i);
  // An optional sequence is taken as the sequence that it holds.
  if (item->kind == Slot::Kind::optional && item->elements.size() == 1 &&
      item->elements[0]->kind == Slot::Kind::sequence)
    return *item->elements[0];
  require(item->kind == Slot::Kind::sequence, "its input {} should be a sequence", i);
  return *item;
}

int64_t position(Call& c, size_t i, int64_t size, bool end_too) {
  int64_t at = c.known_integer(i);
  if (at < 0) at += size;
  require(at >= 0 && (at < size || (end_too && at == size)), "position {} of a sequence of {}",
          c.known_integer(i), size);
  return at;
}

Item scalar(Call& c, int64_t value) {
  return c.trace.constant(HostTensor(Tensor::of<int64_t>({}, std::vector<int64_t>{value})));
}

void construct(Call& c) {
  std::vector<Item> elements;
  for (size_t i = 0; i < c.num_inputs(); ++i) elements.push_back(c.item(i));
  c.out(c.trace.sequence(std::move(elements)));
}

void empty(Call& c) {
  TypeDef element{.kind = TypeDef::Kind::tensor,
                  .element = c.element_attribute("dtype").value_or(ElementType::f32)};
  c.out(c.trace.sequence({}, std::move(element)));
}

void at(Call& c) {
  const Slot& sequence = sequence_of(c, 0);
  c.out(sequence.elements[static_cast<size_t>(
      position(c, 1, static_cast<int64_t>(sequence.elements.size()), false))]);
}

void insert(Call& c) {
  const Slot& sequence = sequence_of(c, 0);
  std::vector<Item> elements = sequence.elements;
  const auto size = static_cast<int64_t>(elements.size());
  const int64_t place = c.has(2) ? position(c, 2, size, true) : size;
  elements.insert(elements.begin() + place, c.item(1));
  c.out(c.trace.sequence(std::move(elements), sequence.type));
}

void erase(Call& c) {
  const Slot& sequence = sequence_of(c, 0);
  std::vector<Item> elements = sequence.elements;
  const auto size = static_cast<int64_t>(elements.size());
  require(size > 0, "an empty sequence has nothing to erase");
  elements.erase(elements.begin() + (c.has(1) ? position(c, 1, size, false) : size - 1));
  c.out(c.trace.sequence(std::move(elements), sequence.type));
}

void length(Call& c) {
  c.out(scalar(c, static_cast<int64_t>(sequence_of(c, 0).elements.size())));
}

void concat_from(Call& c) {
  const Slot& sequence = sequence_of(c, 0);
  require(!sequence.elements.empty(), "an empty sequence cannot be joined");
  const bool new_axis = c.integer("new_axis", 0) != 0;
  std::vector<Value> parts;
  for (const Item& element : sequence.elements) parts.push_back(c.trace.value(element));
  const int64_t axis = checked_axis(c.integer("axis"), parts[0].rank() + (new_axis ? 1 : 0));
  if (new_axis)
    for (Value& part : parts) part = expand_dims(part, axis);
  c.out(parts.size() == 1 ? parts[0] : concatenate(parts, axis), sequence.elements[0]->element);
}

void split_to(Call& c) {
  std::vector<int64_t> sizes;
  bool keep = true;
  const Type type = c.type(0);
  const int64_t axis = checked_axis(c.integer("axis", 0), type.rank()),
                size = type.shape().size(axis);
  if (c.has(1)) {
    const std::vector<int64_t> split = c.known_integers(1);
    if (c.known(1).sizes.empty()) {
      require(split[0] > 0, "it splits into parts of {}", split[0]);
      for (int64_t start = 0; start < size; start += split[0])
        sizes.push_back(std::min(split[0], size - start));
    } else {
      sizes = split;
    }
  } else {
    sizes.assign(static_cast<size_t>(size), 1);
    keep = c.integer("keepdims", 1) != 0;
  }
  require(std::accumulate(sizes.begin(), sizes.end(), int64_t{0}) == size,
          "its parts do not make up the size {}", size);
  const Value x = c.in(0);
  std::vector<Item> elements;
  int64_t start = 0;
  for (const int64_t part : sizes) {
    Value y = slice_axis(x, axis, start, start + part);
    if (!keep) y = squeeze(y, axis);
    elements.push_back(c.trace.item(y, c.element(0)));
    start += part;
  }
  c.out(c.trace.sequence(std::move(elements)));
}

/// The body once for each element; further inputs are sequences of the same length, or tensors.
void map(Call& c) {
  const GraphDef& body = c.graph("body");
  const size_t count = sequence_of(c, 0).elements.size();
  std::vector<std::vector<Item>> results(body.outputs.size());
  for (size_t i = 0; i < count; ++i) {
    std::vector<Item> inputs;
    for (size_t k = 0; k < c.num_inputs(); ++k) {
      const Item& item = c.item(k);
      if (item->kind == Slot::Kind::sequence)
        require(item->elements.size() == count, "its sequences have {} and {} elements", count,
                item->elements.size());
      inputs.push_back(item->kind == Slot::Kind::sequence ? item->elements[i] : item);
    }
    const std::vector<Item> found = c.run_graph(body, inputs);
    for (size_t k = 0; k < found.size(); ++k) results[k].push_back(found[k]);
  }
  for (size_t k = 0; k < results.size(); ++k) c.out(k, c.trace.sequence(std::move(results[k])));
}

void optional_op(Call& c) {
  if (c.has(0)) return c.out(c.trace.optional(c.item(0)));
  const AttributeDef* type = c.node.find("type");
  c.out(c.trace.optional(nullptr, type == nullptr ? TypeDef{} : type->type));
}

void has_element(Call& c) {
  const bool has =
      c.has(0) && (c.item(0)->kind != Slot::Kind::optional || !c.item(0)->elements.empty());
  c.out(HostTensor(Tensor::scalar(DType::boolean, has ? 1 : 0)));
}

void get_element(Call& c) {
  const Item& item = c.item(0);
  if (item->kind != Slot::Kind::optional) return c.out(item);
  require(!item->elements.empty(), "the optional value is empty");
  c.out(item->elements[0]);
}

constexpr OpRow kSequenceRows[] = {
    {"SequenceConstruct", construct},
    {"SequenceEmpty", empty},
    {"SequenceAt", at},
    {"SequenceInsert", insert},
    {"SequenceErase", erase},
    {"SequenceLength", length},
    {"ConcatFromSequence", concat_from},
    {"SplitToSequence", split_to},
    {"SequenceMap", map},
    {"Optional", optional_op},
    {"OptionalHasElement", has_element},
    {"OptionalGetElement", get_element},
};

}  // namespace

std::span<const OpRow> sequence_ops() {
  return kSequenceRows;
}

}  // namespace brisk::onnx
