#include "brisk/base/error.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/control/control_ops.h"
#include "brisk/ops/control/region_gradient.h"
#include "brisk/ops/control/region_signature.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  require(context.operands[0] == Type(DType::boolean, {}),
          "[branch] the predicate must be bool[], but is {}", context.operands[0].to_string());
  const auto operands = context.operands.subspan(1);
  const std::vector<Type> results = output_types(context.regions[0]);
  require_inputs("branch", "then", context.regions[0], operands);
  require_inputs("branch", "else", context.regions[1], operands);
  require_outputs("branch", "else", context.regions[1], results);
  return results;
}

/// The same choice between the regions' derivatives, which compute the taken side again.
std::vector<Value> vjp(const Vjp& d) {
  std::vector<size_t> wrt;
  for (size_t i = 1; i < d.operands.size(); ++i)
    if (d.needs(i)) wrt.push_back(i - 1);
  std::vector<Value> gradients(d.operands.size());
  std::vector<Value> operands(d.operands.begin(), d.operands.end());
  for (const Value& cotangent : result_cotangents(d)) operands.push_back(cotangent);
  const auto found = d.builder.emit(
      "branch", operands, {}, {d.vjp_graph(d.regions[0], wrt), d.vjp_graph(d.regions[1], wrt)});
  for (size_t i = 0; i < wrt.size(); ++i) gradients[wrt[i] + 1] = found[i];
  return gradients;
}

}  // namespace

Op branch_op() {
  return Op{.name = "branch", .kind = OpKind::control, .num_regions = 2}
      .doc("Evaluates the first region where the predicate holds, else the second.")
      .operands(1, -1)
      .infer(infer)
      .vjp(vjp);
}

std::vector<Value> branch(Value predicate, std::span<const Value> operands, Graph then_graph,
                          Graph else_graph) {
  std::vector<Value> all = {predicate};
  all.insert(all.end(), operands.begin(), operands.end());
  return predicate.builder->emit("branch", all, {}, {std::move(then_graph), std::move(else_graph)});
}

}  // namespace brisk
