#include "brisk/formats/onnx/export/emitter.h"

#include <algorithm>
#include <numeric>

namespace brisk::onnx {
namespace {

std::vector<int64_t> identity(size_t rank) {
  std::vector<int64_t> permutation(rank);
  std::iota(permutation.begin(), permutation.end(), 0);
  return permutation;
}
std::vector<int64_t> inverse(const std::vector<int64_t>& permutation) {
  std::vector<int64_t> result(permutation.size());
  for (size_t i = 0; i < permutation.size(); ++i)
    result[static_cast<size_t>(permutation[i])] = static_cast<int64_t>(i);
  return result;
}
/// One transpose by `first`, then one by `second`.
std::vector<int64_t> composed(const std::vector<int64_t>& first,
                              const std::vector<int64_t>& second) {
  std::vector<int64_t> result;
  for (const int64_t axis : second) result.push_back(first[static_cast<size_t>(axis)]);
  return result;
}

/// A known tensor with its axes moved.
Tensor permuted(const Tensor& x, const std::vector<int64_t>& permutation) {
  std::vector<int64_t> sizes;
  for (const int64_t axis : permutation) sizes.push_back(x.sizes()[static_cast<size_t>(axis)]);
  Tensor result(x.dtype(), sizes);
  const std::vector<int64_t> from = row_major_strides(x.sizes());
  std::vector<int64_t> at(sizes.size(), 0);
  const int64_t width = byte_size(x.dtype());
  int64_t source = 0;
  for (int64_t i = 0; i < x.num_elements(); ++i) {
    std::copy_n(x.bytes() + source * width, width, result.bytes() + i * width);
    for (size_t axis = sizes.size(); axis-- > 0;) {
      const int64_t step = from[static_cast<size_t>(permutation[axis])];
      source += step;
      if (++at[axis] < sizes[axis]) break;
      source -= step * sizes[axis];
      at[axis] = 0;
    }
  }
  return result;
}

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
  if (outer_ != nullptr) return outer_->fresh(hint);
  std::string name = hint;
  for (int i = 1; !taken_.insert(name).second; ++i) name = fmt::format("{}_{}", hint, i);
  return name;
}

void Emitter::set_input(ValueId value, std::string name) {
  taken_.insert(name);
  names_[value].plain = std::move(name);
}

void Emitter::set_known(ValueId value, const std::string& name, Tensor tensor) {
  names_[value].tensor = std::move(tensor);
  names_[value].weight = name.empty() ? name : fresh(name);
}

void Emitter::count_uses() {
  for (size_t id = 0; id < graph_.nodes().size(); ++id)
    for (const ValueId& operand : graph_.nodes()[id].operands) {
      ++uses_[operand];
      readers_[operand] = static_cast<NodeId>(id);
    }
  for (const NamedValue& output : graph_.outputs()) uses_[output.value] += 2;
}

NodeId Emitter::only_reader(ValueId value) const {
  const auto found = uses_.find(value);
  return found == uses_.end() || found->second != 1 ? -1 : readers_.at(value);
}

const Emitter::Turned* Emitter::find_turned(const std::string& name) const {
  for (const Emitter* at = this; at != nullptr; at = at->outer_)
    if (const auto found = at->turned_.find(name); found != at->turned_.end())
      return &found->second;
  return nullptr;
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
  if (names.tensor) {
    const std::string name = turned(value, identity(static_cast<size_t>(names.tensor->rank())));
    return names_[value].plain = name;
  }
  const Shape& shape = type(value).shape();
  if (names.is_broadcast) {
    const std::string aligned = operand(value, false);
    return names_[value].plain = node("Expand", {aligned, extents_list(shape)});
  }
  invariant(!names.first.empty(), "a value has no name");
  return names.plain = transposed(names.first, to_last(shape.rank()));
}

std::string Emitter::turned(ValueId value, const std::vector<int64_t>& permutation) {
  const auto found = names_.find(value);
  if (found == names_.end() || !found->second.tensor || !found->second.plain.empty())
    return transposed(plain(value), permutation);
  Names& names = found->second;
  if (names.stored.empty()) {
    const bool as_is = permutation == identity(permutation.size());
    Tensor tensor = as_is ? *names.tensor : permuted(*names.tensor, permutation);
    names.stored_axes = permutation;
    names.stored = names.weight.empty() ? constant(std::move(tensor)) : names.weight;
    if (!names.weight.empty())
      result_.initializers.push_back({names.weight, HostTensor(std::move(tensor))});
  }
  return transposed(names.stored, composed(inverse(names.stored_axes), permutation));
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
    if (wide > 1) return transposed(reshaped(plain(source), shape), permutation);
  }
  const bool trailing = axes.size() == 1 && axes[0] == rank - 1 && !(channels_first && rank >= 3);
  if (trailing) return plain(source);
  if (const Tensor* tensor = known(source);
      tensor != nullptr && placed.is_static() && names_[source].weight.empty())
    return constant(tensor->reshaped(placed.sizes()));
  return reshaped(plain(source), placed);
}

