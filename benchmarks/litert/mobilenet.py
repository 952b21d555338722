#!/usr/bin/env python3
"""MobileNet v2 at 224 pixels and batch 1 beside LiteRT with XNNPACK, f32 and int8, in the same run.

    benchmarks/litert/mobilenet.py [--threads 1 2] [--rounds 5] [--folder DIR] [--write]

Both sides come from one Keras model (untrained: speed does not depend on weights); the integers are those of
TensorFlow's converter and of `brisk quantize`, each calibrated on images of its own. Rounds alternate between the
two; each figure is the median over rounds of a mean over runs. LiteRT is given 8-bit images, brisk f32 ones that it
rounds itself. --write puts the table into docs/results/mobilenet_litert.md. What DIR holds already is not made anew:
models are made (--make) where tensorflow and pillow are, timed where ai_edge_litert is, which may be two
environments."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy

sys.path.append(str(Path(__file__).resolve().parents[1] / "onnx"))
from machine import run_on  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build" / "bin" / "brisk"))
REPORT = ROOT / "docs" / "results" / "mobilenet_litert.md"
SIZES = (224, 224, 3)
PRECISIONS = ["f32", "int8"]


def brisk(*arguments):
    done = subprocess.run([BRISK, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"brisk {' '.join(map(str, arguments))}: {done.stderr[-2000:]}")
    return done.stdout


def write_models(folder):
    """mobilenet.keras, and f32.tflite and int8.tflite by TensorFlow's converter."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import keras
    import tensorflow as tf
    keras.utils.set_random_seed(1)
    model = keras.applications.MobileNetV2(weights=None)
    model.save(folder / "mobilenet.keras")
    (folder / "f32.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    random = numpy.random.default_rng(1)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    images = random.uniform(-1, 1, (8, 1, *SIZES)).astype("float32")
    converter.representative_dataset = lambda: ([image] for image in images)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    (folder / "int8.tflite").write_bytes(converter.convert())


def write_photos(folder):
    from PIL import Image
    random = numpy.random.default_rng(2)
    for label in ("cat", "dog"):
        (folder / label).mkdir(parents=True)
        for i in range(16):
            coarse = random.integers(0, 256, size=(7, 7, 3), dtype=numpy.uint8)
            Image.fromarray(coarse).resize(SIZES[:2], Image.BILINEAR).save(folder / label / f"{i}.png")


def make(folder):
    if not (folder / "int8.tflite").exists():
        write_models(folder)
    if not (folder / "photos").exists():
        write_photos(folder / "photos")
    if not (folder / "f32").exists():
        brisk("import", folder / "mobilenet.keras", "--out", folder / "f32")
    if not (folder / "int8").exists():
        brisk("quantize", folder / "f32", "--data", folder / "photos", "--samples", 32, "--keep_slow", "--threads", 1,
              "--time_batch_size", 1, "--steps", 5, "--output", folder / "quantized")
        (folder / "quantized" / "model").rename(folder / "int8")


def of_brisk(folder, precision, threads, runs):
    line = brisk("bench", folder / precision, "--inference", "--batch_size", 1, "--threads", threads, "--steps", runs,
                 "--json")
    return 1e3 / json.loads(line.splitlines()[-1])["ours"]


def interpreter_of(folder, precision, threads):
    from ai_edge_litert.interpreter import Interpreter
    interpreter = Interpreter(str(folder / f"{precision}.tflite"), num_threads=threads)
    interpreter.allocate_tensors()
    port = interpreter.get_input_details()[0]
    image = numpy.random.default_rng(3).uniform(-1, 1, port["shape"])
    interpreter.set_tensor(port["index"], (image * (127 if port["dtype"] == numpy.int8 else 1)).astype(port["dtype"]))
    return interpreter


def of_litert(interpreter, runs):
    for _ in range(max(3, runs // 10)):
        interpreter.invoke()
    begin = time.perf_counter()
    for _ in range(runs):
        interpreter.invoke()
    return (time.perf_counter() - begin) / runs * 1e3


def cell(times):
    return f"{statistics.median(times):.2f} ({min(times):.2f} - {max(times):.2f})"


def measure(folder, arguments):
    rows = []
    for threads in arguments.threads:
        interpreters = {precision: interpreter_of(folder, precision, threads) for precision in PRECISIONS}
        ours, theirs = {precision: [] for precision in PRECISIONS}, {precision: [] for precision in PRECISIONS}
        for _ in range(arguments.rounds):
            for precision in PRECISIONS:
                theirs[precision].append(of_litert(interpreters[precision], arguments.runs))
                ours[precision].append(of_brisk(folder, precision, threads, arguments.runs))
        for precision in PRECISIONS:
            ratio = statistics.median(theirs[precision]) / statistics.median(ours[precision])
            rows.append(f"| {precision} | {threads} | {cell(ours[precision])} | {cell(theirs[precision])} "
                        f"| {ratio:.2f} |")
            print(rows[-1], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where models lie or are to be kept")
    parser.add_argument("--make", action="store_true", help="make the models, and time nothing")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
        if arguments.make:
            return
        from importlib.metadata import version
        rows = measure(folder, arguments)
    text = "\n".join([
        "# MobileNet v2 beside LiteRT", "",
        f"224 pixels, batch 1, LiteRT {version('ai-edge-litert')} with XNNPACK; {run_on()}.",
        f"Milliseconds: medians (least - most) over {arguments.rounds} rounds in which both take turns, each a mean of",
        f"{arguments.runs} runs. A ratio over 1: brisk is faster. Of int8, LiteRT is given 8-bit images, brisk f32 ones",
        "that it rounds itself. Made by",
        "`benchmarks/litert/mobilenet.py --write`.", "",
        "| precision | threads | brisk ms | LiteRT ms | ratio |", "| --- | ---: | ---: | ---: | ---: |", *rows]) + "\n"
    print(text)
    if arguments.write:
        REPORT.write_text(text)


if __name__ == "__main__":
    main()
