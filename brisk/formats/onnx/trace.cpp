#include "brisk/formats/onnx/trace.h"

#include <algorithm>

#include "brisk/ir/mapped_values.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/source/source.h"
#include "brisk/ops/standard.h"

// Folding: a value whose cone holds no data (only constants and weights) is computed by the
// reference backend when its elements are asked for, and never before. So shape arithmetic on known
// shapes folds, whatever ops it is made of, and no op needs a folding rule.

namespace brisk::onnx {
namespace {

/// The graph with its inputs first, in the order of `created`: their node ids while it was built.
Graph in_order(const Graph& graph, const std::vector<NodeId>& created) {
  std::vector<size_t> order(created.size());
  for (size_t i = 0; i < order.size(); ++i)  // inputs of a graph stand in the order of their making
    order[i] = static_cast<size_t>(
        std::count_if(created.begin(), created.end(), [&](NodeId id) { return id < created[i]; }));
  Builder copy(graph.ops(), graph.name());
  MappedValues mapped(graph.nodes().size());
  for (const size_t i : order)
    mapped[static_cast<size_t>(graph.inputs()[i])] = {
        copy.input(graph.input_name(i), graph.input_type(i))};
  for (size_t id = 0; id < graph.nodes().size(); ++id) {
    if (!mapped[id].empty()) continue;
    const Node& node = graph.nodes()[id];
    const std::vector<Value> operands = mapped_operands(node, mapped);
    const LabelScope label(copy, node.label);
    mapped[id] = copy.emit(*node.op, operands, node.attributes, node.regions);
  }
  return copy.finish(mapped_outputs(graph, mapped));
}

}  // namespace

Trace::Frame::Frame(std::string name) : builder(standard_ops(), std::move(name)) {}

Trace::Trace(std::string name) : name_(std::move(name)) {
  frames_.push_back(std::make_unique<Frame>(name_));
}

Trace::Trace(std::string name, StageCache& stages) : name_(std::move(name)), stages_(&stages) {
  frames_.push_back(std::make_unique<Frame>(name_));
}

Trace::~Trace() = default;

void Trace::set_label(std::string label) {
  label_ = std::move(label);
  builder().set_label(label_);
}

Builder& Trace::builder() {
  return frames_.back()->builder;
}

Item Trace::constant(HostTensor tensor) {
  auto slot = std::make_shared<Slot>();
  slot->element = tensor.element;
  slot->host = std::move(tensor);
  return slot;
}

Item Trace::weight(std::string name, HostTensor tensor) {
  Item slot = constant(std::move(tensor));
  slot->name = std::move(name);
  slot->origin = Slot::Origin::weight;
  return slot;
}

Item Trace::data(HostTensor tensor) {
  Item slot = constant(std::move(tensor));
  slot->origin = Slot::Origin::data;
  return slot;
}

Item Trace::input(std::string name, ElementType element, Shape shape) {
  auto slot = std::make_shared<Slot>();
  const std::optional<DType> dtype = carrier(element);
  require(dtype.has_value(), "input '{}' is of type {}, which is no number", name,
          onnx::name(element));
  slot->element = element;
  slot->name = name;
  slot->origin = Slot::Origin::data;
  Frame& frame = *frames_.front();
  const Value value = frame.builder.input(std::move(name), Type(*dtype, std::move(shape)));
  slot->home = &frame.builder;
  slot->value = value.id;
  frame.values[slot.get()] = value;
  frame.inputs.push_back({slot, value});
  return slot;
}

Item Trace::item(Value value, ElementType element) {
  invariant(value.builder == &builder(), "a value of another graph is made an item");
  auto slot = std::make_shared<Slot>();
  slot->element = element;
  slot->home = value.builder;
  slot->value = value.id;
  live_.push_back(slot);
  return slot;
}

Item Trace::extents(std::vector<Extent> extents, bool scalar) {
  const bool named =
      std::any_of(extents.begin(), extents.end(), [](const Extent& e) { return e.is_named(); });
  std::vector<int64_t> sizes;
  if (!scalar) sizes.push_back(static_cast<int64_t>(extents.size()));
  if (!named) {
    Tensor tensor(DType::i64, sizes);
    for (size_t i = 0; i < extents.size(); ++i) tensor.data<int64_t>()[i] = extents[i].size();
    return constant(HostTensor(std::move(tensor)));
  }
  auto slot = std::make_shared<Slot>();
  slot->element = ElementType::i64;
  slot->extents = std::move(extents);
  slot->name = scalar ? "scalar" : "list";
  return slot;
}

Item Trace::sequence(std::vector<Item> elements, TypeDef element) {
  auto slot = std::make_shared<Slot>();
  slot->kind = Slot::Kind::sequence;
  slot->elements = std::move(elements);
  slot->type = std::move(element);
  return slot;
}

Item Trace::optional(Item element, TypeDef type) {
  auto slot = std::make_shared<Slot>();
  slot->kind = Slot::Kind::optional;
  if (element) slot->elements.push_back(std::move(element));
  slot->type = std::move(type);
  return slot;
}

Trace::Frame* Trace::frame_of(const Item& item) {
  for (const auto& frame : frames_)
    if (&frame->builder == item->home) return frame.get();
  invariant(false, "an item belongs to no graph under construction");
  return nullptr;
}

Type Trace::type(const Item& item) {
  require(item->kind == Slot::Kind::tensor,
          "a tensor is needed, not a sequence or an optional value");
  if (item->known()) {
    require(!item->host.is_string(), "numbers are needed, not strings");
    return Type(item->host.tensor.defined() ? item->host.tensor.dtype() : *carrier(item->element),
                Shape(item->host.sizes));
  }
  if (!item->extents.empty())
    return Type(DType::i64, item->name == "scalar"
                                ? Shape()
                                : Shape({Extent(static_cast<int64_t>(item->extents.size()))}));
  return Value{const_cast<Builder*>(item->home), item->value}.type();
}

Value Trace::value(const Item& item) {
  require(item != nullptr && item->kind == Slot::Kind::tensor,
          "a tensor is needed, not a sequence or an optional value");
  require(
      item->extents.empty(),
      "a size that is only named ({}) takes part in arithmetic here: give it a number "
      "(--dimension NAME=SIZE, LoadOptions::dimensions)",
      item->extents.empty() ? "" : [&] {
        for (const Extent& extent : item->extents)
          if (extent.is_named()) return extent.name();
        return std::string();
      }());
  Frame& frame = *frames_.back();
  if (item->home == &frame.builder && !item->known()) return {&frame.builder, item->value};
  if (const auto found = frame.values.find(item.get()); found != frame.values.end())
    return found->second;
  const Type type = this->type(item);
  Value value;
  if (item->known() && item->origin == Slot::Origin::constant) {
    value = frame.builder.constant(item->host.tensor);
    frame.inputs.push_back({item, {}});  // keeps the item, whose address is the key
  } else {
    const bool is_state = item->origin == Slot::Origin::weight && !in_region();
    auto& entries = is_state ? frame.weights : frame.inputs;
    value = frame.builder.input(is_state ? item->name : fmt::format("in{}", entries.size()), type);
    entries.push_back({item, value});
  }
  frame.values[item.get()] = value;
  return value;
}

std::optional<Tensor> Trace::fold(const Frame& frame, ValueId id) {
  std::unordered_map<NodeId, Tensor> given;
  for (const Entry& entry : frame.weights)  // where a file is only described, weights have no bytes
    if (entry.item->host.tensor.defined()) given[entry.value.id.node] = entry.item->host.tensor;
  // The cone, refused as soon as it holds an input that is no weight.
  std::vector<NodeId> cone, open = {id.node};
  std::unordered_map<NodeId, bool> seen = {{id.node, true}};
  while (!open.empty()) {
    const NodeId at = open.back();
    open.pop_back();
    cone.push_back(at);
    const Node& node = frame.builder.node(at);
    if (node.op->name == "input" && !given.contains(at)) return std::nullopt;
    for (const ValueId& operand : node.operands)
      if (seen.emplace(operand.node, true).second) open.push_back(operand.node);
  }
  std::sort(cone.begin(), cone.end());
  Builder copy(frame.builder.ops(), "folded");
  std::unordered_map<NodeId, std::vector<Value>> mapped;
  for (const NodeId at : cone) {
    const Node& node = frame.builder.node(at);
    if (const auto found = given.find(at); found != given.end()) {
      mapped[at] = {copy.constant(found->second)};
      continue;
    }
    std::vector<Value> operands;
    for (const ValueId& operand : node.operands)
      operands.push_back(mapped[operand.node][static_cast<size_t>(operand.result)]);
    mapped[at] = copy.emit(*node.op, operands, node.attributes, node.regions);
  }
  Program program;
  program.graph =
      copy.finish({Builder::Output{"value", mapped[id.node][static_cast<size_t>(id.result)]}});
  program.num_results = 1;
  if (!program.graph.dimensions().empty()) return std::nullopt;
  const auto reference = find_backend("reference").value();
  return compile(program, *reference, {.cache = false}).executable->run({})[0].clone();
}

bool Trace::can_know(const Item& item) {
  if (item == nullptr || item->kind != Slot::Kind::tensor) return false;
  if (item->known()) return item->host.is_string() || item->host.tensor.defined();
  if (!item->extents.empty()) return false;
  const Frame* frame = frame_of(item);
  std::optional<Tensor> folded = fold(*frame, item->value);
  if (!folded) return false;
  item->host = HostTensor(item->element, std::move(*folded));
  item->origin = Slot::Origin::constant;
  item->home = nullptr;
  return true;
}

const HostTensor& Trace::known(const Item& item) {
  require(item != nullptr && item->kind == Slot::Kind::tensor,
          "a tensor is needed, not a sequence or an optional value");
  if (can_know(item)) return item->host;
  if (!item->extents.empty()) value(item);  // refuses with the dimension's name
  require(!staged() || item->home == &frames_.front()->builder,
          "the elements of a tensor decide about shapes within the body of a scan or branch, where "
          "no stage can end");
  if (staged()) throw NeedsStage{"elements of a tensor"};
  refuse(
      "the elements of a tensor decide about shapes here, but they depend on the model's inputs: "
      "such a model runs in "
      "stages (onnx::Session), not as one program");
}

void Trace::update(const Item& weight, Value next) {
  if (staged() || in_region() || weight->origin != Slot::Origin::weight) return;
  statistics_.push_back(weight);
  updates_.push_back({weight, next});
}

void Trace::cut() {
  invariant(staged() && !in_region(),
            "a stage can end only in the outermost graph of a staged walk");
  Frame& frame = *frames_.front();
  std::vector<Item> results;
  std::vector<Builder::Output> outputs;
  for (const std::weak_ptr<Slot>& weak : live_) {
    Item item = weak.lock();
    if (!item || item->known()) continue;
    outputs.push_back({fmt::format("out{}", outputs.size()), Value{&frame.builder, item->value}});
    results.push_back(std::move(item));
  }
  live_.clear();
  if (!results.empty()) {
    std::vector<Tensor> state, inputs;
    Program program;
    std::vector<NodeId> order;
    for (const Entry& entry : frame.weights) {
      state.push_back(entry.item->host.tensor);
      program.state.push_back({entry.item->name, entry.value.type()});
      order.push_back(entry.value.id.node);
    }
    for (const Entry& entry : frame.inputs)
      if (entry.value.defined()) {
        inputs.push_back(entry.item->host.tensor);
        order.push_back(entry.value.id.node);
      }
    program.graph = in_order(frame.builder.finish(outputs), order);
    program.num_results = static_cast<int64_t>(results.size());
    std::vector<Tensor> found = stages_->run(program, state, inputs);
    for (size_t i = 0; i < results.size(); ++i) {
      results[i]->host = HostTensor(results[i]->element, std::move(found[i]));
      results[i]->origin = Slot::Origin::data;
      results[i]->home = nullptr;
    }
  }
  frames_.front() = std::make_unique<Frame>(name_);
  frames_.front()->builder.set_label(label_);
}

Trace::Region Trace::region(
    std::string name, const std::vector<Type>& parameters, const std::vector<ElementType>& elements,
    const std::function<std::vector<Item>(const std::vector<Item>&)>& fill) {
  frames_.push_back(std::make_unique<Frame>(std::move(name)));
  frames_.back()->builder.set_label(label_);
  struct Leave {
    std::vector<std::unique_ptr<Frame>>& frames;
    size_t size;
    ~Leave() { frames.resize(size); }
  } leave{frames_, frames_.size() - 1};
  Frame& frame = *frames_.back();
  std::vector<Item> inputs;
  for (size_t i = 0; i < parameters.size(); ++i)
    inputs.push_back(
        item(frame.builder.input(fmt::format("parameter{}", i), parameters[i]), elements[i]));
  const std::vector<Item> results = fill(inputs);
  Region region;
  std::vector<Builder::Output> outputs;
  for (const Item& result : results) {
    outputs.push_back({fmt::format("result{}", outputs.size()), value(result)});
    region.results.push_back(result->element);
  }
  for (const Entry& entry : frame.inputs)
    if (entry.value.defined()) region.captured.push_back(entry.item);
  region.graph = frame.builder.finish(outputs);
  return region;
}

Program Trace::finish(const std::vector<Output>& outputs, std::vector<Tensor>& weights) {
  Frame& frame = *frames_.front();
  Program program;
  std::vector<Builder::Output> results;
  for (const Output& output : outputs) results.push_back({output.name, value(output.item)});
  program.num_results = static_cast<int64_t>(results.size());
  std::vector<NodeId> order;
  std::unordered_map<const Slot*, int64_t> index;
  weights.clear();
  for (const Entry& entry : frame.weights) {
    const bool statistic =
        std::find(statistics_.begin(), statistics_.end(), entry.item) != statistics_.end();
    index[entry.item.get()] = static_cast<int64_t>(program.state.size());
    program.state.push_back({entry.item->name, entry.value.type(),
                             statistic ? StateRole::statistic : StateRole::parameter,
                             !statistic && brisk::is_floating(entry.value.type().dtype())});
    weights.push_back(entry.item->host.tensor);
    order.push_back(entry.value.id.node);
  }
  for (const Entry& entry : frame.inputs)
    if (entry.value.defined()) order.push_back(entry.value.id.node);
  std::stable_sort(updates_.begin(), updates_.end(), [&](const Update& a, const Update& b) {
    return index[a.weight.get()] < index[b.weight.get()];
  });
  for (const Update& update : updates_) {
    const int64_t entry = index.at(update.weight.get());
    if (!program.updates.empty() && program.updates.back() == entry)
      continue;  // one statistic of two layers
    program.updates.push_back(entry);
    results.push_back({"next:" + update.weight->name, update.next});
  }
  program.graph = in_order(frame.builder.finish(results), order);
  return program;
}

}  // namespace brisk::onnx
