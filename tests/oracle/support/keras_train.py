"""Trains a model 20 steps with Keras, saves it, goes on for 20 more, and writes down all losses.

usage: keras_train.py FOLDER; writes NAME.keras, NAME.data.safetensors and NAME.losses.json for each
optimizer.
"""

import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

sys.path.insert(0, str(Path(__file__).parent))
from this_keras import keras  # noqa: E402

L = keras.layers
folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
(folder / "version.txt").write_text(keras.__version__)
random = np.random.default_rng(5)
x = random.normal(size=(640, 8, 8, 2)).astype("float32")
y = (x.mean(axis=(1, 2)).argmax(-1) + 2 * (x[:, :4].mean(axis=(1, 2, 3)) > 0)).astype("int32")

OPTIMIZERS = {
    "sgd_momentum": lambda: keras.optimizers.SGD(0.05, momentum=0.9),
    "sgd_nesterov": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "adamw": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.01),
}
if hasattr(keras.optimizers, "Muon"):
    OPTIMIZERS["muon"] = lambda: keras.optimizers.Muon(0.01, exclude_layers=["dense_1"])


def train(name, optimizer):
    keras.utils.set_random_seed(3)
    inputs = keras.Input((8, 8, 2))
    a = L.Conv2D(4, 3, activation="relu", name="z")(inputs)
    b = L.Conv2D(4, 3, activation="relu", name="a")(inputs)
    h = L.BatchNormalization()(L.Add()([b, a]))
    model = keras.Model(inputs, L.Dense(4)(L.Dense(16, activation="tanh")(L.Flatten()(h))))
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = []
    for step in range(40):
        if step == 20:
            model.save(folder / f"{name}.keras")
        batch = slice(step * 16, step * 16 + 16)
        losses.append(float(model.train_on_batch(x[batch], y[batch])))
        model.reset_metrics()
    (folder / f"{name}.losses.json").write_text(json.dumps(losses))
    save_file({"x": x[320:], "y": y[320:]}, str(folder / f"{name}.data.safetensors"))


for name, optimizer in OPTIMIZERS.items():
    try:
        train(name, optimizer())
    except AttributeError as error:  # Muon of 3.12 does not run on TensorFlow
        print(f"{name}: not run, {error}", file=sys.stderr)
