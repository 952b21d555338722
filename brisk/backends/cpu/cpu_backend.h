#pragma once

/// The CPU backend: oneDNN for convolution and contraction, compiled loops for what lies between.

#include <memory>

#include "brisk/runtime/backend.h"

namespace brisk::cpu {

std::shared_ptr<const Backend> make_cpu_backend();

}  // namespace brisk::cpu
