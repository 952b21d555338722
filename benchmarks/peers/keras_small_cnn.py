#!/usr/bin/env python3
"""Trains the small CNN with Keras on TensorFlow, through model.fit."""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from small_cnn import BATCH, arguments, report_training, seconds_since_process_start, training_set

# jit: compiled by XLA. x25: 25 steps in one call from Python (steps_per_execution).
options = arguments(["plain", "plain_x25", "jit", "jit_x25"])

import keras
import tensorflow

tensorflow.config.threading.set_intra_op_parallelism_threads(options.threads)
tensorflow.config.threading.set_inter_op_parallelism_threads(options.threads)
if options.precision == "bf16":
    keras.mixed_precision.set_global_policy("mixed_bfloat16")

images, labels = training_set(options.data)
dataset = (tensorflow.data.Dataset.from_tensor_slices((images, labels)).shuffle(10_000)
           .batch(BATCH, drop_remainder=True).repeat().prefetch(tensorflow.data.AUTOTUNE))
model = keras.Sequential([
    keras.Input((28, 28, 1)),
    keras.layers.Conv2D(32, 3, activation="relu"),
    keras.layers.MaxPooling2D(),
    keras.layers.Conv2D(64, 3, activation="relu"),
    keras.layers.MaxPooling2D(),
    keras.layers.Flatten(),
    keras.layers.Dropout(0.5),
    keras.layers.Dense(10),
])
model.compile(optimizer="adam", jit_compile=options.variant.startswith("jit"),
              steps_per_execution=25 if options.variant.endswith("x25") else 1,
              loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))


class Clock(keras.callbacks.Callback):
    """Times each epoch of 25 steps, and notes the end of the first step. It asks for batches only
    until that, so that nothing is called between the timed steps."""

    def __init__(self):
        super().__init__()
        self.first_step = None
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.begin = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.begin)


class FirstStep(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.seconds = seconds_since_process_start()


first = FirstStep()
model.fit(dataset, epochs=1, steps_per_epoch=1, verbose=0, callbacks=[first])
clock = Clock()
warm_up = 2
model.fit(dataset, epochs=warm_up + options.chunks, steps_per_epoch=25, verbose=0,
          callbacks=[clock])
report_training(clock.seconds[warm_up:], first.seconds,
                f"TensorFlow {tensorflow.__version__}, Keras {keras.__version__}", options)
