"""Imported before keras: puts tf_keras in its place where that is the version to be run."""

import os
import sys

if os.environ.get("BRISK_KERAS_VERSION") == "tf_keras":
    import tf_keras

    sys.modules["keras"] = tf_keras

import keras  # noqa: E402
import numpy as np  # noqa: E402


def input_name(tensor):
    """The name of the InputLayer: the tensor's own name differs in newer versions."""
    history = tensor._keras_history
    return getattr(history, "operation", None).name if hasattr(history, "operation") else history.layer.name


def outputs_of(model, inputs):
    """All outputs for inputs by name, as a list of arrays; of a dictionary in order of its keys."""
    structure = getattr(model, "input", None)  # newer Sequential models have none until they are called
    if isinstance(structure, dict):
        given = {key: inputs[input_name(tensor)] for key, tensor in structure.items()}
    else:
        given = [inputs[input_name(tensor)] for tensor in model.inputs]
        given = given[0] if len(given) == 1 else given
    try:
        result = model(given, training=False)
    except Exception:  # TensorFlow's own kernels lack convolutions that its compiler has
        import tensorflow
        result = tensorflow.function(lambda: model(given, training=False), jit_compile=True)()
    if isinstance(result, dict):
        result = [result[key] for key in sorted(result)]
    flat = []
    for part in result if isinstance(result, (list, tuple)) else [result]:
        flat += list(part) if isinstance(part, (list, tuple)) else [part]
    return [np.ascontiguousarray(np.asarray(part)) for part in flat]
