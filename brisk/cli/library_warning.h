#pragma once

/// What verbs that compute say on standard error before they do, where the backend lacks a library
/// and something will be slow for it.

#include <string>

#include "brisk/nn/model.h"
#include "brisk/runtime/backend.h"

namespace brisk::cli {

void warn_of_missing_libraries(const Backend& backend, const Executable& executable);

/// Of the model's forward pass for one example: for what is compiled out of the caller's sight.
/// Compiles only where a library is missing.
void warn_of_missing_libraries(const Model& model, const std::string& backend);

}  // namespace brisk::cli
