// Composite ops: their decomposition is built into a graph of its own and evaluated.

#include "brisk/backends/reference/evaluate.h"
#include "brisk/backends/reference/kernels.h"
#include "brisk/base/error.h"
#include "brisk/ir/builder.h"

namespace brisk::reference {

std::vector<Tensor> evaluate_decomposition(const KernelCall& call) {
  Builder builder(call.ops, call.node.op->name);
  std::vector<Value> operands;
  for (const Tensor& tensor : call.operands)
    operands.push_back(builder.input(fmt::format("operand{}", operands.size()),
                                     Type(tensor.dtype(), Shape(tensor.sizes()))));
  const std::vector<Value> values = call.node.op->decompose_rule(
      {builder, operands, call.node.attributes, call.node.regions, call.node.results});
  invariant(values.size() == call.node.results.size(), "[{}] decomposes into {} values, but has {}",
            call.node.op->name, values.size(), call.node.results.size());
  std::vector<Builder::Output> outputs;
  for (const Value& value : values)
    outputs.push_back({fmt::format("result{}", outputs.size()), value});
  return evaluate(builder.finish(outputs), call.operands);
}

}  // namespace brisk::reference
