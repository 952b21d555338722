#include "brisk/formats/keras/unique_names.h"

#include <map>
#include <set>

#include "brisk/nn/snake_case.h"

namespace brisk {

FunctionalConfig with_unique_names(FunctionalConfig config) {
  std::set<std::string> taken;
  std::map<std::string, int> counts;
  for (const LayerEntry& entry : config.layers) {
    if (!entry.is_operation() || entry.config.empty()) continue;
    const std::string base = snake_case(entry.class_name);
    const int count = counts[base]++;
    taken.insert(count == 0 ? base : fmt::format("{}_{}", base, count));
  }
  std::map<std::string, std::string> renamed;
  for (const LayerEntry& entry : config.layers) {
    const bool is_named = !entry.is_operation() || entry.config.empty();
    if (is_named && taken.contains(entry.name)) renamed[entry.name] = entry.name + "_layer";
  }
  const auto rename = [&](std::string& name) {
    if (const auto found = renamed.find(name); found != renamed.end()) name = found->second;
  };
  for (LayerEntry& entry : config.layers) {
    if (!entry.is_operation() || entry.config.empty()) rename(entry.name);
    for (LayerCall& call : entry.calls)
      for (TensorReference& input : call.inputs) rename(input.layer);
  }
  for (TensorReference& input : config.inputs) rename(input.layer);
  for (TensorReference& output : config.outputs) rename(output.layer);
  return config;
}

}  // namespace brisk
