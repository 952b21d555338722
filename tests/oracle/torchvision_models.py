"""Every classifier of torchvision, exported by torch.onnx: imported by brisk, its outputs against
ONNX Runtime's within 1e-4 of the largest value. The list stands in docs/results/torchvision_onnx.md.

    python tests/oracle/torchvision_models.py [NAME...] [--part I/N] [--report FILE]

With --report rows are replaced or added, so that a list can be made in parts. Fails when a model
fails that the committed list says works."""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import onnxruntime
import torch
import torchvision
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "onnx"))
import exported  # noqa: E402
from machine import run_on  # noqa: E402

BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build" / "bin" / "brisk"))
REPORT = ROOT / "docs" / "results" / "torchvision_onnx.md"
TOLERANCE = 1e-4


def compare(name, folder):
    """The row's cells: exporter, nodes, difference or what failed, seconds of the import and check."""
    path, samples = folder / f"{name}.onnx", folder / "samples.safetensors"
    model, example = exported.classifier(name)
    try:
        exporter = exported.export(model, example, path)
    except RuntimeError as error:
        return "-", f"not exported: {error}", "-"
    del model
    gc.collect()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    inputs = {port.name: value.numpy() for port, value in zip(session.get_inputs(), example)}
    outputs = dict(zip((port.name for port in session.get_outputs()), session.run(None, inputs)))
    save_file({**inputs, **outputs}, str(samples))
    del session
    begin = time.perf_counter()
    result = subprocess.run([BRISK, "import", path, "--out", folder / "package", "--check", samples,
                             "--tolerance", str(TOLERANCE)], capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    found = [line.split()[2] for line in result.stdout.splitlines() if line.startswith("  output")]
    if result.returncode == 0 and found:
        return exporter, max(found, key=float), f"{seconds:.1f}"
    reason = result.stderr.strip().splitlines() or [f"differs by {max(found, key=float)}" if found else "failed"]
    return exporter, reason[-1].replace("|", "/")[:160], f"{seconds:.1f}"


def committed(path):
    rows = {}
    if path.exists():
        for line in path.read_text().splitlines():
            cells = [cell.strip() for cell in line.split("|")[1:-1]]
            if len(cells) == 4 and cells[0] not in ("model", "---"):
                rows[cells[0]] = cells[1:]
    return rows


def works(cells):
    try:
        return float(cells[1]) <= TOLERANCE
    except ValueError:
        return False


def write_report(path, rows):
    good = sum(works(cells) for cells in rows.values())
    lines = ["# torchvision's classifiers through ONNX", "",
             f"torchvision {torchvision.__version__.split('+')[0]}, written by torch.onnx of PyTorch {torch.__version__.split('+')[0]} (opset 18, weights",
             f"from a seed), read by brisk and run on its cpu backend at batch 1 beside ONNX Runtime {onnxruntime.__version__}. The",
             f"difference is the largest, relative to the output's largest value; {TOLERANCE:g} is allowed: {good} of {len(rows)} keep it. Made by",
             "`tests/oracle/torchvision_models.py --report docs/results/torchvision_onnx.md`.", f"{run_on()}.", "",
             "| model | exporter | difference | import and check s |", "| --- | --- | ---: | ---: |"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in sorted(rows.items())]
    path.write_text("\n".join(lines) + "\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--part", default="1/1", help="I/N: the I-th of N parts of the list")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--seconds", type=float, default=0, help="begin no model after so long; skip those in the report")
    arguments = parser.parse_args()
    names = arguments.names or torchvision.models.list_models(module=torchvision.models)
    part, parts = map(int, arguments.part.split("/"))
    known = committed(REPORT)
    rows = committed(arguments.report) if arguments.report else {}
    begin, broken = time.perf_counter(), []
    for name in names[part - 1::parts]:
        if arguments.seconds and (name in rows or time.perf_counter() - begin > arguments.seconds):
            continue
        with tempfile.TemporaryDirectory() as scratch:
            cells = list(compare(name, Path(scratch)))
        rows[name] = cells
        print(f"{name}: {', '.join(cells)}", flush=True)
        if not works(cells) and works(known.get(name, ["", "0", ""])):
            broken.append(name)
        if arguments.report:
            write_report(arguments.report, rows)
    print(f"{sum(works(cells) for cells in rows.values())} of {len(rows)} within {TOLERANCE:g}")
    return 1 if broken and not arguments.report else 0


if __name__ == "__main__":
    sys.exit(main())
