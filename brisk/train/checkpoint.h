#pragma once

/// Checkpoints: directories `checkpoint-<step>/` with state.safetensors (all state of the step:
/// weights, optimizer, keys, loss scale; checksummed) and checkpoint.json (format version, step,
/// data position, metrics so far). Written beside and renamed whole: a kill at any instant leaves
/// the previous one. Older ones are removed after a new one is complete.

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "brisk/base/tensor.h"
#include "brisk/data/dataset.h"
#include "brisk/ir/program.h"

namespace brisk {

struct Checkpoint {
  int64_t step = 0;
  DatasetPosition position;
  std::vector<std::string> names;  ///< of the state entries
  std::vector<Tensor> state;
  std::string history = {};        ///< JSON of the metrics so far
  std::string recipe = {};         ///< fingerprint of what was trained; resuming another is refused
};

/// Writes checkpoint-<step> under `directory`, then removes all but the newest `keep` up to this
/// step, and those of later steps: they were passed over, or belong to a training begun anew.
Status write_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint, int keep = 2);
/// The newest checkpoint that is complete and whose checksums hold; damaged ones are passed over
/// with a line in `warnings`. Nothing when there is none.
Result<std::optional<Checkpoint>> read_newest_checkpoint(const std::filesystem::path& directory,
                                                         std::vector<std::string>* warnings = nullptr);

}  // namespace brisk
