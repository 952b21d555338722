#include "brisk/passes/sink_below_pool.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/elementwise/elementwise.h"
#include "brisk/ops/move/move.h"
#include "brisk/ops/window/window.h"

// The positions stay right: with relu, a window whose maximum is not positive may name another
// place than before, but no gradient passes there (relu's is zero); adding a constant per channel
// does not move the maximum. Where padding could win over a shifted value nothing is at stake
// either: padding never wins.

namespace brisk {
namespace {

/// The bias vector [channels] when `value` is its broadcast along the last axis.
std::optional<Value> channel_bias(const Builder& builder, Value value) {
  const Node& node = builder.node(value.id.node);
  if (node.op->name != "broadcast") return std::nullopt;
  const Value bias{value.builder, node.operands[0]};
  const auto& axes = node.attributes.as<BroadcastAttributes>().axes;
  if (bias.rank() != 1 || axes[0] != value.rank() - 1 || bias.shape()[0] != value.shape()[axes[0]])
    return std::nullopt;
  return bias;
}

Value add_channel_bias(Value x, Value bias) {
  return add(x, broadcast(bias, x.shape(), {x.rank() - 1}));
}

}  // namespace

Program sink_below_pool(Program program, const PassContext&) {
  const auto sink = [](Builder& builder, const Node& node, NodeId,
                       std::span<const Value> operands) -> std::optional<std::vector<Value>> {
    if (node.op->name != "max_pool") return std::nullopt;
    const auto& attributes = node.attributes.as<WindowAttributes>();
    // Peel what can go below the pool, outermost first, and apply it again in reverse.
    Value source = operands[0];
    std::vector<std::function<Value(Value)>> peeled;
    for (;;) {
      const Node& producer = builder.node(source.id.node);
      if (producer.op->name == "relu") {
        peeled.push_back([](Value x) { return relu(x); });
        source = {&builder, producer.operands[0]};
      } else if (producer.op->name == "add") {
        const Value left{&builder, producer.operands[0]}, right{&builder, producer.operands[1]};
        if (const auto bias = channel_bias(builder, right)) {
          peeled.push_back([bias = *bias](Value x) { return add_channel_bias(x, bias); });
          source = left;
        } else if (const auto bias = channel_bias(builder, left)) {
          peeled.push_back([bias = *bias](Value x) { return add_channel_bias(x, bias); });
          source = right;
        } else {
          break;
        }
      } else {
        break;
      }
    }
    if (peeled.empty()) return std::nullopt;
    const MaxPool pooled = max_pool(source, attributes);
    Value values = pooled.values;
    for (size_t i = peeled.size(); i-- > 0;) values = peeled[i](values);
    return std::vector<Value>{values, pooled.positions};
  };
  program.graph = rewrite(program.graph, sink);
  return program;
}

}  // namespace brisk
