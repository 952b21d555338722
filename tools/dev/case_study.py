#!/usr/bin/env python3
"""ResNet-50 from f32 to what `brisk optimize` makes of it: sizes, times in turn, training. See case_study.sh."""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from figures import ROOT, commit, optimize_table, table

BRISK = str(ROOT / "build" / "bin" / "brisk")
PEER = ROOT / "benchmarks" / "peers" / "openvino_resnet50.py"
PAGE = ROOT / "docs" / "results" / "case_study.md"
BATCH_SIZES = [1, 16]
TRAINING_BATCH_SIZE, TRAINING_STEPS = 16, 3
TRAININGS = {"f32, a kernel an op": ["--plain"], "fusion": [],
             "fusion and bf16 (mixed precision)": ["--precision", "mixed_bfloat16"]}
MIB = 1 << 20


def lines(command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with status {done.returncode}:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def optimized(output, threads):
    """The report; made where it is not there, and gone on with where it was interrupted."""
    if not (output / "report.json").exists():
        resume = ["--resume"] if (output / "journal.json").exists() else []
        lines([BRISK, "optimize", "resnet50", "--data", "synthetic", "--skip", "training", "--samples", 64,
               "--threads", threads, "--output", output, "--json", "--quiet", *resume])
    return json.loads((output / "report.json").read_text())


def ours(package, threads):
    """Milliseconds of a batch, by batch size."""
    found = lines([BRISK, "bench", package, "--inference", "--batch_size", *BATCH_SIZES, "--threads", threads,
                   "--steps", 10, "--json"])
    return {size: 1e3 * size / line["ours"] for size, line in zip(BATCH_SIZES, found)}


def measure(output, threads, rounds, python):
    """Medians over rounds in which all sides take turns: {(side, precision, batch size): ms}."""
    times = defaultdict(list)
    onnx = output / "resnet50.onnx"
    if python and not onnx.exists():
        subprocess.run([BRISK, "export", output / "start", "--to", "onnx", "--out", onnx], check=True,
                       capture_output=True)
    for _ in range(rounds):
        for precision, package in (("f32", output / "start"), ("int8", output / "model")):
            for size, milliseconds in ours(package, threads).items():
                times["brisk", precision, size].append(milliseconds)
        if python:
            for line in lines([python, PEER, onnx, "--integers", output / "int8.onnx", "--threads", threads,
                               "--rounds", 1]):
                _, _, precision, size = line["case"].split("/")
                times[line["name"], precision, int(size)].append(line["value"])
    return {key: (statistics.median(values), min(values), max(values)) for key, values in times.items()}


def measure_training(threads, rounds):
    """A training step in each form, in turn: {form: [a line of `brisk bench` for each round]}."""
    found = defaultdict(list)
    for _ in range(rounds):
        for form, options in TRAININGS.items():
            found[form] += lines([BRISK, "bench", "resnet50", "--batch_size", TRAINING_BATCH_SIZE, "--threads",
                                  threads, "--steps", TRAINING_STEPS, "--json", *options])
    return found


def training_table(found):
    plain = statistics.median(line["ours"] for line in next(iter(found.values())))
    rows = []
    for form, steps in found.items():
        rates = [line["ours"] for line in steps]
        rows.append([form, f"{statistics.median(rates):.2f} ({min(rates):.2f} - {max(rates):.2f})",
                     f"{statistics.median(rates) / plain:.2f}", f"{steps[0]['first_loss']:.4f}"])
    return table(["", "images/s (least - most)", "times as fast", "loss of the first step"],
                 ["---", "---:", "---:", "---:"], rows)


def size_table(report):
    first = next(row for row in report["steps"] if row["verdict"] == "start")
    rows = []
    for row in report["steps"]:
        if "bytes" in row["figures"] and row["verdict"] in ("start", "kept") and not row["without"]:
            size = row["figures"]["bytes"]
            rows.append([row["step"], f"{size / MIB:.1f} MiB", f"{size / first['figures']['bytes']:.2f}"])
    return table(["up to this step", "package", "share"], ["---", "---:", "---:"], rows)


def time_table(times):
    rows = []
    for (side, precision, size), (median, low, high) in times.items():
        floats = times[side, "f32", size][0]
        rows.append([side, precision, str(size), f"{median:.1f} ({low:.1f} - {high:.1f})",
                     f"{1e3 * size / median:.1f}", f"{floats / median:.2f}"])
    for size in BATCH_SIZES:
        for (side, precision, batch), (median, _, _) in times.items():
            if side != "brisk" and precision == "int8" and batch == size:
                rows.append([f"brisk's speed beside {side}", "int8", str(size), "", "",
                             f"{median / times['brisk', 'int8', size][0]:.2f}"])
    return table(["", "precision", "batch", "ms (least - most)", "images/s", "times as fast as its f32"],
                 ["---", "---", "---:", "---:", "---:", "---:"], rows)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, default=ROOT / "runs" / "case_study")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers-python")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    report = optimized(arguments.output, arguments.threads)
    times = measure(arguments.output, arguments.threads, arguments.rounds, arguments.peers_python)
    training = measure_training(arguments.threads, arguments.rounds)
    text = f"""# ResNet-50, smaller and faster

ResNet-50 at 224 pixels, weights untrained: size and speed do not depend on them, accuracy is not judged
here. Written by `./dev case-study --write`.

{report["machine"]}, {arguments.threads} threads; {datetime.date.today().isoformat()}, commit {commit()}. Load at the
end: {os.getloadavg()[0]:.1f}.

## Size

{size_table(report)}

## Inference

Medians of {arguments.rounds} rounds in which all take turns.

{time_table(times)}

## Training

A step at batch {TRAINING_BATCH_SIZE}, with momentum and label smoothing, on one made-up batch: medians of
{arguments.rounds} rounds in which all take turns. What bf16 does to a whole training: `mixed_precision.md`.

{training_table(training)}

## What `brisk optimize` tried

Each step timed in turn with what was kept before it; figures are medians, ± half of the distance
between the quartiles.

{optimize_table([report])}
"""
    if arguments.write:
        PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
