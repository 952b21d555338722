#pragma once

/// The option --backend, the same for every verb that computes.

#include <CLI/CLI.hpp>
#include <string>

namespace brisk::cli {

/// `backend` holds the default. A name that this build does not know is refused by find_backend.
void add_backend_option(CLI::App& verb, std::string& backend);

}  // namespace brisk::cli
