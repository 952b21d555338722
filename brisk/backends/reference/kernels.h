#pragma once

/// The kernels of the oracle, one a kind of op, and what they are given. A kernel returns one new
/// tensor per result; it may share bytes with its operands and never writes to them.

#include <span>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/ir/graph.h"
#include "brisk/ir/op.h"

namespace brisk::reference {

struct KernelCall {
  const Node& node;
  std::span<const Tensor> operands;
  const OpSetPtr& ops;  ///< what decompositions are built from

  const Tensor& in(size_t i) const { return operands[i]; }
  const TensorType& result(size_t i = 0) const { return node.results[i].tensor(); }
  template <typename T>
  const T& as() const {
    return node.attributes.as<T>();
  }
};

using Kernel = std::vector<Tensor> (*)(const KernelCall&);

/// The kernel made for this op by name, else nullptr: each kind lists its own.
Kernel find_source_kernel(std::string_view op);
Kernel find_reduce_kernel(std::string_view op);
Kernel find_move_kernel(std::string_view op);
Kernel find_index_kernel(std::string_view op);
Kernel find_contract_kernel(std::string_view op);
Kernel find_convolve_kernel(std::string_view op);
Kernel find_window_kernel(std::string_view op);
Kernel find_control_kernel(std::string_view op);

/// Any op with a scalar expression.
std::vector<Tensor> evaluate_expression(const KernelCall& call);
/// Any op with a combiner.
std::vector<Tensor> evaluate_reduction(const KernelCall& call);
/// Any op with a decomposition.
std::vector<Tensor> evaluate_decomposition(const KernelCall& call);

/// The kernel for a node: by name, else by the rules that its op carries. Refused when it has none.
Kernel select_kernel(const Op& op);

}  // namespace brisk::reference
