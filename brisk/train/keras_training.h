#pragma once

/// Training that Keras began: optimizer with its state, loss and metrics of a compiled Keras model.

#include "brisk/formats/keras/keras_file.h"
#include "brisk/train/trainer.h"

namespace brisk {

/// Options for a Trainer that goes on where Keras stopped. Fails with what brisk's optimizers and
/// losses do not know, or when the file was saved uncompiled.
Result<TrainerOptions> keras_training(const KerasModel& keras);

}  // namespace brisk
