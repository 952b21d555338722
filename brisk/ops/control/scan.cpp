#include "brisk/base/error.h"
#include "brisk/ir/builder.h"
#include "brisk/ops/control/control.h"
#include "brisk/ops/control/control_ops.h"
#include "brisk/ops/control/region_signature.h"
#include "brisk/ops/control/scan_gradient.h"

namespace brisk {
namespace {

std::vector<Type> infer(const InferContext& context) {
  const auto& [num_carries, num_sequences, trips, reverse] = context.as<ScanAttributes>();
  const auto num_operands = static_cast<int64_t>(context.operands.size());
  const Graph& body = context.regions[0];
  require(num_carries >= 0 && num_carries <= num_operands && num_sequences >= 0 &&
              num_sequences <= num_operands - num_carries,
          "[scan] {} carries and {} sequences do not fit {} operands", num_carries, num_sequences,
          num_operands);
  require(trips >= 0, "[scan] trips {} must not be negative", trips);
  std::vector<Type> inputs(context.operands.begin(), context.operands.end());
  for (int64_t i = num_carries; i < num_carries + num_sequences; ++i) {
    const TensorType& sequence = inputs[static_cast<size_t>(i)].tensor();
    require(sequence.shape.rank() >= 1 && sequence.shape[0] == Extent(trips),
            "[scan] sequence {} is {}, but the leading extent must be the {} trips",
            i - num_carries, inputs[static_cast<size_t>(i)].to_string(), trips);
    Shape slice(std::vector<Extent>(sequence.shape.begin() + 1, sequence.shape.end()));
    inputs[static_cast<size_t>(i)] = Type(sequence.dtype, std::move(slice));
  }
  require_inputs("scan", "body", body, inputs);
  std::vector<Type> results = output_types(body);
  require(static_cast<int64_t>(results.size()) >= num_carries,
          "[scan] body '{}' has {} outputs for {} carries", body.name(), results.size(),
          num_carries);
  for (size_t i = 0; i < results.size(); ++i) {
    if (i < static_cast<size_t>(num_carries)) {
      require(results[i] == inputs[i], "[scan] carry {} is {}, but body '{}' returns {}", i,
              inputs[i].to_string(), body.name(), results[i].to_string());
      continue;
    }
    Shape stacked{trips};
    for (const Extent& extent : results[i].shape()) stacked.push_back(extent);
    results[i] = Type(results[i].dtype(), std::move(stacked));
  }
  return results;
}

}  // namespace

Op scan_op() {
  return Op{.name = "scan", .kind = OpKind::control, .num_regions = 1}
      .doc(
          "Calls its region once for each index of the sequences' leading axis, handing the "
          "carries "
          "on and stacking the items.")
      .operands(0, -1)
      .attributes<ScanAttributes>()
      .infer(infer)
      .vjp(scan_gradient);
}

std::vector<Value> scan(std::span<const Value> carries, std::span<const Value> sequences,
                        std::span<const Value> constants, Graph body, int64_t trips, bool reverse) {
  std::vector<Value> operands(carries.begin(), carries.end());
  operands.insert(operands.end(), sequences.begin(), sequences.end());
  operands.insert(operands.end(), constants.begin(), constants.end());
  require(!operands.empty(), "[scan] has no operands");
  return operands[0].builder->emit(
      "scan", operands,
      ScanAttributes{static_cast<int64_t>(carries.size()), static_cast<int64_t>(sequences.size()),
                     trips, reverse},
      {std::move(body)});
}

}  // namespace brisk
