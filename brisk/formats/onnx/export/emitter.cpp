#include "brisk/formats/onnx/export/emitter.h"

#include <numeric>

namespace brisk::onnx {
namespace {

std::vector<int64_t> to_first(int64_t rank) {
  std::vector<int64_t> permutation = {0, rank - 1};
  for (int64_t i = 1; i + 1 < rank; ++i) permutation.push_back(i);
  return permutation;
}
std::vector<int64_t> to_last(int64_t rank) {
  std::vector<int64_t> permutation = {0};
  for (int64_t i = 2; i < rank; ++i) permutation.push_back(i);
  permutation.push_back(1);
  return permutation;
}

}  // namespace

AttributeDef attribute(std::string name, int64_t value) {
  AttributeDef result;
  result.name = std::move(name);
  result.kind = AttributeDef::Kind::integer;
  result.integer = value;
  return result;
}
AttributeDef attribute(std::string name, float value) {
  AttributeDef result;
  result.name = std::move(name);
  result.kind = AttributeDef::Kind::real;
  result.real = value;
  return result;
}
AttributeDef attribute(std::string name, std::string value) {
  AttributeDef result;
  result.name = std::move(name);
  result.kind = AttributeDef::Kind::text;
  result.text = std::move(value);
  return result;
}
AttributeDef attribute(std::string name, std::vector<int64_t> value) {
  AttributeDef result;
  result.name = std::move(name);
  result.kind = AttributeDef::Kind::integers;
  result.integers = std::move(value);
  return result;
}

std::string Emitter::fresh(const std::string& hint) {
  std::string name = hint;
  for (int i = 1; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", hint, i);
  return name;
}

void Emitter::set_input(ValueId value, std::string name) {
  taken_.insert(name);
  names_[value].plain = std::move(name);
}

void Emitter::set_known(ValueId value, std::string name, Tensor tensor) {
  names_[value].tensor = std::move(tensor);
  names_[value].weight = std::move(name);
}

void Emitter::set_broadcast(ValueId value, ValueId source, std::vector<int64_t> axes) {
  Names& names = names_[value];
  names.is_broadcast = true;
  names.source = source;
  names.axes = std::move(axes);
}

const Tensor* Emitter::known(ValueId value) const {
  const auto found = names_.find(value);
  return found == names_.end() || !found->second.tensor ? nullptr : &*found->second.tensor;
}

std::string Emitter::plain(ValueId value) {
  const auto found = names_.find(value);
  require(found != names_.end(), "a value of op '{}' is read that ONNX has no name for",
          graph_.node(value.node).op->name);
  Names& names = found->second;
  if (!names.plain.empty()) return names.plain;
  if (names.tensor)
    return names.plain = constant(*names.tensor, names.weight.empty() ? "constant" : names.weight);
  const Shape& shape = type(value).shape();
  if (names.is_broadcast) {
    const std::string aligned = operand(value, false);
    require(shape.is_static(),
            "a broadcast to {} cannot be written: give its dimensions sizes (--dimension)",
            shape.to_string());
    return names.plain = node("Expand", {aligned, integers(shape.sizes())});
  }
  invariant(!names.first.empty(), "a value has no name");
  return names.plain = transposed(names.first, to_last(shape.rank()));
}

std::string Emitter::first(ValueId value) {
  Names& names = names_[value];
  if (names.first.empty()) {
    const std::string from = plain(value);
    names_[value].first = transposed(from, to_first(type(value).rank()));
  }
  return names_[value].first;
}

bool Emitter::prefers_first(const std::vector<ValueId>& operands) const {
  for (const ValueId& value : operands) {
    const auto found = names_.find(value);
    if (found != names_.end() && !found->second.first.empty() && found->second.plain.empty())
      return true;
  }
  return false;
}

std::string Emitter::operand(ValueId value, bool channels_first) {
  const Names& names = names_[value];
  const int64_t rank = type(value).rank();
  if (!names.is_broadcast) return channels_first && rank >= 3 ? first(value) : plain(value);
  const ValueId source = names.source;
  if (type(source).rank() == 0) return plain(source);
  // [.., own extents, ..] with ones elsewhere, in the layout that is asked for.
  Shape shape(std::vector<int64_t>(static_cast<size_t>(rank), 1));
  const std::vector<int64_t> axes = names.axes;
  const Shape from = type(source).shape();
  for (size_t i = 0; i < axes.size(); ++i) shape[axes[i]] = from[static_cast<int64_t>(i)];
  Shape placed = shape;
  if (channels_first && rank >= 3) {
    const std::vector<int64_t> permutation = to_first(rank);
    for (int64_t i = 0; i < rank; ++i) placed[i] = shape[permutation[static_cast<size_t>(i)]];
    int64_t wide = 0;
    for (const Extent& extent : shape) wide += extent == Extent(1) ? 0 : 1;
    if (wide > 1)
      return transposed(node("Reshape", {plain(source), shape_list(shape)}), permutation);
  }
  const bool trailing = axes.size() == 1 && axes[0] == rank - 1 && !(channels_first && rank >= 3);
  if (trailing) return plain(source);
  if (const Tensor* tensor = known(source); tensor != nullptr && placed.is_static())
    return constant(tensor->reshaped(placed.sizes()),
                    names_[source].weight.empty() ? "constant" : names_[source].weight);
  return node("Reshape", {plain(source), shape_list(placed)});
}

std::vector<std::string> Emitter::nodes(std::string op, std::vector<std::string> inputs,
                                        size_t outputs, std::vector<AttributeDef> attributes) {
  NodeDef node;
  // A label that came from an ONNX node ends with its op already: names stay as they are on the
  // way back and forth.
  const bool named = label_ == op || label_.ends_with("/" + op);
  const std::string base = label_.empty() ? op : named ? label_ : label_ + "/" + op;
  node.name = fresh(base);
  node.op = std::move(op);
  node.inputs = std::move(inputs);
  node.attributes = std::move(attributes);
  for (size_t i = 0; i < outputs; ++i)
    node.outputs.push_back(fresh(node.name + ":" + std::to_string(i)));
  result_.nodes.push_back(node);
  return node.outputs;
}

std::string Emitter::node(std::string op, std::vector<std::string> inputs,
                          std::vector<AttributeDef> attributes) {
  return nodes(std::move(op), std::move(inputs), 1, std::move(attributes))[0];
}

std::string Emitter::constant(Tensor tensor, const std::string& hint) {
  const std::string name = fresh(hint);
  result_.initializers.push_back({name, HostTensor(std::move(tensor))});
  return name;
}

std::string Emitter::integers(const std::vector<int64_t>& values) {
  return constant(Tensor::of<int64_t>({static_cast<int64_t>(values.size())}, values));
}

std::string Emitter::scalar(DType type, double value) {
  return constant(Tensor::scalar(type, value));
}

std::string Emitter::transposed(const std::string& name, std::vector<int64_t> permutation) {
  return node("Transpose", {name}, {attribute("perm", std::move(permutation))});
}

std::string Emitter::shape_list(const Shape& shape) {
  std::vector<int64_t> sizes;
  bool open = false;
  for (const Extent& extent : shape) {
    require(!extent.is_named() || !open,
            "a reshape to {} has two open dimensions: give one a size (--dimension)",
            shape.to_string());
    open |= extent.is_named();
    sizes.push_back(extent.is_named() ? -1 : extent.size());
  }
  return integers(sizes);
}

void Emitter::rename_output(const std::string& from, const std::string& to) {
  NodeDef node;
  node.op = "Identity";
  node.name = fresh("output/" + to);
  node.inputs = {from};
  node.outputs = {to};
  result_.nodes.push_back(std::move(node));
}

}  // namespace brisk::onnx
