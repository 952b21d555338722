#include "brisk/backends/cpu/kernel.h"
#include "brisk/backends/cpu/kernels/kernels.h"
#include "brisk/backends/cpu/reference_kernel.h"
#ifdef BRISK_HAVE_ONEDNN
#include "brisk/backends/cpu/onednn/kernels.h"
#endif

// The table of kernels: for each op an ordered list, best first. The reference evaluator stands
// behind all of them.

namespace brisk::cpu {
namespace {

struct Row {
  std::string_view op;
  std::vector<Kernel> kernels;
};

const std::vector<Row>& table() {
  static const std::vector<Row> rows = [] {
    std::vector<Row> result;
    for (auto* list : {
             &own_kernels,  // each refuses where oneDNN is faster
#ifdef BRISK_HAVE_ONEDNN
             &onednn_kernels,
#endif
             &own_late_kernels,
         })
      for (const OpKernel& entry : list()) {
        auto row = std::find_if(result.begin(), result.end(), [&](const Row& r) { return r.op == entry.op; });
        if (row == result.end()) row = result.insert(result.end(), Row{entry.op, {}});
        row->kernels.push_back(entry.kernel);
      }
    return result;
  }();
  return rows;
}

}  // namespace

std::span<const Kernel> kernels_for(std::string_view op) {
  for (const Row& row : table())
    if (row.op == op) return row.kernels;
  return {};
}

KernelChoice choose_kernel(const KernelRequest& request) {
  KernelChoice choice;
  for (const Kernel& kernel : kernels_for(request.node.op->name)) {
    if (const auto reason = kernel.refuse(request)) {
      choice.refusals.push_back({std::string(kernel.name), *reason});
      continue;
    }
    choice.launch = kernel.prepare(request);
    return choice;
  }
  choice.launch = prepare_reference(request);
  return choice;
}

}  // namespace brisk::cpu
