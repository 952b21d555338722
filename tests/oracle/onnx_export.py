"""Models that brisk writes as ONNX, judged by onnx.checker and by ONNX Runtime: for each architecture
of the zoo the package's own outputs (brisk import PACKAGE --check) against ONNX Runtime's outputs of
the exported file, and the file read back by brisk against the same.

    python tests/oracle/onnx_export.py [NAME...]
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[2]
BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build" / "bin" / "brisk"))
MODELS = ("mlp", "small_cnn", "resnet18", "resnet50")


def brisk(*arguments):
    result = subprocess.run([BRISK, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, f"brisk {' '.join(map(str, arguments))}: {result.stdout}{result.stderr}"
    return result.stdout


def check(name, folder, opset):
    package, file, samples = folder / name, folder / f"{name}.onnx", folder / f"{name}.safetensors"
    brisk("export", name, "--to", "package", "--out", package)
    brisk("export", package, "--to", "onnx", "--out", file, "--version", opset)
    model = onnx.load(str(file))
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == opset
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    port = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 2 for size in port.shape]
    values = numpy.random.default_rng(0).random(shape, numpy.float32)
    outputs = session.run(None, {port.name: values})
    save_file({port.name: values, **{o.name: v for o, v in zip(session.get_outputs(), outputs)}}, str(samples))
    ours = brisk("import", package, "--check", samples, "--out", folder / "again")
    back = brisk("import", file, "--check", samples, "--out", folder / "back")
    nodes = sum(node.op_type == "Transpose" for node in model.graph.node)
    print(f"{name} (opset {opset}): {len(model.graph.node)} nodes, {nodes} transposes")
    for line in (*ours.splitlines(), *back.splitlines()):
        if line.startswith("  output"):
            print("  ", line.strip())


def main():
    names = sys.argv[1:] or MODELS
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            check(name, Path(scratch), 17)
        check(names[0], Path(scratch), 21)
    print(f"{len(names)} models: written, checked and run by ONNX Runtime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
