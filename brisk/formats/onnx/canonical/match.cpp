#include "brisk/formats/onnx/canonical/match.h"

#include <map>

#include "brisk/ops/source/splat.h"

namespace brisk::onnx {
namespace {

class Matcher {
 public:
  Matcher(const Graph& formula, const Value& value)
      : formula_(formula), builder_(*value.builder), shape_(value.shape()) {}

  /// Whether `value` is what `wanted` says; inputs that are met for the first time stand for what
  /// is there from then on.
  bool is(ValueId wanted, ValueId value) {
    if (const auto found = stands_for_.find(wanted); found != stands_for_.end())
      return found->second == value;
    const Node &pattern = formula_.node(wanted.node), &node = builder_.node(value.node);
    const Type& type = node.results[static_cast<size_t>(value.result)];
    if (type.dtype() != formula_.type(wanted).dtype()) return false;
    if (const auto number = splat(formula_, wanted)) return splat(builder_, value) == number;
    if (!(type.shape() == shape_)) return false;
    if (pattern.op->name != "input") {
      if (pattern.op != node.op || !(pattern.attributes == node.attributes)) return false;
      if (!operands(pattern.operands, node.operands) && !swapped(pattern, node)) return false;
    }
    stands_for_[wanted] = value;
    return true;
  }

  std::vector<Value> inputs() {
    std::vector<Value> result;
    for (const NodeId input : formula_.inputs())
      result.push_back({&builder_, stands_for_.at({input, 0})});
    return result;
  }

 private:
  bool operands(const std::vector<ValueId>& wanted, const std::vector<ValueId>& given) {
    const auto before = stands_for_;
    bool all = wanted.size() == given.size();
    for (size_t i = 0; all && i < wanted.size(); ++i) all = is(wanted[i], given[i]);
    if (!all) stands_for_ = before;
    return all;
  }
  bool swapped(const Node& pattern, const Node& node) {
    if (pattern.op->name != "add" && pattern.op->name != "multiply") return false;
    return operands(pattern.operands, {node.operands[1], node.operands[0]});
  }

  const Graph& formula_;
  Builder& builder_;
  const Shape shape_;
  std::map<ValueId, ValueId> stands_for_;
};

}  // namespace

std::optional<std::vector<Value>> match(const Graph& formula, const Value& value) {
  Matcher matcher(formula, value);
  if (!matcher.is(formula.outputs()[0].value, value.id)) return std::nullopt;
  return matcher.inputs();
}

}  // namespace brisk::onnx
