#include "brisk/base/error.h"
#include "brisk/ops/control/region_signature.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/fused/fused_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  require_inputs("fused_loop", "body", context.regions[0], context.operands);
  return output_types(context.regions[0]);
}

std::vector<Value> decompose(const DecomposeContext& context) {
  return context.builder.inline_graph(context.regions[0], context.operands);
}

}  // namespace

Op fused_loop_op() {
  return Op{.name = "fused_loop", .kind = OpKind::fused, .num_regions = 1}
      .doc("A region of elementwise, move, source and reduce ops, compiled into one loop nest.")
      .operands(0, -1)
      .infer(infer)
      .decompose(decompose);
}

std::vector<Value> fused_loop(std::span<const Value> operands, Graph body) {
  require(!operands.empty(), "[fused_loop] has no operands");
  return operands[0].builder->emit("fused_loop", operands, {}, {std::move(body)});
}

}  // namespace brisk
