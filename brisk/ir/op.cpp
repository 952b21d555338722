#include "brisk/ir/op.h"

#include "brisk/base/edit_distance.h"
#include "brisk/ir/builder.h"

namespace brisk {

std::string_view name(OpKind kind) {
  switch (kind) {
    case OpKind::source: return "source";
    case OpKind::elementwise: return "elementwise";
    case OpKind::reduce: return "reduce";
    case OpKind::move: return "move";
    case OpKind::index: return "index";
    case OpKind::contract: return "contract";
    case OpKind::convolve: return "convolve";
    case OpKind::window: return "window";
    case OpKind::composite: return "composite";
    case OpKind::control: return "control";
    case OpKind::fused: return "fused";
  }
  return "unknown";
}

const Value& DecomposeContext::in(size_t i) const { return operands[i]; }

const Value& Vjp::in(size_t i) const { return operands[i]; }
const Value& Vjp::out(size_t i) const { return results[i]; }
bool Vjp::has_grad(size_t i) const { return cotangents[i].defined(); }

Value Vjp::grad(size_t i) const {
  if (has_grad(i)) return cotangents[i];
  return zeros(builder, results[i].type());
}

Op Op::doc(std::string text) && {
  doc_text = std::move(text);
  return std::move(*this);
}

Op Op::operands(int count) && {
  min_operands = max_operands = count;
  return std::move(*this);
}

Op Op::operands(int minimum, int maximum) && {
  min_operands = minimum;
  max_operands = maximum;
  return std::move(*this);
}

Op Op::infer(decltype(infer_rule) rule) && {
  infer_rule = std::move(rule);
  return std::move(*this);
}

Op Op::vjp(decltype(vjp_rule) rule) && {
  vjp_rule = std::move(rule);
  return std::move(*this);
}

Op Op::expr(decltype(expr_rule) rule) && {
  expr_rule = std::move(rule);
  return std::move(*this);
}

Op Op::decompose(decltype(decompose_rule) rule) && {
  decompose_rule = std::move(rule);
  return std::move(*this);
}

Op Op::index_map(decltype(index_map_rule) rule) && {
  index_map_rule = std::move(rule);
  return std::move(*this);
}

Op Op::not_differentiable() && {
  differentiable = false;
  smooth = false;
  return std::move(*this);
}

Op Op::not_smooth() && {
  smooth = false;
  return std::move(*this);
}

Op Op::with(const std::function<void(Op&)>& change) && {
  change(*this);
  return std::move(*this);
}

void OpSet::add(Op op) {
  require(find(op.name) == nullptr, "an op named '{}' is there already", op.name);
  std::string key = op.name;
  ops_.emplace(std::move(key), std::make_shared<const Op>(std::move(op)));
}

const Op* OpSet::find(std::string_view name) const {
  const auto it = ops_.find(name);
  return it == ops_.end() ? nullptr : it->second.get();
}

const Op& OpSet::at(std::string_view name) const {
  if (const Op* op = find(name)) return *op;
  std::vector<std::string> names;
  for (const auto& [known, op] : ops_) names.push_back(known);
  refuse("there is no op '{}'{}", name, did_you_mean(name, names));
}

std::vector<const Op*> OpSet::all() const {
  std::vector<const Op*> result;
  for (const auto& [name, op] : ops_) result.push_back(op.get());
  return result;
}

}  // namespace brisk
