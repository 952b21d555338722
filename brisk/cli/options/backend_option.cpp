#include "brisk/cli/options/backend_option.h"

#include <fmt/format.h>

#include "brisk/runtime/backend.h"

namespace brisk::cli {

void add_backend_option(CLI::App& verb, std::string& backend) {
  verb.add_option("--backend", backend,
                  fmt::format("Where to compute: {}", fmt::join(backend_names(), ", ")));
}

}  // namespace brisk::cli
