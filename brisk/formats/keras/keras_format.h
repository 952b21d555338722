#pragma once

/// Keras's row in the table of model formats.

#include "brisk/formats/model_file.h"

namespace brisk {

ModelFormat keras_format();

}  // namespace brisk
