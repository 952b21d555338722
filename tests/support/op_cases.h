#pragma once

/// The cases of all ops, a list for each kind (in <kind>_cases.cpp).

#include <string>
#include <vector>

#include "tests/support/op_case.h"

namespace brisk::testing {

std::vector<OpCase> source_cases();
std::vector<OpCase> elementwise_cases();
std::vector<OpCase> reduce_cases();
std::vector<OpCase> move_cases();
std::vector<OpCase> index_cases();
std::vector<OpCase> contract_cases();
std::vector<OpCase> convolve_cases();
std::vector<OpCase> window_cases();
std::vector<OpCase> composite_cases();
std::vector<OpCase> control_cases();
std::vector<OpCase> fused_cases();
std::vector<OpCase> batch_norm_fusion_cases();
std::vector<OpCase> quantize_cases();
std::vector<OpCase> tflite_cases();

std::vector<OpCase> all_op_cases();

/// Names of the ops that have a case, sorted.
std::vector<std::string> covered_ops();

}  // namespace brisk::testing
