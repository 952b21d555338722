#include "brisk/formats/onnx/session.h"

#include "brisk/formats/onnx/walk.h"

namespace brisk::onnx {

struct Session::State {
  StageCache stages;
};

namespace {

Item to_item(Trace& trace, const ValueFile& value, const TypeDef& type) {
  if (value.kind == TypeDef::Kind::tensor) return trace.data(value.tensor);
  std::vector<Item> elements;
  const TypeDef inner = type.inner ? *type.inner : TypeDef{};
  for (const ValueFile& element : value.elements)
    elements.push_back(to_item(trace, element, inner));
  if (value.kind == TypeDef::Kind::sequence) return trace.sequence(std::move(elements), inner);
  return trace.optional(elements.empty() ? nullptr : elements[0], inner);
}

ValueFile to_value(const Item& item) {
  ValueFile value;
  if (item->kind == Slot::Kind::tensor) {
    value.tensor = item->host;
    return value;
  }
  value.kind =
      item->kind == Slot::Kind::sequence ? TypeDef::Kind::sequence : TypeDef::Kind::optional;
  for (const Item& element : item->elements) value.elements.push_back(to_value(element));
  return value;
}

}  // namespace

Session::Session(ModelDef model, std::shared_ptr<const Backend> backend, CompileOptions options)
    : model_(std::make_unique<ModelDef>(std::move(model))),
      state_(new State{StageCache(std::move(backend), std::move(options))}) {}

Session::~Session() = default;

std::vector<ValueFile> Session::run(const std::map<std::string, ValueFile>& inputs) {
  Trace trace(model_->graph.name.empty() ? "graph" : model_->graph.name, state_->stages);
  std::map<std::string, Item> given;
  for (const ValueDef& input : model_->graph.inputs) {
    const auto found = inputs.find(input.name);
    if (found != inputs.end()) given[input.name] = to_item(trace, found->second, input.type);
  }
  std::vector<Item> outputs;
  {
    Walk walk(trace, *model_);
    outputs = walk.run(given);
  }
  trace.cut();
  std::vector<ValueFile> results;
  for (const Item& output : outputs) results.push_back(to_value(output));
  return results;
}

size_t Session::num_runs() const {
  return state_->stages.num_runs();
}
size_t Session::num_compiled() const {
  return state_->stages.num_compiled();
}

}  // namespace brisk::onnx
