#!/usr/bin/env python3
"""Inference at batch 1 beside ONNX Runtime, in the same run: ResNet-50, MobileNet v2, BERT-base.

    benchmarks/onnx/inference.py [--threads 2] [--rounds 5] [--only NAME] [--write]

Both read the same ONNX file. Rounds alternate between the two, each side a median of many runs; the
medians over the rounds are compared. --write puts the table into docs/results/onnx_inference.md.
Needs torch, torchvision, transformers and onnxruntime."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import onnxruntime

import exported
from machine import run_on

ROOT = Path(__file__).resolve().parents[2]
BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build" / "bin" / "brisk"))
REPORT = ROOT / "docs" / "results" / "onnx_inference.md"
MODELS = {"resnet50": lambda: exported.classifier("resnet50"),
          "mobilenet_v2": lambda: exported.classifier("mobilenet_v2"),
          "bert_base": exported.bert}


def runtime_session(path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def runtime_milliseconds(session, inputs, runs):
    times = []
    for i in range(runs + 5):
        begin = time.perf_counter()
        session.run(None, inputs)
        times.append(time.perf_counter() - begin)
    return statistics.median(times[5:]) * 1e3


def brisk_milliseconds(package, threads, runs):
    line = subprocess.run([BRISK, "bench", package, "--inference", "--batch_size", "1", "--threads", str(threads),
                           "--steps", str(runs), "--json"], check=True, capture_output=True, text=True).stdout
    return 1e3 / json.loads(line.splitlines()[-1])["ours"]


def check(path, package, session, inputs, folder):
    """brisk's outputs against ONNX Runtime's: it fails where they differ."""
    from safetensors.numpy import save_file
    outputs = session.run(None, inputs)
    names = [port.name for port in session.get_outputs()]
    save_file({**inputs, **dict(zip(names, outputs))}, str(folder / "samples.safetensors"))
    subprocess.run([BRISK, "import", path, "--out", package, "--check", folder / "samples.safetensors"], check=True,
                   capture_output=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--only", default="")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    rows = []
    for name, make in MODELS.items():
        if arguments.only not in name:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            path, package = folder / f"{name}.onnx", folder / name
            model, example = make()
            exporter = exported.export(model, example, path)
            del model
            session = runtime_session(path, arguments.threads)
            inputs = {port.name: value.numpy() for port, value in zip(session.get_inputs(), example)}
            check(path, package, session, inputs, folder)
            ours, theirs = [], []
            for _ in range(arguments.rounds):
                theirs.append(runtime_milliseconds(session, inputs, arguments.runs))
                ours.append(brisk_milliseconds(package, arguments.threads, arguments.runs))
            a, b = statistics.median(ours), statistics.median(theirs)
            rows.append(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} | {exporter} |")
            print(rows[-1], [f"{x:.2f}" for x in ours], [f"{x:.2f}" for x in theirs], flush=True)
    lines = ["# Inference beside ONNX Runtime", "",
             f"Batch 1, f32, {arguments.threads} threads; {run_on()}. The same ONNX file in both,",
             f"written by torch.onnx; medians over {arguments.rounds} alternating rounds of {arguments.runs} runs. A ratio over 1: brisk is faster. ONNX Runtime "
             f"{onnxruntime.__version__}.", "Made by `benchmarks/onnx/inference.py --write`.", "",
             "| model | brisk ms | ONNX Runtime ms | ratio | exporter |", "| --- | ---: | ---: | ---: | --- |", *rows]
    print("\n".join(lines))
    if arguments.write:
        REPORT.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
