#pragma once

/// What would run a node on a described device, without one.

#include "brisk/backends/cuda/device_description.h"
#include "brisk/backends/cuda/kernel.h"
#include "brisk/ir/graph.h"

namespace brisk::cuda {

struct ChosenKernel {
  std::string kernel;
  std::vector<KernelSource> sources;
  int64_t workspace_bytes = 0, counter_bytes = 0, packed_bytes = 0;
};

inline DeviceProperties described_h200() {
  return read_device_description(BRISK_SOURCE_DIR "/tests/backends/cuda/h200.json").value();
}

/// The kernel that a device would run the last node of `graph` with; its operands are constants
/// from number `first_constant` on.
inline ChosenKernel chosen_kernel(const Graph& graph, size_t first_constant = SIZE_MAX,
                                  const DeviceProperties& device = described_h200()) {
  const Node& node = graph.nodes().back();
  std::vector<Type> operands;
  std::vector<bool> constant;
  for (const ValueId& operand : node.operands) {
    constant.push_back(operands.size() >= first_constant);
    operands.push_back(graph.type(operand));
  }
  CodeLibrary code;
  const KernelChoice choice = choose_kernel({node, operands, constant, true, device, true},
                                            PrepareContext{code, nullptr, nullptr});
  return {choice.launch->name(), code.kernels(), choice.launch->workspace_bytes(),
          choice.launch->counter_bytes(), choice.launch->packed_bytes()};
}

}  // namespace brisk::cuda
