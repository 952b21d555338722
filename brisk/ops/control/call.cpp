#include "brisk/base/error.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/control/control_ops.h"
#include "brisk/ops/control/region_signature.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  require_inputs("call", "body", context.regions[0], context.operands);
  return output_types(context.regions[0]);
}

// A call is differentiated through its body: what the body computes twice then is one node again
// once calls are inlined and common sub-expressions merged.
std::vector<Value> decompose(const DecomposeContext& context) {
  return context.builder.inline_graph(context.regions[0], context.operands);
}

}  // namespace

Op call_op() {
  return Op{.name = "call", .kind = OpKind::control, .num_regions = 1}
      .doc("A region by name: a layer of the model. Inlined at lowering.")
      .operands(0, -1)
      .attributes<CallAttributes>()
      .infer(infer)
      .decompose(decompose);
}

std::vector<Value> call(std::span<const Value> operands, Graph body, CallAttributes attributes) {
  require(!operands.empty(), "[call] '{}' has no operands", attributes.name);
  return operands[0].builder->emit("call", operands, std::move(attributes), {std::move(body)});
}

}  // namespace brisk
