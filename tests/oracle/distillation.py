"""What Keras distils: tests/train/keras_distillation.json.

usage: distillation.py [--out FILE]     (needs Keras 3.12 or newer and tensorflow)

Trainings of a small student under keras.distillation.Distiller with LogitsDistillation: the teacher's and
the student's first weights, the mean loss and the student's weights after every epoch. The divergence is given
as an object: by its name, which is the default, Keras 3.15 takes it of the scores themselves, whose logarithms
mean nothing.
"""

import argparse
import json
import os
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras  # noqa: E402
import numpy as np  # noqa: E402

EPOCHS, STEPS_PER_EPOCH, BATCH = 3, 8, 8


def numbers(array):
    return [float(x) for x in np.asarray(array, np.float32).ravel()]


def dense_network(random, hidden, activation, last):
    model = keras.Sequential([keras.Input((12,)),
                              keras.layers.Dense(hidden, activation=activation, name="hidden"),
                              keras.layers.Dense(5, activation=last, name="logits")])
    for layer in model.layers:
        layer.set_weights([random.normal(scale=0.5, size=w.shape).astype(np.float32) for w in layer.get_weights()])
    return model


def weights(model):
    return {layer.name: {"kernel": numbers(layer.kernel), "bias": numbers(layer.bias)} for layer in model.layers}


def training_case(random, temperature, student_loss_weight):
    features = random.normal(size=(STEPS_PER_EPOCH * BATCH, 12)).astype(np.float32)
    labels = random.integers(0, 5, size=len(features)).astype(np.int32)
    teacher = dense_network(random, 16, "tanh", None)
    student = dense_network(random, 16, "tanh", None)
    case = {"temperature": temperature, "student_loss_weight": student_loss_weight, "batch": BATCH, "epochs": EPOCHS,
            "features": numbers(features), "labels": [int(x) for x in labels],
            "teacher": weights(teacher), "first": weights(student), "after_epoch": [], "loss": []}
    distiller = keras.distillation.Distiller(
        teacher=teacher, student=student, student_loss_weight=student_loss_weight,
        distillation_losses=keras.distillation.LogitsDistillation(
            temperature=temperature, loss=keras.losses.KLDivergence()))
    distiller.compile(optimizer=keras.optimizers.SGD(0.1, momentum=0.9),
                      loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))

    def record(_, logs):
        case["after_epoch"].append(weights(student))
        case["loss"].append(float(logs["loss"]))

    distiller.fit(features, labels, batch_size=BATCH, epochs=EPOCHS, shuffle=False, verbose=0,
                  callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=record)])
    return case


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).resolve().parents[1] / "train/keras_distillation.json")
    options = parser.parse_args()
    random = np.random.default_rng(5)
    cases = [training_case(random, 3.0, 0.1), training_case(random, 5.0, 0.5), training_case(random, 1.0, 0.0)]
    options.out.write_text(json.dumps({"keras": keras.__version__, "trainings": cases}) + "\n")


if __name__ == "__main__":
    main()
