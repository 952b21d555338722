#include "tests/support/op_cases.h"

#include <set>

namespace brisk::testing {

std::vector<OpCase> all_op_cases() {
  std::vector<OpCase> all;
  for (const auto list :
       {source_cases, elementwise_cases, reduce_cases, move_cases, index_cases, contract_cases,
        convolve_cases, window_cases, composite_cases, control_cases, fused_cases,
        batch_norm_fusion_cases, quantize_cases, tflite_cases})
    for (OpCase& op_case : list()) all.push_back(std::move(op_case));
  return all;
}

std::vector<std::string> covered_ops() {
  std::set<std::string> names;
  for (const OpCase& op_case : all_op_cases()) names.insert(op_case.op);
  return {names.begin(), names.end()};
}

}  // namespace brisk::testing
