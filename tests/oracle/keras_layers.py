"""Asks Keras what the layers of tests/nn/layers_test.cpp are: output shapes, weights, names, classes
and configurations. Holds tests/nn/keras_layers.json against it; --write makes the file anew."""

import json
import sys
from pathlib import Path

import keras
from keras import layers

FILE = Path(__file__).resolve().parents[1] / "nn" / "keras_layers.json"
IMAGE = [[7, 5, 3]]


def cases():
    """Name of the case: the sizes of the inputs without the batch, and how the layer is made."""
    return {
        "dense": ([[6]], lambda: layers.Dense(1)),
        "dense_no_bias_sequence": ([[5, 6]], lambda: layers.Dense(4, activation="relu", use_bias=False)),
        "conv2d": (IMAGE, lambda: layers.Conv2D(1, 3)),
        "conv2d_same_strided": (IMAGE, lambda: layers.Conv2D(8, 3, strides=2, padding="same")),
        "conv2d_valid_strided": (IMAGE, lambda: layers.Conv2D(8, (3, 2), strides=(2, 1))),
        "conv2d_dilated": (IMAGE, lambda: layers.Conv2D(8, 3, dilation_rate=(2, 1))),
        "conv2d_groups": (IMAGE, lambda: layers.Conv2D(6, 3, padding="same", groups=3)),
        "depthwise_conv2d": (IMAGE, lambda: layers.DepthwiseConv2D(3)),
        "depthwise_conv2d_multiplier": (IMAGE, lambda: layers.DepthwiseConv2D(
            3, strides=2, padding="same", depth_multiplier=2)),
        "zero_padding2d": (IMAGE, lambda: layers.ZeroPadding2D()),
        "zero_padding2d_uneven": (IMAGE, lambda: layers.ZeroPadding2D(((1, 2), (3, 4)))),
        "max_pooling2d": (IMAGE, lambda: layers.MaxPooling2D()),
        "max_pooling2d_same": (IMAGE, lambda: layers.MaxPooling2D(3, strides=2, padding="same")),
        "average_pooling2d": (IMAGE, lambda: layers.AveragePooling2D(2)),
        "average_pooling2d_strided": (IMAGE, lambda: layers.AveragePooling2D(
            (3, 2), strides=(1, 2), padding="same")),
        "global_average_pooling2d": (IMAGE, lambda: layers.GlobalAveragePooling2D()),
        "global_max_pooling2d_keepdims": (IMAGE, lambda: layers.GlobalMaxPooling2D(keepdims=True)),
        "batch_normalization": (IMAGE, lambda: layers.BatchNormalization()),
        "batch_normalization_bare": (IMAGE, lambda: layers.BatchNormalization(center=False, scale=False)),
        "layer_normalization": (IMAGE, lambda: layers.LayerNormalization()),
        "layer_normalization_axes": (IMAGE, lambda: layers.LayerNormalization(axis=(1, 2))),
        "dropout": (IMAGE, lambda: layers.Dropout(0.5)),
        "flatten": (IMAGE, lambda: layers.Flatten()),
        "reshape": (IMAGE, lambda: layers.Reshape((5, -1))),
        "activation": (IMAGE, lambda: layers.Activation("tanh")),
        "re_lu": (IMAGE, lambda: layers.ReLU()),
        "embedding": ([[6]], lambda: layers.Embedding(10, 4)),
        "add": (IMAGE * 2, lambda: layers.Add()),
        "multiply": (IMAGE * 3, lambda: layers.Multiply()),
        "concatenate": (IMAGE * 2, lambda: layers.Concatenate()),
        "concatenate_axis": (IMAGE * 2, lambda: layers.Concatenate(axis=1)),
    }


def plain(value):
    """A configuration's value as brisk writes it: an initializer by its snake-case name, tuples as
    lists, no None for an activation that is none."""
    if isinstance(value, dict) and "class_name" in value:
        name = value["class_name"]
        if name == "RandomUniform":
            return "uniform"  # the argument's own default
        return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def describe(inputs, layer):
    integers = isinstance(layer, layers.Embedding)
    symbolic = [keras.Input(sizes, dtype="int32" if integers else "float32") for sizes in inputs]
    output = layer(symbolic if len(symbolic) > 1 else symbolic[0])
    weights = [f"{w.path.split('/')[-1]} [{', '.join(map(str, w.shape))}] "
               f"{'trainable' if w.trainable else 'frozen'}" for w in layer.weights]
    config = {key: plain(value) for key, value in layer.get_config().items()}
    config.pop("dtype"), config.pop("name")
    return {"inputs": inputs, "input_type": "i32" if integers else "f32",
            "output": list(output.shape[1:]), "weights": weights, "name": layer.name,
            "class_name": layer.__class__.__name__, "config": config}


def main():
    found = {}
    for name, (inputs, make) in cases().items():
        keras.backend.clear_session()  # so that names are not numbered
        found[name] = describe(inputs, make())
    if "--write" in sys.argv:
        FILE.write_text(json.dumps(found, indent=1) + "\n")
        return
    known = json.loads(FILE.read_text())
    for name, entry in json.loads(json.dumps(found)).items():
        assert known.get(name) == entry, f"{name}: Keras {keras.__version__} says {entry}"
    assert known.keys() == found.keys()


if __name__ == "__main__":
    main()
