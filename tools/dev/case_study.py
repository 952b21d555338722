#!/usr/bin/env python3
"""ResNet-50 from f32 to what `brisk optimize` makes of it: sizes, times in turn, training. See case_study.sh."""

import argparse
import datetime
import json
import os
import re
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


def cifar10_accuracies():
    """Of docs/results/compression.md: {(network, what was done): (mean of three seeds, distance)}, in percent."""
    text = (ROOT / "docs" / "results" / "compression.md").read_text()
    block = text.split("## ResNet-18 and MobileNet v2 on CIFAR-10", 1)[1].split("\n## ", 1)[0]
    found, network = {}, ""
    for line in block.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or len(cells) != 5 or not re.fullmatch(r"[0-9.]+", cells[3]):
            continue
        network = cells[0] or network
        found[network, cells[1]] = (cells[3], cells[4])
    return found


def guide_table(report, times, training):
    """What a table of the guide to TensorFlow's performance promises, and what was measured."""
    kept = [row["figures"]["bytes"] for row in report["steps"]
            if row["verdict"] in ("start", "kept") and not row["without"] and "bytes" in row["figures"]]
    integers = next(row["figures"]["bytes"] for row in report["steps"] if row["step"] == "int8")
    rates = {form: statistics.median(line["ours"] for line in steps) for form, steps in training.items()}
    slow, fast = next(iter(rates.values())), max(rates.values())

    def times_row(what, promised, size, unit, of):
        before, after = (times["brisk", precision, size][0] for precision in ("f32", "int8"))
        return [what, promised, f"{of(before):.1f} {unit}", f"{of(after):.1f} {unit}",
                f"{before / after:.2f} times as fast"]

    rows = [["size, int8", "80 to 20 MB: 0.25", f"{kept[0] / MIB:.1f} MiB", f"{integers / MIB:.1f} MiB",
             f"{integers / kept[0]:.2f}"],
            ["size, all that was kept", "", f"{kept[0] / MIB:.1f} MiB", f"{kept[-1] / MIB:.1f} MiB",
             f"{kept[-1] / kept[0]:.2f}"],
            times_row("inference, one image", "1.3 times as fast", 1, "ms", lambda ms: ms),
            times_row("inference, batches of 16", "", 16, "images/s", lambda ms: 16e3 / ms),
            [f"training, batches of {TRAINING_BATCH_SIZE}", "100 to 150 images/s: 1.5", f"{slow:.2f} images/s",
             f"{fast:.2f} images/s", f"{fast / slow:.2f} times as fast"]]
    accuracies = cifar10_accuracies()
    for what, network, form in (
            ("int8", "ResNet-18", "int8, rounded after training"),
            ("80 % zeros, int8", "ResNet-18 again", "the same, int8, zeros kept, 4 epochs")):
        mean, distance = accuracies[network, form]
        start = next(value for (name, _), (value, _) in accuracies.items() if name == network)
        rows.append([f"accuracy of ResNet-18 on CIFAR-10, {what}", "kept", f"{start} %", f"{mean} %",
                     f"{distance} points"])
    return table(["", "promised", "before", "after", ""], ["---", "---", "---:", "---:", "---:"], rows)


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

ResNet-50 at 224 pixels, weights untrained: size and speed do not depend on them. Accuracy is of another network on
other data, ResNet-18 on CIFAR-10 (means of three seeds, [compression.md](compression.md)): it says what the same steps cost a
trained network, not what they would cost this one. Written by `./dev case-study --write`.

{report["machine"]}, {arguments.threads} threads; {datetime.date.today().isoformat()}, commit {commit()}. Load at the
end: {os.getloadavg()[0]:.1f}.

## The guide's table, filled from measurement

Before: f32, a kernel an op for training, fused for inference. After: as `brisk optimize` leaves it.

{guide_table(report, times, training)}

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
