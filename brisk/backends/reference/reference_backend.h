#pragma once

/// The oracle as a backend: every program runs on it, slowly.

#include <memory>

#include "brisk/runtime/backend.h"

namespace brisk {

std::shared_ptr<const Backend> make_reference_backend();

}  // namespace brisk
