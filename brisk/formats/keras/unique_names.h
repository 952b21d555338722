#pragma once

/// Names of layers beside those that Keras makes up for functions.

#include "brisk/nn/functional_config.h"

namespace brisk {

/// Functions of keras.ops with arguments of their own are written without a name, which Keras
/// before 3.12 does not take; when the file is loaded they get one of their class ("concatenate",
/// "concatenate_1"). A layer that has such a name by itself is called "concatenate_layer" here.
FunctionalConfig with_unique_names(FunctionalConfig config);

}  // namespace brisk
