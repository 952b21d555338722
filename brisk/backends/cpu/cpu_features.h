#pragma once

/// What this processor is and can do.

#include <string>
#include <string_view>
#include <vector>

namespace brisk::cpu {

/// The model's name as the system tells it: "AMD EPYC".
std::string cpu_name();
/// Of the instruction sets that matter here, those this processor has: avx2 avx512f avx512_bf16
/// avx512_vnni amx_bf16 amx_int8.
std::vector<std::string> cpu_features();
bool has_feature(std::string_view name);

}  // namespace brisk::cpu
