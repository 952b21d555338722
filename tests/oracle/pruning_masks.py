"""What TensorFlow's Model Optimization Toolkit prunes: tests/compress/tfmot_pruning.json.

usage: pruning_masks.py [--out FILE]     (needs tensorflow-model-optimization, tf_keras and tensorflow)

* masks: weights, a sparsity or groups or blocks, and the mask that TFMOT makes of them.
* schedules: the sparsity and whether masks are chosen, step by step.
* training: a dense network under prune_low_magnitude with PolynomialDecay, from its first weights to
  the mask of every step and the weights at the end of every epoch.
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
from tensorflow_model_optimization.python.core.sparsity.keras import pruning_impl, pruning_utils  # noqa: E402

SCHEDULES = tfmot.sparsity.keras
EPOCHS, STEPS_PER_EPOCH, BATCH = 4, 10, 8


def numbers(array):
    return [float(x) for x in np.asarray(array, np.float32).ravel()]


def bits(mask):
    return "".join("1" if x else "0" for x in np.asarray(mask).ravel())


def mask_case(name, weights, sparsity, block=(1, 1), pooling="AVG"):
    variable = tf.Variable(weights)
    pruning = pruning_impl.Pruning(lambda: 0, [(variable, None, None)],
                                   SCHEDULES.ConstantSparsity(sparsity, 0), block, pooling)
    _, mask = pruning._maybe_update_block_mask(variable)
    return {"name": name, "sizes": list(weights.shape), "weights": numbers(weights), "sparsity": sparsity,
            "block": list(block), "pooling": pooling, "mask": bits(mask)}


def group_case(name, weights, m_by_n):
    prepared = pruning_utils.weights_rearrange(tf.constant(weights))
    mask = pruning_utils.m_by_n_sparsity_mask_prepare(
        pruning_utils.generate_m_by_n_mask(prepared, m_by_n), tf.constant(weights).shape)
    return {"name": name, "sizes": list(weights.shape), "weights": numbers(weights), "m_by_n": list(m_by_n),
            "mask": bits(mask)}


def mask_cases(random):
    def normal(*sizes):
        return random.normal(size=sizes).astype(np.float32)

    ties = random.integers(-3, 4, size=(6, 7)).astype(np.float32)
    return [
        mask_case("half", normal(5, 7), 0.5),
        mask_case("four_axes", normal(3, 3, 4, 5), 0.8),
        mask_case("ties", ties, 0.6),
        mask_case("nothing", normal(4, 4), 0.0),
        mask_case("one_stays", normal(3, 3), 0.99),
        mask_case("rounds_to_even", normal(5, 1), 0.5),
        mask_case("blocks", normal(8, 12), 0.5, (2, 4)),
        mask_case("greatest_of_blocks", normal(8, 12), 0.75, (4, 2), "MAX"),
        group_case("two_of_four", normal(16, 5), (2, 4)),
        group_case("kernel", normal(3, 2, 8, 4), (2, 4)),
        group_case("one_of_three_cut_off", normal(7, 3), (1, 3)),
    ]


def schedule_cases():
    cases = []
    for name, make, arguments in [
            ("constant", SCHEDULES.ConstantSparsity,
             {"target_sparsity": 0.35, "begin_step": 4, "end_step": 40, "frequency": 6}),
            ("constant_without_end", SCHEDULES.ConstantSparsity,
             {"target_sparsity": 0.9, "begin_step": 0, "frequency": 7}),
            ("decay", SCHEDULES.PolynomialDecay,
             {"initial_sparsity": 0.5, "final_sparsity": 0.8, "begin_step": 3, "end_step": 45, "frequency": 4}),
            ("linear_decay", SCHEDULES.PolynomialDecay,
             {"initial_sparsity": 0.0, "final_sparsity": 0.625, "begin_step": 0, "end_step": 30, "frequency": 1,
              "power": 1})]:
        schedule = make(**arguments)
        steps = [schedule(tf.constant(step, tf.int64)) for step in range(60)]
        cases.append({"name": name, "arguments": arguments, "due": bits([bool(due) for due, _ in steps]),
                      "sparsity": [float(np.float32(sparsity)) for _, sparsity in steps]})
    return cases


class Recorder(keras.callbacks.Callback):
    def __init__(self, layers):
        super().__init__()
        self.layers, self.masks, self.weights = layers, [], []

    def state(self):
        return {layer.layer.name: layer.pruning_vars[0] for layer in self.layers}

    def on_train_batch_end(self, batch, logs=None):
        self.masks.append({name: bits(mask.numpy()) for name, (_, mask, _) in self.state().items()})


def training_case(random):
    schedule = {"initial_sparsity": 0.25, "final_sparsity": 0.8, "begin_step": 2, "end_step": 30, "frequency": 4}
    features = random.normal(size=(STEPS_PER_EPOCH * BATCH, 12)).astype(np.float32)
    labels = random.integers(0, 5, size=len(features)).astype(np.int32)
    layers = [keras.layers.Dense(16, activation="tanh", name="hidden", input_shape=(12,)),
              keras.layers.Dense(5, name="logits")]
    pruned = [tfmot.sparsity.keras.prune_low_magnitude(layer, SCHEDULES.PolynomialDecay(**schedule))
              for layer in layers]
    model = keras.Sequential(pruned)
    model.build((None, 12))
    first = {}
    for layer in layers:
        kernel, bias = [random.normal(scale=0.5, size=w.shape).astype(np.float32) for w in layer.get_weights()[:2]]
        layer.kernel.assign(kernel)
        layer.bias.assign(bias)
        first[layer.name] = {"sizes": list(kernel.shape), "kernel": numbers(kernel), "bias": numbers(bias)}
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9),
                  keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    recorder = Recorder(pruned)
    epochs = []
    after = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: epochs.append(
        {layer.name: {"kernel": numbers(layer.kernel.numpy()), "bias": numbers(layer.bias.numpy())}
         for layer in layers}))
    update = tfmot.sparsity.keras.UpdatePruningStep()
    model.fit(features, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0,
              callbacks=[update, recorder, after])
    return {"schedule": schedule, "batch": BATCH, "epochs": EPOCHS, "features": numbers(features),
            "labels": [int(x) for x in labels], "first": first, "masks": recorder.masks, "after_epoch": epochs}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).resolve().parents[1] / "compress/tfmot_pruning.json")
    options = parser.parse_args()
    random = np.random.default_rng(7)
    result = {"tensorflow": tf.__version__, "tfmot": tfmot.__version__, "masks": mask_cases(random),
              "schedules": schedule_cases(), "training": training_case(random)}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, separators=(",", ":")) + "\n")
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
