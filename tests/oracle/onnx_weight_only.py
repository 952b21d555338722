"""Products of floats with weights of 8 and 4 bits, by column and by block, that brisk writes as ONNX: judged by
onnx.checker; run by ONNX Runtime as they stand in the file, and as its own kernel for such weights (MatMulNBits), which
it makes of them where its optimizations are on; and read again by brisk. Results are compared with those of brisk's
package, in decibels: floats that are summed in another order are 100 dB apart and more. Activations are f32 in all of
them: rows that are rounded to bf16 fall to the other side of a half now and then, which would hide what is looked for.

    python tests/oracle/onnx_weight_only.py [NAME...]     (needs onnx, onnxruntime, safetensors)
"""

import collections
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
import onnx
import onnxruntime
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build" / "bin" / "brisk"))
GRIDS = ((8, 0), (8, 32), (4, 0), (4, 32), (4, 128))
LEAST = 90  # decibels


def brisk(*arguments):
    result = subprocess.run([BRISK, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, f"brisk {' '.join(map(str, arguments))}: {result.stdout}{result.stderr}"
    return result.stdout


def keep_f32(package):
    """The casts of activations to bf16, which a processor with products of it has in the graph, as casts to f32."""
    text = (package / "graph.txt").read_text()
    (package / "graph.txt").write_text(re.sub(r"(= cast\(%\d+\) \{dtype = )bf16(\} : )bf16", r"\1f32\2f32", text))


def inputs_of(session):
    random, values = numpy.random.default_rng(1), {}
    for port in session.get_inputs():
        shape = [size if isinstance(size, int) else 2 for size in port.shape]
        if "int" in port.type:
            values[port.name] = random.integers(0, 2, size=shape).astype(
                numpy.int32 if port.type == "tensor(int32)" else numpy.int64)
        else:
            values[port.name] = random.normal(size=shape).astype(numpy.float32)
    return values


def run(file, values, optimized, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    options.optimized_model_filepath, options.log_severity_level = str(optimized), 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    values = values or inputs_of(session)
    counts = collections.Counter(node.op_type for node in onnx.load(str(optimized), load_external_data=False).graph.node)
    return values, session.run(None, values)[0], counts


def decibels(wanted, found):
    noise = numpy.square(wanted.astype(numpy.float64) - found).sum()
    return numpy.inf if noise == 0 else 10 * numpy.log10(numpy.square(wanted.astype(numpy.float64)).sum() / noise)


def check(name, folder):
    brisk("export", name, "--to", "package", "--out", folder / "floats")
    brisk("export", folder / "floats", "--to", "onnx", "--out", folder / "floats.onnx")
    levels = onnxruntime.GraphOptimizationLevel
    values, floats, _ = run(folder / "floats.onnx", None, folder / "optimized.onnx", levels.ORT_ENABLE_ALL)
    save_file(values, str(folder / "in.safetensors"))
    for bits, block in GRIDS:
        brisk("quantize", folder / "floats", "--weights_only", "--bits", bits, "--block_size", block, "--keep_slow",
              "--steps", 1, "--time_batch_size", 1, "--output", folder / "short")
        package, file = folder / "short" / "model", folder / "short.onnx"
        keep_f32(package)
        brisk("export", package, "--to", "onnx", "--out", file)
        model = onnx.load(str(file))
        onnx.checker.check_model(model, full_check=True)
        products = sum(node.op_type == "DequantizeLinear" for node in model.graph.node)
        brisk("predict", package, "--tensors", folder / "in.safetensors", "--output", folder / "out.safetensors")
        (ours,) = load_file(str(folder / "out.safetensors")).values()
        _, plain, _ = run(file, values, folder / "optimized.onnx", levels.ORT_DISABLE_ALL)
        _, fast, counts = run(file, values, folder / "optimized.onnx", levels.ORT_ENABLE_ALL)
        brisk("import", file, "--out", folder / "again")
        assert (folder / "again" / "graph.txt").read_text().count("weight_only_dot(") == products
        brisk("predict", folder / "again", "--tensors", folder / "in.safetensors", "--output", folder / "out.safetensors")
        (again,) = load_file(str(folder / "out.safetensors")).values()
        found = {"as it stands": decibels(plain, ours), "optimized": decibels(fast, ours), "again": decibels(ours, again)}
        print(f"{name}, {bits} bits, blocks of {block}: {products} products, {file.stat().st_size / 1e6:.1f} MB, "
              f"{counts['MatMulNBits']} MatMulNBits; "
              + ", ".join(f"{what} {value:.1f} dB" for what, value in found.items())
              + f"; from the floats {decibels(floats, ours):.1f} dB")
        assert found["as it stands"] > LEAST and found["again"] > LEAST


def main():
    names = sys.argv[1:] or ["mlp", "bert_base"]
    for name in names:
        with tempfile.TemporaryDirectory() as scratch:
            check(name, Path(scratch))
    print(f"{len(names)} models: written, checked and run by ONNX Runtime {onnxruntime.__version__}")


if __name__ == "__main__":
    main()
