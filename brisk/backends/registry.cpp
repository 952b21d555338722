// The backends of this build, in order of preference: an explicit table.

#include <array>

#include "brisk/backends/cpu/cpu_backend.h"
#include "brisk/backends/cuda/cuda_backend.h"
#include "brisk/backends/reference/reference_backend.h"
#include "brisk/base/edit_distance.h"
#include "brisk/runtime/backend.h"

namespace brisk {
namespace {

struct BackendRow {
  std::string_view name;
  std::shared_ptr<const Backend> (*make)();
};

constexpr std::array kBackends{
    BackendRow{"cuda", cuda::make_cuda_backend},
    BackendRow{"cpu", cpu::make_cpu_backend},
    BackendRow{"reference", make_reference_backend},
};

}  // namespace

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const BackendRow& row : kBackends) names.emplace_back(row.name);
  return names;
}

std::vector<std::string> available_backend_names() {
  std::vector<std::string> names;
  for (const BackendRow& row : kBackends)
    if (row.make()->available()) names.emplace_back(row.name);
  return names;
}

Result<std::shared_ptr<const Backend>> find_backend(std::string_view name) {
  for (const BackendRow& row : kBackends)
    if (row.name == name) return row.make();
  const std::vector<std::string> names = backend_names();
  return fail("there is no backend '{}'; this build has: {}{}", name, fmt::join(names, ", "),
              did_you_mean(name, names));
}

}  // namespace brisk
