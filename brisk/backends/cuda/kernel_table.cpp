#include <algorithm>

#include "brisk/backends/cuda/kernel.h"
#include "brisk/backends/cuda/kernels/join_kernels.h"
#include "brisk/backends/cuda/kernels/narrow_convolution.h"
#include "brisk/backends/cuda/kernels/pointwise_convolutions.h"
#include "brisk/backends/cuda/kernels/small_convolution.h"
#include "brisk/base/error.h"

// The table of kernels: for each op an ordered list, best first. Vendor libraries come before
// kernels of our own, which take whatever the libraries refuse; those that are faster where they
// are taken come first.

namespace brisk::cuda {
namespace {

struct Row {
  std::string op;
  std::vector<Kernel> kernels;
};

const std::vector<Row>& table() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> result;
    for (auto* list : {&narrow_kernels, &halo_kernels, &join_kernels,
                       &pointwise_convolution_kernels, &small_convolution_kernels, &cudnn_kernels,
                       &cublaslt_kernels, &loop_kernels, &own_kernels})
      for (const OpKernel& entry : list()) {
        auto row = std::find_if(result.begin(), result.end(),
                                [&](const Row& r) { return r.op == entry.op; });
        if (row == result.end()) row = result.insert(result.end(), Row{std::string(entry.op), {}});
        row->kernels.push_back(entry.kernel);
      }
    return result;
  }();
  return rows;
}

std::string request_text(const KernelRequest& request) {
  std::string operands, results;
  for (const Type& type : request.operands)
    operands += (operands.empty() ? "" : ", ") + type.to_string();
  for (const Type& type : request.node.results)
    results += (results.empty() ? "" : ", ") + type.to_string();
  return fmt::format("({}) -> {}", operands, results);
}

}  // namespace

KernelChoice choose_kernel(const KernelRequest& request, const PrepareContext& context) {
  KernelChoice choice;
  const auto& rows = table();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const Row& r) { return r.op == request.node.op->name; });
  if (row != rows.end())
    for (const Kernel& kernel : row->kernels) {
      if (const auto reason = kernel.refuse(request)) {
        choice.refusals.push_back({std::string(kernel.name), *reason});
        continue;
      }
      choice.launch = kernel.prepare(request, context);
      return choice;
    }
  std::string reasons;
  for (const auto& refusal : choice.refusals)
    reasons += fmt::format("; {}: {}", refusal.kernel, refusal.reason);
  refuse("no kernel for {} {}{}{}", request.node.op->name, request_text(request),
         request.node.label.empty() ? "" : fmt::format(" of layer {}", request.node.label),
         choice.refusals.empty() ? "; the cuda backend has none for this op" : reasons);
}

}  // namespace brisk::cuda
