#pragma once

/// The CUDA backend: whole programs on one NVIDIA GPU (compute capability 8.0 or newer).

#include <memory>

#include "brisk/runtime/backend.h"

namespace brisk::cuda {

/// Never fails here: whether there is a device shows when something is compiled, with a sentence.
std::shared_ptr<const Backend> make_cuda_backend();

}  // namespace brisk::cuda
