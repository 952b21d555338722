"""What TensorFlow's Model Optimization Toolkit trains with fake quantization: tests/train/tfmot_quantization.json.

usage: quantization_training.py [--out FILE]   (needs tensorflow-model-optimization, tf_keras and tensorflow)

A dense network of TFMOT's quantizers: kernels LastValueQuantizer by channel, symmetric; the input
MovingAverageQuantizer, symmetric; behind ReLU the same with a range from 0. Weights, ranges and the
outputs of inference at the end of every epoch.
"""

import argparse
import json
import os
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
import tensorflow_model_optimization as tfmot  # noqa: E402
import tf_keras as keras  # noqa: E402
from pruning_masks import numbers  # noqa: E402
from tensorflow_model_optimization.python.core.quantization.keras import quantize_layer, quantize_wrapper, quantizers  # noqa: E402

EPOCHS, STEPS_PER_EPOCH, BATCH = 3, 8, 8
FIRST_RANGES = {"x": 2.0, "hidden": 1.5}


class FirstRange(quantizers.MovingAverageQuantizer):
    """MovingAverageQuantizer that begins with a range of its own."""

    def __init__(self, low, high, symmetric):
        super().__init__(num_bits=8, per_axis=False, symmetric=symmetric, narrow_range=symmetric)
        self.first = (low, high)

    def build(self, tensor_shape, name, layer):
        variables = super().build(tensor_shape, name, layer)
        variables["min_var"].assign(self.first[0])
        variables["max_var"].assign(self.first[1])
        return variables


class Config(tfmot.quantization.keras.QuantizeConfig):
    def __init__(self, activation):
        self.kernel = quantizers.LastValueQuantizer(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)
        self.activation = activation

    def get_weights_and_quantizers(self, layer):
        return [(layer.kernel, self.kernel)]

    def get_activations_and_quantizers(self, layer):
        return [(layer.activation, self.activation)] if self.activation else []

    def set_quantize_weights(self, layer, weights):
        layer.kernel = weights[0]

    def set_quantize_activations(self, layer, activations):
        if activations:
            layer.activation = activations[0]

    def get_output_quantizers(self, layer):
        return []

    def get_config(self):
        return {}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).resolve().parents[1] / "train/tfmot_quantization.json")
    options = parser.parse_args()
    random = np.random.default_rng(5)  # where no sum lies halfway, within rounding, of two steps
    features = random.normal(size=(STEPS_PER_EPOCH * BATCH, 12)).astype(np.float32)
    labels = random.integers(0, 5, size=len(features)).astype(np.int32)
    hidden = keras.layers.Dense(16, activation="relu", name="hidden")
    logits = keras.layers.Dense(5, name="logits")
    model = keras.Sequential([
        keras.layers.InputLayer((12,)),
        quantize_layer.QuantizeLayer(FirstRange(-FIRST_RANGES["x"], FIRST_RANGES["x"], True)),
        quantize_wrapper.QuantizeWrapperV2(hidden, Config(FirstRange(0, FIRST_RANGES["hidden"], False))),
        quantize_wrapper.QuantizeWrapperV2(logits, Config(None))])
    wrappers = {"hidden": model.layers[1], "logits": model.layers[2]}
    kernels = {name: wrapper._weight_vars[0][0] for name, wrapper in wrappers.items()}
    layers = {"hidden": hidden, "logits": logits}
    first = {}
    for name, layer in layers.items():
        kernels[name].assign(random.normal(scale=0.5, size=kernels[name].shape))
        layer.bias.assign(random.normal(scale=0.5, size=layer.bias.shape))
        first[name] = {"kernel": numbers(kernels[name]), "bias": numbers(layer.bias)}
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9),
                  keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    epochs = []

    def record(*_):
        # In inference the range is that of the kernel before the last update: here, as it is now.
        for name, kernel in kernels.items():
            for variable, sign in (("min_var", -1), ("max_var", 1)):
                wrappers[name]._weight_vars[0][2][variable].assign(sign * tf.reduce_max(tf.abs(kernel), axis=0))
        greatest = {w.name: float(w.numpy()) for w in model.weights if w.shape == ()}
        ranges = {"x": greatest["quantize_layer/quantize_layer_max:0"],
                  "hidden": greatest["quant_hidden/post_activation_max:0"]}
        epochs.append({**{name: {"kernel": numbers(kernels[name]), "bias": numbers(layer.bias)}
                          for name, layer in layers.items()},
                       "ranges": ranges, "outputs": numbers(model(features[:BATCH], training=False))})

    model.fit(features, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0,
              callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=record)])
    result = {"tensorflow": tf.__version__, "tfmot": tfmot.__version__, "batch": BATCH, "epochs": EPOCHS,
              "first_ranges": FIRST_RANGES, "features": numbers(features), "labels": [int(x) for x in labels],
              "first": first, "after_epoch": epochs}
    options.out.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
