#pragma once

/// Functions of TensorFlow in models of Keras 2. There `2 - tf.nn.relu(x)` on a Keras tensor makes
/// layers of the classes TFOpLambda and SlicingOpLambda, which name TensorFlow's function.

#include "brisk/nn/functional_config.h"

namespace brisk {

/// Makes of such a layer the function of keras.ops that does the same, its arguments renamed. One
/// that has no counterpart is called by TensorFlow's name ("tf.signal.stft"), which then is
/// reported as missing; other layers stay as they are.
void become_operation(LayerEntry& entry);

}  // namespace brisk
