#include "brisk/base/error.h"
#include "brisk/ops/control/region_signature.h"
#include "brisk/ops/fused/fused.h"
#include "brisk/ops/fused/fused_ops.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  require(!context.regions.empty(), "[loop_group] has no regions");
  std::vector<Type> results;
  size_t first = 0;
  for (const Graph& region : context.regions) {
    const size_t count = region.inputs().size();
    require(first + count <= context.operands.size(),
            "[loop_group] regions take more inputs than the {} operands", context.operands.size());
    require_inputs("loop_group", "member", region, context.operands.subspan(first, count));
    first += count;
    for (const Type& type : output_types(region)) results.push_back(type);
  }
  require(first == context.operands.size(), "[loop_group] regions take {} inputs, but get {}",
          first, context.operands.size());
  return results;
}

std::vector<Value> decompose(const DecomposeContext& context) {
  std::vector<Value> results;
  size_t first = 0;
  for (const Graph& region : context.regions) {
    const size_t count = region.inputs().size();
    for (const Value& value :
         context.builder.inline_graph(region, context.operands.subspan(first, count)))
      results.push_back(value);
    first += count;
  }
  return results;
}

}  // namespace

Op loop_group_op() {
  return Op{.name = "loop_group", .kind = OpKind::fused, .num_regions = -1}
      .doc("Regions of the same ops over tensors of different sizes, computed by one launch.")
      .operands(0, -1)
      .infer(infer)
      .decompose(decompose);
}

std::vector<Value> loop_group(std::span<const Value> operands, std::vector<Graph> members) {
  require(!operands.empty(), "[loop_group] has no operands");
  return operands[0].builder->emit("loop_group", operands, {}, std::move(members));
}

}  // namespace brisk
