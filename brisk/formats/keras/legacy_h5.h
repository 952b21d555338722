#pragma once

/// The .h5 files of Keras 2 (tf.keras) and of Keras 3's legacy writer: one HDF5 file with the
/// model's JSON in the root attribute "model_config" and a group for each layer under
/// "model_weights".

#include <string>
#include <vector>

#include "brisk/base/json.h"
#include "brisk/formats/hdf5/hdf5_file.h"
#include "brisk/ir/program.h"
#include "brisk/nn/functional_config.h"

namespace brisk {

struct LegacyConfig {
  Json model;
  std::string training_config;  ///< JSON; empty when uncompiled
  std::string keras_version;
};
Result<LegacyConfig> read_legacy_config(const Hdf5File& file, const std::string& what);

/// The weights in the order of `state`.
Result<std::vector<Tensor>> read_legacy_weights(const Hdf5File& file,
                                                const FunctionalConfig& config,
                                                const std::vector<StateEntry>& state,
                                                const std::string& what);

}  // namespace brisk
