#include "brisk/cli/library_warning.h"

#include <fmt/format.h>

#include <algorithm>

#include "brisk/runtime/missing_libraries.h"
#include "brisk/train/model_step.h"

namespace brisk::cli {

void warn_of_missing_libraries(const Backend& backend, const Executable& executable) {
  for (const std::string& warning : missing_library_warnings(backend, executable))
    fmt::print(stderr, "brisk: {}\n", warning);
}

void warn_of_missing_libraries(const Model& model, const std::string& backend) {
  const auto found = find_backend(backend).value();
  if (!found->available()) return;  // which whoever computes is told
  const std::vector<LibraryReport> libraries = found->libraries();
  if (std::ranges::all_of(libraries, [](const auto& library) { return library.problem.empty(); }))
    return;
  const ModelStep step =
      make_model_step(model, {.batch_size = 1, .inference = true, .target = found->target()});
  warn_of_missing_libraries(*found, *compile(step.program, *found).executable);
}

}  // namespace brisk::cli
