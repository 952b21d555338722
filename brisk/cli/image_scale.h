#pragma once

/// How images become the numbers that an imported model takes: files of other frameworks do not
/// say.

#include <CLI/CLI.hpp>
#include <vector>

#include "brisk/formats/package/package.h"

namespace brisk::cli {

struct ImageScale {
  std::vector<double> mean, std;  ///< as a recipe has them; empty: not given
};

void add_image_scale_options(CLI::App& verb, ImageScale& scale);

/// Of a package whose first input is an image [height, width, channels], as it is kept beside the
/// model, and told to the user: what the options say; 0 and 1 where the model begins with a
/// Rescaling or Normalization of its own, as Keras's do that take pixels from 0 to 255; else that
/// of recipes, 0 and 255. Empty for other inputs.
std::string image_preprocessing(const Package& package, const ImageScale& scale);

}  // namespace brisk::cli