std::vector<std::string> Emitter::nodes(std::string op, std::vector<std::string> inputs,
                                        size_t outputs, std::vector<AttributeDef> attributes) {
  NodeDef node;
  // The walk of an import takes the op off again, so that labels stay on the way back and forth.
  node.name = fresh(label_.empty() || label_ == op ? op : label_ + "/" + op);
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

// Floats that are initializers are weights when they are read back; these are none.
std::string Emitter::constant(Tensor tensor) {
  if (is_floating(tensor.dtype()) && tensor.rank() > 0) {
    AttributeDef value;
    value.name = "value";
    value.kind = AttributeDef::Kind::tensor;
    value.tensor = HostTensor(std::move(tensor));
    return node("Constant", {}, {std::move(value)});
  }
  const std::string name = fresh("constant");
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
  std::string source = name;
  if (const Turned* inner = find_turned(name)) {
    source = inner->source;
    permutation = composed(inner->permutation, permutation);
  }
  if (permutation == identity(permutation.size())) return source;
  std::string& result = transposes_[{source, permutation}];
  if (result.empty()) {
    result = node("Transpose", {source}, {attribute("perm", permutation)});
    turned_[result] = {source, permutation};
  }
  return result;
}

/// i64[1]: the size of a named dimension, as an input of the model has it.
std::string Emitter::extent_value(const std::string& dimension) {
  Emitter* outermost = this;
  while (outermost->outer_ != nullptr) outermost = outermost->outer_;
  for (const ValueDef& input : outermost->result_.inputs)
    for (int64_t axis = 0; axis < input.type.shape->rank(); ++axis)
      if ((*input.type.shape)[axis] == Extent(dimension))
        return node("Shape", {input.name}, {attribute("start", axis), attribute("end", axis + 1)});
  refuse("no input has the dimension '{}': give it a size (--dimension)", dimension);
}

std::string Emitter::reshaped(const std::string& name, const Shape& shape) {
  const auto named =
      std::count_if(shape.begin(), shape.end(), [](const Extent& e) { return e.is_named(); });
  const bool empty = std::find(shape.begin(), shape.end(), Extent(0)) != shape.end();
  if (empty)  // 0 would mean the extent that is there, and -1 nothing
    return node("Reshape", {name, extents_list(shape)}, {attribute("allowzero", int64_t{1})});
  if (named > 1) return node("Reshape", {name, extents_list(shape)});
  std::vector<int64_t> sizes;
  for (const Extent& extent : shape) sizes.push_back(extent.is_named() ? -1 : extent.size());
  return node("Reshape", {name, integers(sizes)});
}

std::string Emitter::extents_list(const Shape& shape) {
  if (shape.is_static()) return integers(shape.sizes());
  std::vector<std::string> parts;
  std::vector<int64_t> sizes;
  const auto flush = [&] {
    if (!sizes.empty()) parts.push_back(integers(sizes));
    sizes.clear();
  };
  for (const Extent& extent : shape) {
    if (!extent.is_named()) {
      sizes.push_back(extent.size());
      continue;
    }
    flush();
    parts.push_back(extent_value(extent.name()));
  }
  flush();
  return parts.size() == 1 ? parts[0] : node("Concat", parts, {attribute("axis", int64_t{0})});
}

void Emitter::rename_output(const std::string& from, const std::string& to) {
  NodeDef node;
  node.op = "Identity";
  node.name = fresh("output/" + to);
  node.inputs = {from};
  node.outputs = {to};
  result_.nodes.push_back(std::move(node));
}

/// What nodes of sub-graphs read from the graphs around them counts as read.
void count_reads(const GraphDef& graph, std::set<std::string>& reads) {
  for (const ValueDef& output : graph.outputs) reads.insert(output.name);
  for (const NodeDef& node : graph.nodes) {
    reads.insert(node.inputs.begin(), node.inputs.end());
    for (const AttributeDef& entry : node.attributes)
      if (entry.graph) count_reads(*entry.graph, reads);
  }
}

GraphDef Emitter::take() {
  std::set<std::string> reads;
  for (const ValueDef& output : result_.outputs) reads.insert(output.name);
  std::vector<NodeDef> kept;
  for (auto node = result_.nodes.rbegin(); node != result_.nodes.rend(); ++node) {
    if (std::none_of(node->outputs.begin(), node->outputs.end(),
                     [&](const std::string& name) { return reads.contains(name); }))
      continue;
    reads.insert(node->inputs.begin(), node->inputs.end());
    for (const AttributeDef& entry : node->attributes)
      if (entry.graph) count_reads(*entry.graph, reads);
    kept.push_back(std::move(*node));
  }
  std::reverse(kept.begin(), kept.end());
  result_.nodes = std::move(kept);
  std::erase_if(result_.initializers,
                [&](const InitializerDef& entry) { return !reads.contains(entry.name); });
  return std::move(result_);
}

}  // namespace brisk::onnx
