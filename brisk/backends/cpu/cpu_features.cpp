#include "brisk/backends/cpu/cpu_features.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <sstream>

namespace brisk::cpu {
namespace {

/// The value of the first line "key : value" of /proc/cpuinfo; empty when there is none.
std::string cpuinfo(std::string_view key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

}  // namespace

std::string cpu_name() {
  const std::string name = cpuinfo("model name");
  return name.empty() ? "unknown processor" : name;
}

std::vector<std::string> cpu_features() {
  constexpr std::array<std::string_view, 6> kInteresting = {
      "avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "amx_int8"};
  std::istringstream words(cpuinfo("flags"));
  std::set<std::string> present;
  for (std::string word; words >> word;) present.insert(word);
  std::vector<std::string> result;
  for (const std::string_view name : kInteresting)
    if (present.contains(std::string(name))) result.emplace_back(name);
  return result;
}

bool has_feature(std::string_view name) {
  static const std::vector<std::string> features = cpu_features();
  return std::find(features.begin(), features.end(), name) != features.end();
}

}  // namespace brisk::cpu
