#pragma once

/// A training from the command line: progress on standard error, checkpoints that a signal leaves
/// complete, and the model as a package at the end.

#include <filesystem>
#include <string>

#include "brisk/train/job.h"

namespace brisk::cli {

/// What a training leaves under its recipe's output.
struct RunPlaces {
  explicit RunPlaces(const std::filesystem::path& output)
      : model(output / "model"),
        checkpoints(output / "checkpoints"),
        tensorboard(output / "tensorboard") {}
  std::filesystem::path model, checkpoints, tensorboard;
};

/// Refused where `output` holds an earlier training, unless this one goes on with it.
void require_new_run(const std::filesystem::path& output, bool resume);

/// Trains; after a signal it ends with the current step, everything saved.
History run_job(Trainer& trainer, const Job& job, bool resume, bool quiet);

/// Writes the trained model and the job's preprocessing to the output's package; `optimization` is
/// the package's (brisk/formats/package/package.h), `gzipped` its weights.
void write_trained(const Trainer& trainer, const Job& job, const std::string& optimization = {},
                   bool gzipped = false);

/// `text` as one word of a shell's command line.
std::string shell_word(const std::string& text);

}  // namespace brisk::cli
