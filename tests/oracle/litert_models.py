"""Whole models in TFLite's arithmetic: a package of `brisk quantize --semantics tflite` written as a TFLite file
op by op, and run by LiteRT's reference kernels. Every result must be brisk's, bit for bit.

usage: litert_models.py [--samples FILE] [--batch N] [--report FILE] [PACKAGE...]

Without packages small ones are trained and quantized, on images drawn at random. --samples: a safetensors file
with the packages' input, else numbers drawn at random. Needs ai-edge-litert or tensorflow, safetensors, pillow.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402
from safetensors.numpy import load_file, save_file  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "onnx"))
sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from machine import run_on  # noqa: E402
from tflite_file import ACTIVATIONS, RUNTIME, File, Runner, options  # noqa: E402

BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build" / "bin" / "brisk"))
MODELS = {"small_cnn": (28, 1), "resnet18": (32, 3), "mobilenet_v2": (32, 3)}
TYPES = {"i8": np.int8, "u8": np.uint8, "i16": np.int16, "i32": np.int32, "i64": np.int64, "f32": np.float32, "f64": np.float64}
NODE = re.compile(r'\s*(%\d+(?:, %\d+)*) = (\w+)\(([^)]*)\) \{(.*)\} : (.*?)(?: @".*")?$')


def brisk(*arguments):
    result = subprocess.run([BRISK, *map(str, arguments)], capture_output=True, text=True)
    assert result.returncode == 0, f"brisk {' '.join(map(str, arguments))}: {result.stdout}{result.stderr}"
    return result.stdout


def version(dtype, of_bytes, of_short):
    """The op's version for 8-bit and for 16-bit activations."""
    return of_short if dtype == np.int16 else of_bytes


def attribute(text):
    if text.startswith(("[", "shape[")):
        inside = text[text.index("[") + 1:-1]
        return [item if item == "batch" else int(item) for item in inside.split(", ")] if inside else []
    if text.startswith('"'):
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def attributes(text):
    fields = re.findall(r'(\w+) = ((?:shape)?\[[^\]]*\]|"[^"]*"|[^,]+)', text)
    return {name: attribute(value) for name, value in fields}


