#pragma once

/// Writes .keras files that every Keras from 3.3 on loads.

#include <filesystem>

#include "brisk/base/error.h"
#include "brisk/nn/model.h"

namespace brisk {

/// Whole or not at all. Fails, with the reason, where the model has ops outside of layers or no
/// weights.
Status write_keras(const Model& model, const std::filesystem::path& path);

}  // namespace brisk
