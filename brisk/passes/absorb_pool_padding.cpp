#include "brisk/passes/absorb_pool_padding.h"

#include "brisk/ir/rewrite.h"
#include "brisk/ops/window/window.h"
#include "brisk/passes/zero_padding.h"

namespace brisk {

Program absorb_pool_padding(Program program, const PassContext&) {
  program.graph =
      rewrite(program.graph,
              [](Builder& builder, const Node& node, NodeId,
                 std::span<const Value> operands) -> std::optional<std::vector<Value>> {
                if (node.op->name != "max_pool") return std::nullopt;
                const Node& producer = builder.node(operands[0].id.node);
                const std::optional<PadAttributes> pad = zero_padding(builder, producer);
                if (!pad || builder.node(producer.operands[0].node).op->name != "relu")
                  return std::nullopt;
                auto window = node.attributes.as<WindowAttributes>();
                const size_t rank = window.window.size();
                window.pad_low.resize(rank, 0);
                window.pad_high.resize(rank, 0);
                for (size_t axis = 0; axis < rank; ++axis) {
                  window.pad_low[axis] += pad->low[axis + 1];
                  window.pad_high[axis] += pad->high[axis + 1];
                  if (std::max(window.pad_low[axis], window.pad_high[axis]) >= window.window[axis])
                    return std::nullopt;  // a window of padding alone
                }
                const MaxPool pooled = max_pool({&builder, producer.operands[0]}, window);
                return std::vector<Value>{pooled.values, pooled.positions};
              });
  return program;
}

}  // namespace brisk
