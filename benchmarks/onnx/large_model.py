#!/usr/bin/env python3
"""Memory and time of reading an ONNX model of 1 GB, its weights in the file and beside it.

    benchmarks/onnx/large_model.py [--megabytes 1024] [--write]

Makes a perceptron of that size twice and runs on each: `brisk inspect --text` (the model is read,
its weights are not looked at) and `brisk import` (they are copied into a package). Peak memory is
the process's largest resident set. Prints a table; --write puts it into
docs/results/onnx_large_model.md. BRISK_PROGRAM names another program than build/bin/brisk."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import run_on

ROOT = Path(__file__).resolve().parents[2]
BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build" / "bin" / "brisk"))
REPORT = ROOT / "docs" / "results" / "onnx_large_model.md"
WIDTH = 4096
MOST_MEMORY, MOST_SECONDS = 1.3, 3.0


def make(path, megabytes, outside):
    """Matrices of 64 MB, one behind the other, with a bias and ReLU each."""
    import numpy
    import onnx
    from onnx import TensorProto, helper
    layers = max(1, megabytes * 2**20 // (WIDTH * WIDTH * 4))
    rng = numpy.random.default_rng(0)
    nodes, weights, x = [], [], "x"
    for i in range(layers):
        matrix = rng.standard_normal((WIDTH, WIDTH), numpy.float32) / WIDTH**0.5
        weights += [onnx.numpy_helper.from_array(matrix, f"layer{i}.weight"),
                    onnx.numpy_helper.from_array(numpy.zeros(WIDTH, numpy.float32), f"layer{i}.bias")]
        nodes += [helper.make_node("Gemm", [x, f"layer{i}.weight", f"layer{i}.bias"], [f"h{i}"], f"layer{i}/Gemm"),
                  helper.make_node("Relu", [f"h{i}"], [f"y{i}"], f"layer{i}/Relu")]
        x = f"y{i}"
    graph = helper.make_graph(nodes, "large",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", WIDTH])],
                              [helper.make_tensor_value_info(x, TensorProto.FLOAT, ["batch", WIDTH])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, str(path), save_as_external_data=outside, location=path.name + ".data")


def measured(arguments):
    """Seconds and the largest resident set in bytes of one run of the program. Linux counts what the
    starting process held: so this one makes no models itself."""
    begin = time.perf_counter()
    child = subprocess.Popen([BRISK, *map(str, arguments)], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, f"brisk {' '.join(map(str, arguments))} failed"
    return time.perf_counter() - begin, usage.ru_maxrss * 1024


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--folder", help="where the models are made; else a temporary folder")
    parser.add_argument("--make", help=argparse.SUPPRESS)
    parser.add_argument("--outside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.make:
        return make(Path(arguments.make), arguments.megabytes, arguments.outside)
    rows, good = [], True
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        for outside in (False, True):
            path = folder / ("beside.onnx" if outside else "one_file.onnx")
            subprocess.run([sys.executable, __file__, "--make", path, "--megabytes", str(arguments.megabytes),
                            *(["--outside"] if outside else [])], check=True)
            size = sum(file.stat().st_size for file in folder.glob(path.name + "*"))
            for verb, command in (("read", ["inspect", path, "--text"]),
                                  ("into a package", ["import", path, "--out", folder / "package"])):
                measured(command)  # the file is in the page cache then, on whatever disk it lies
                runs = [measured(command) for _ in range(3)]
                seconds, memory = sorted(run[0] for run in runs)[1], max(run[1] for run in runs)
                good &= memory <= MOST_MEMORY * size and (verb != "read" or seconds < MOST_SECONDS)
                rows.append(f"| {'beside the model' if outside else 'in the file'} | {verb} | {size / 2**20:.0f} | {seconds:.2f} "
                            f"| {memory / 2**20:.0f} | {memory / size:.2f} |")
                shutil.rmtree(folder / "package", ignore_errors=True)
            for file in folder.glob(path.name + "*"):
                file.unlink()
    finally:
        shutil.rmtree(folder)
    lines = ["# An ONNX model of 1 GB", "",
             f"Reading it takes at most {MOST_MEMORY} times its size in resident memory and under {MOST_SECONDS:.0f} s.",
             f"{run_on()}; {os.cpu_count()} cores, the file in the page cache, median of 3. Into a package: the weights are hashed,",
             "copied and synced to the disk too. Made by `benchmarks/onnx/large_model.py --write`.", "",
             "| weights | what | MB | s | peak MB | of its size |", "| --- | --- | ---: | ---: | ---: | ---: |", *rows]
    print("\n".join(lines))
    if arguments.write:
        REPORT.write_text("\n".join(lines) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
