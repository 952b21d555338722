"""What both peers share: the images, the clock, and the line that is printed.

The small CNN, on 28x28 grey images: Conv2D(32, 3, relu) - MaxPooling2D - Conv2D(64, 3, relu) -
MaxPooling2D - Flatten - Dropout(0.5) - Dense(10); sparse softmax cross-entropy from logits, Adam
with its defaults, batches of 128.
"""

import argparse
import gzip
import json
import os
import platform
import re
import statistics
import time

import numpy

BATCH = 128
FOLDER = "/usr/share/datasets/fashion-mnist"


def arguments(variants):
    parser = argparse.ArgumentParser()
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--variant", choices=variants, default=variants[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--chunks", type=int, default=6, help="of 25 steps each, timed")
    parser.add_argument("--data", default=os.environ.get("BRISK_FASHION_MNIST", FOLDER))
    return parser.parse_args()


def training_set(folder):
    """Images f32 [60000, 28, 28, 1] in [0, 1] and labels i32 [60000]."""
    with gzip.open(f"{folder}/train-images-idx3-ubyte.gz") as file:
        images = numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 28, 28, 1)
    with gzip.open(f"{folder}/train-labels-idx1-ubyte.gz") as file:
        labels = numpy.frombuffer(file.read(), numpy.uint8, offset=8)
    return images.astype(numpy.float32) / 255, labels.astype(numpy.int32)


def seconds_since_process_start():
    """By the kernel's record of when this process began, so that imports count."""
    with open("/proc/self/stat", encoding="ascii") as file:
        started = int(file.read().rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        found = re.search(r"model name\s*:\s*(.*)", file.read())
    return found.group(1) if found else platform.machine()


def report(case, unit, value, name, options):
    print(json.dumps({"case": case, "unit": unit, "value": value, "name": name,
                      "variant": options.variant, "cpu": cpu_name(),
                      "threads": options.threads}), flush=True)


def report_training(seconds_of_chunks, first_step, name, options):
    """Throughput from the median of the timed chunks, and the time to the first step."""
    images = 25 * BATCH
    report(f"small_cnn/train/{options.precision}", "img/s",
           images / statistics.median(seconds_of_chunks), name, options)
    report(f"small_cnn/first_step/{options.precision}", "s", first_step, name, options)
