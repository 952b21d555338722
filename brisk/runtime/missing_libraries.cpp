#include "brisk/runtime/missing_libraries.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace brisk {

std::vector<std::string> missing_library_warnings(const Backend& backend,
                                                  const Executable& executable) {
  std::vector<std::string> warnings;
  std::vector<KernelReport> kernels;
  for (const LibraryReport& library : backend.libraries()) {
    if (library.problem.empty()) continue;
    if (kernels.empty()) kernels = executable.explain();
    std::set<std::string> ops, taken;
    int64_t count = 0;
    for (const KernelReport& kernel : kernels) {
      // A kernel of the library refuses with the library's own problem.
      if (std::ranges::none_of(kernel.refusals, [&](const KernelReport::Refusal& refusal) {
            return refusal.reason == library.problem;
          }))
        continue;
      ++count;
      ops.insert(kernel.op);
      taken.insert(kernel.kernel);
    }
    if (count == 0) continue;
    warnings.push_back(
        fmt::format("without {}, {} of {} kernels ({}) run on {}, many times slower than with it: "
                    "{}",
                    library.name, count, kernels.size(), fmt::join(ops, ", "),
                    fmt::join(taken, ", "), library.problem));
  }
  return warnings;
}

}  // namespace brisk