class Converter:
    """A package's graph as a TFLite file for `batch` images."""

    def __init__(self, package, batch):
        self.batch, self.file, self.values, self.grids, self.shapes = batch, File(), {}, {}, {}
        self.weights = load_file(str(package / "weights.safetensors"))
        self.constants, self.inputs, self.outputs, self.counts, self.types = {}, [], [], {}, {}
        for line in (package / "graph.txt").read_text().splitlines():
            if match := NODE.match(line):
                self.node(*match.groups())
            elif line.strip().startswith("return"):
                for value, name in re.findall(r'(%\d+) as "([^"]*)"', line):
                    self.outputs.append((name, self.values[value]))
        self.content = self.file.finish([index for _, index in self.inputs], [index for _, index in self.outputs])

    def node(self, results, op, operands, fields, types):
        results, operands = results.split(", "), operands.split(", ") if operands else []
        fields = attributes(fields)
        dtype, shape = re.match(r"(\w+)\[(.*?)\]", types).groups()
        shape = [self.batch if size == "batch" else int(size) for size in shape.split(", ")] if shape else []
        self.counts[op] = self.counts.get(op, 0) + (op != "input")
        self.shapes[results[0]], self.types[results[0]] = shape, TYPES[dtype]
        if op == "input" and fields["name"] in self.weights:
            self.constants[results[0]] = self.weights[fields["name"]]
            return
        getattr(self, f"write_{op}")(results[0], operands, fields, TYPES[dtype], shape)

    def result(self, value, dtype, shape, scale=None, zero_point=0):
        self.grids[value] = (scale, zero_point)
        self.values[value] = self.file.tensor(dtype, shape, scale, zero_point)
        return self.values[value]

    def output(self, value, dtype, shape, f):
        return self.result(value, dtype, shape, f["output_scale"], f["output_zero_point"])

    def same(self, value, operand, dtype, shape):
        return self.result(value, dtype, shape, *self.grids[operand])

    def write_input(self, value, _, f, dtype, shape):
        self.inputs.append((f["name"], self.result(value, dtype, shape)))

    def write_tflite_quantize(self, value, of, f, dtype, shape):
        y = self.result(value, dtype, shape, f["scale"], f["zero_point"])
        self.file.op("QUANTIZE", version(dtype, 1, 2), [self.values[of[0]]], [y], options("Quantize"))

    def write_dequantize(self, value, of, f, dtype, shape):
        y = self.result(value, dtype, shape)
        self.file.op("DEQUANTIZE", version(self.types[of[0]], 2, 3), [self.values[of[0]]], [y], options("Dequantize"))

    def scales(self, of, f):
        """Of the filter and of the sums, each by channel; exact, since they are f32 numbers."""
        filters = np.float32(self.constants[of[3]] * f["output_scale"] / self.grids[of[0]][0])
        return filters, self.grids[of[0]][0] * filters.astype(np.float64)

    def write_tflite_convolution(self, value, of, f, dtype, shape):
        filters, sums = self.scales(of, f)
        weights, x, size = self.constants[of[1]], self.values[of[0]], self.shapes[of[0]]
        reach = [(k - 1) * d + 1 for k, d in zip(weights.shape[:2], f["dilations"])]
        same = [max((-(-s // t) - 1) * t + r - s, 0) for s, t, r in zip(size[1:3], f["strides"], reach)]
        low, high = f["pad_low"], f["pad_high"]
        padding = 1
        if low == [t // 2 for t in same] and high == [t - t // 2 for t in same]:
            padding = 0
        elif any(low + high):
            x = self.padded(of[0], [[0, 0], [low[0], high[0]], [low[1], high[1]], [0, 0]], dtype)
        common = dict(padding=padding, strideH=f["strides"][0], strideW=f["strides"][1],
                      dilationHFactor=f["dilations"][0], dilationWFactor=f["dilations"][1],
                      fusedActivationFunction=ACTIVATIONS[f["activation"]])
        y = self.output(value, dtype, shape, f)
        bias = self.file.tensor(version(dtype, np.int32, np.int64), [shape[-1]], sums, 0, self.constants[of[2]])
        if f["groups"] > 1:
            assert f["groups"] == size[-1], "groups of several channels"
            stored = weights.reshape(1, *weights.shape[:2], -1)
            w = self.file.tensor(np.int8, stored.shape, filters, 0, stored, 3)
            self.file.op("DEPTHWISE_CONV_2D", version(dtype, 3, 5), [x, w, bias], [y],
                         options("DepthwiseConv2D", depthMultiplier=shape[-1] // size[-1], **common))
        else:
            stored = weights.transpose(3, 0, 1, 2)
            w = self.file.tensor(np.int8, stored.shape, filters, 0, stored, 0)
            self.file.op("CONV_2D", version(dtype, 3, 4), [x, w, bias], [y], options("Conv2D", **common))

    def padded(self, operand, sizes, dtype):
        shape = [n + a + b for n, (a, b) in zip(self.shapes[operand], sizes)]
        y = self.file.tensor(dtype, shape, *self.grids[operand])
        self.file.op("PAD", 2, [self.values[operand], self.file.tensor(np.int32, [4, 2], data=sizes)], [y], options("Pad"))
        return y

    def write_tflite_dot(self, value, of, f, dtype, shape):
        filters, sums = self.scales(of, f)
        stored = np.ascontiguousarray(self.constants[of[1]].T)
        w = self.file.tensor(np.int8, stored.shape, filters, 0, stored, 0)
        bias = self.file.tensor(version(dtype, np.int32, np.int64), [shape[-1]], sums, 0, self.constants[of[2]])
        self.file.op("FULLY_CONNECTED", version(dtype, 4, 7), [self.values[of[0]], w, bias],
                     [self.output(value, dtype, shape, f)],
                     options("FullyConnected", fusedActivationFunction=ACTIVATIONS[f["activation"]]))

    def binary(self, name, of_short, made_of, value, of, f, dtype, shape):
        for operand, side in zip(of, ("lhs", "rhs")):
            assert self.grids[operand] == (f[f"{side}_scale"], f[f"{side}_zero_point"])
        self.file.op(name, version(dtype, 2, of_short), [self.values[v] for v in of],
                     [self.output(value, dtype, shape, f)],
                     options(fusedActivationFunction=ACTIVATIONS[f["activation"]], **made_of))

    def write_tflite_add(self, *node):
        self.binary("ADD", 3, dict(kind="Add", potScaleInt16=False), *node)

    def write_tflite_multiply(self, *node):
        self.binary("MUL", 4, dict(kind="Mul"), *node)

    def pool(self, name, value, of, f, dtype, shape, activation):
        x, low, high = self.values[of[0]], f["pad_low"], f["pad_high"]
        size = self.shapes[of[0]]
        same = [max((-(-s // t) - 1) * t + w - s, 0) for s, t, w in zip(size[1:3], f["strides"], f["window"])]
        padding = 1
        if any(low + high):
            assert low == [t // 2 for t in same] and high == [t - t // 2 for t in same], "a pool's own padding"
            padding = 0
        self.file.op(name, version(dtype, 2, 3), [x], [self.same(value, of[0], dtype, shape)],
                     options("Pool2D", padding=padding, strideH=f["strides"][0], strideW=f["strides"][1],
                             filterHeight=f["window"][0], filterWidth=f["window"][1],
                             fusedActivationFunction=ACTIVATIONS[activation]))

    def write_max_pool(self, value, of, f, dtype, shape):
        self.pool("MAX_POOL_2D", value, of, f, dtype, shape, "none")

    def write_tflite_average_pool(self, value, of, f, dtype, shape):
        self.pool("AVERAGE_POOL_2D", value, of, f, dtype, shape, f["activation"])

    def write_tflite_mean(self, value, of, f, dtype, shape):
        axes = self.file.tensor(np.int32, [len(f["axes"])], data=f["axes"])
        self.file.op("MEAN", version(dtype, 2, 3), [self.values[of[0]], axes], [self.output(value, dtype, shape, f)],
                     options("Reducer", keepDims=f["keep_dims"]))

    def write_tflite_requantize(self, value, of, f, dtype, shape):
        name = {"none": "QUANTIZE", "relu": "RELU", "relu6": "RELU6"}[f["activation"]]
        number = version(dtype, 1, 2) if name == "QUANTIZE" else version(dtype, 2, 3)
        self.file.op(name, number, [self.values[of[0]]], [self.output(value, dtype, shape, f)],
                     options("Quantize") if name == "QUANTIZE" else None)

    def write_tflite_softmax(self, value, of, f, dtype, shape):
        y = self.result(value, dtype, shape, *version(dtype, (1 / 256, -128), (1 / 32768, 0)))
        self.file.op("SOFTMAX", version(dtype, 2, 3), [self.values[of[0]]], [y],
                     options("Softmax", beta=float(f["beta"])))

    def write_tflite_logistic(self, value, of, f, dtype, shape):
        y = self.result(value, dtype, shape, *version(dtype, (1 / 256, -128), (1 / 32768, 0)))
        self.file.op("LOGISTIC", version(dtype, 2, 3), [self.values[of[0]]], [y])

    def write_tflite_tanh(self, value, of, f, dtype, shape):
        y = self.result(value, dtype, shape, *version(dtype, (1 / 128, 0), (1 / 32768, 0)))
        self.file.op("TANH", version(dtype, 2, 3), [self.values[of[0]]], [y])

    def write_reshape(self, value, of, f, dtype, shape):
        sizes = self.file.tensor(np.int32, [len(shape)], data=shape)
        self.file.op("RESHAPE", 1, [self.values[of[0]], sizes], [self.same(value, of[0], dtype, shape)],
                     options("Reshape", newShape=shape))

    def write_transpose(self, value, of, f, dtype, shape):
        order = self.file.tensor(np.int32, [len(shape)], data=f["permutation"])
        self.file.op("TRANSPOSE", version(dtype, 2, 5), [self.values[of[0]], order], [self.same(value, of[0], dtype, shape)],
                     options("Transpose"))

    def write_concatenate(self, value, of, f, dtype, shape):
        assert len({self.grids[v] for v in of}) == 1
        self.file.op("CONCATENATION", version(dtype, 2, 3), [self.values[v] for v in of], [self.same(value, of[0], dtype, shape)],
                     options("Concatenation", axis=f["axis"]))


def made_packages(folder):
    random = np.random.default_rng(0)
    for name, (size, channels) in MODELS.items():
        photos, run, package = folder / name / "photos", folder / name / "run", folder / name / "package"
        for label in ("cat", "dog"):
            (photos / label).mkdir(parents=True)
            for i in range(8):
                coarse = random.integers(0, 256, size=(4, 4, channels), dtype=np.uint8)
                Image.fromarray(coarse.squeeze()).resize((size, size), Image.BILINEAR).save(photos / label / f"{i}.png")
        recipe = folder / name / "recipe.yaml"
        recipe.write_text(f"model: {{name: {name}}}\ndata:\n  train: {{image_folder: photos, size: [{size}, {size}], "
                          f"channels: {channels}}}\nbatch_size: 8\nepochs: 2\nmean: 127\nstd: 64\noutput: run\n")
        brisk("train", recipe, "--quiet")
        for bits in (8, 16):
            brisk("quantize", run / "model", "--data", photos, "--semantics", "tflite", "--activations", bits,
                  "--steps", 1, "--time_batch_size", 1, "--output", package)
            yield f"{name}, activations of {bits} bits", package / "model"


def compare(name, package, samples, batch, folder):
    """(name, ops, results, those that differ, by the kernels of LiteRT)"""
    random = np.random.default_rng(1)
    graph = (package / "graph.txt").read_text()
    declared = re.findall(r'input\(\) \{name = "([^"]*)"\} : f32\[batch, ([^\]]*)\]', graph)
    sizes = {port: [int(n) for n in shape.split(", ")] for port, shape in declared}
    if samples:
        values = load_file(str(samples))
    else:
        values = {port: random.normal(size=[batch, *size]).astype(np.float32) for port, size in sizes.items()}
    count = next(iter(values.values())).shape[0]
    converter = Converter(package, count)
    inputs, outputs = folder / "in.safetensors", folder / "out.safetensors"
    save_file(values, str(inputs))
    brisk("predict", package, "--tensors", inputs, "--output", outputs)
    ours = load_file(str(outputs))
    row = [name, sum(converter.counts.values()), sum(v.size for v in ours.values())]
    for kernels in ("reference", "optimized", "XNNPACK"):
        found = Runner(converter.content, kernels)([values[port] for port, _ in converter.inputs])
        theirs = dict(zip((port for port, _ in converter.outputs), found))
        row.append(sum(int((theirs[port] != ours[port]).sum()) for port in ours))
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("packages", nargs="*", type=Path)
    parser.add_argument("--samples", type=Path)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        packages = [(p.parent.name if p.name == "model" else p.name, p) for p in given.packages] or made_packages(folder)
        rows = [compare(name, package, given.samples, given.batch, folder) for name, package in packages]
    lines = ["# Models in TFLite's integer arithmetic", "",
             "Written by `brisk quantize --semantics tflite`, and the same integers as TFLite files: results of brisk's CPU",
             "backend that differ from LiteRT's. Made by `tests/oracle/litert_models.py`.",
             f"{run_on()}, {RUNTIME}.", "",
             "| model | ops | results | other than LiteRT's reference kernels | than its optimized ones | than XNNPACK |",
             "| --- | ---: | ---: | ---: | ---: | ---: |", *(f"| {' | '.join(map(str, row))} |" for row in rows)]
    print("\n".join(lines))
    if given.report:
        given.report.write_text("\n".join(lines) + "\n")
    sys.exit(any(row[3] for row in rows))


if __name__ == "__main__":
    main()
