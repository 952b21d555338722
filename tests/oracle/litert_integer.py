"""Integer kernels of LiteRT on random shapes, scales and data, and brisk's ops in TFLite's arithmetic.

usage: litert_integer.py [--count N] [--seed N] [--out FILE] [--tests PROGRAM] [--report FILE]

Each case is a TFLite file of one op, run by LiteRT's reference kernels, and the same op as a graph of brisk
with its inputs and LiteRT's result. Without arguments some are written to tests/ops/litert_integer.json, which
tests/ops/litert_integer_test.cpp computes. With --tests (build/tests/test_ops) the cases of --count and --seed
are computed at once, --report says how many were the same, and how far LiteRT's optimized kernels and XNNPACK
are from its own reference. Needs ai-edge-litert, or tensorflow.
"""

import argparse
import collections
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "onnx"))
sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from machine import run_on  # noqa: E402
from tflite_file import ACTIVATIONS, RUNTIME, File, Runner, options  # noqa: E402

NAMES = {"int8": "i8", "uint8": "u8", "int16": "i16", "int32": "i32", "int64": "i64", "float32": "f32", "float64": "f64"}
TYPES = {name: np.dtype(numpy_name) for numpy_name, name in NAMES.items()}


class BareWord(str):
    """Stands in brisk's text without quotes."""


class Quantized:
    """The type of a tensor: i8, u8 or i16, its f32 scale, its zero point."""

    def __init__(self, dtype, scale, zero_point):
        self.dtype, self.scale, self.zero_point = TYPES[dtype], float(np.float32(scale)), int(zero_point)


class Random(np.random.Generator):
    def __init__(self, seed):
        super().__init__(np.random.PCG64(seed))

    def number(self, low, high):
        return int(self.integers(low, high + 1))

    def one_of(self, values):
        return values[self.number(0, len(values) - 1)]

    def scale(self, low=2**-9, high=1.0):
        return float(np.float32(np.exp(self.uniform(np.log(low), np.log(high)))))

    def quantized(self, dtype, low=2**-9, high=1.0):
        limits = np.iinfo(TYPES[dtype])
        zero_point = 0 if dtype == "i16" else self.one_of([self.number(limits.min, limits.max), limits.min,
                                                           (limits.min + limits.max + 1) // 2])
        if self.number(0, 5) == 0:  # far from the others
            low, high = low / 64, high * 16
        return Quantized(dtype, self.scale(low, high), zero_point)

    def integers_of(self, dtype, shape):
        limits = np.iinfo(dtype)
        values = self.integers(limits.min, limits.max + 1, size=shape)
        if self.number(0, 3) == 0:  # around the middle
            values = np.clip(np.round(self.normal(size=shape) * 20 + (limits.min + limits.max) / 2), limits.min, limits.max)
        return values.astype(dtype)


class Case:
    """One op: the TFLite file with its inputs, and brisk's text with its operands."""

    def __init__(self, name):
        self.name, self.file, self.inputs, self.fed = name, File(), [], []
        self.operands, self.attributes, self.op = [], {}, ""

    def input(self, q, values):
        """An input of both."""
        index = self.file.tensor(values.dtype, values.shape, None if q is None else q.scale,
                                 0 if q is None else q.zero_point)
        self.inputs.append(index)
        self.fed.append(values)
        self.operands.append(values)
        return index

    def output(self, q, shape, dtype=None):
        return self.file.tensor(dtype or q.dtype, shape, None if q is None else q.scale, 0 if q is None else q.zero_point)

    def finish(self, output, op, **attributes):
        self.op, self.attributes = op, attributes
        self.content = self.file.finish(self.inputs, [output])
        self.wanted = Runner(self.content)(self.fed)[0]
        return self

    def text(self):
        lines = [f'  %{i} = input() {{name = "x{i}"}} : {type_text(v)}' for i, v in enumerate(self.operands)]
        places = ", ".join(f"%{i}" for i in range(len(self.operands)))
        fields = ", ".join(f"{name} = {field_text(value)}" for name, value in self.attributes.items())
        n = len(self.operands)
        result, more = type_text(self.wanted), ("", "")
        if self.op == "max_pool":  # has a second result
            more = (f", %{n + 1}", f", u8{result[result.index('['):]}")
        lines.append(f"  %{n}{more[0]} = {self.op}({places}) {{{fields}}} : {result}{more[1]}")
        return "\n".join(['graph "case" {', *lines, f'  return %{n} as "y"', "}"])

    def to_json(self):
        return {"name": self.name, "graph": self.text(), "inputs": [tensor_json(v) for v in self.operands],
                "output": tensor_json(self.wanted)}


def type_text(values):
    return f"{NAMES[str(values.dtype)]}[{', '.join(map(str, values.shape))}]"


def field_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, BareWord):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(str, value))}]"
    return repr(value)


def tensor_json(values):
    return {"dtype": NAMES[str(values.dtype)], "sizes": list(values.shape), "values": values.reshape(-1).tolist()}


def output_fields(q, activation="none"):
    return {"output_scale": q.scale, "output_zero_point": q.zero_point, "activation": activation}


def window_sizes(random, size, kernel, dilation=1):
    """A random stride, and SAME or VALID padding: (padding, strides, low, high, result sizes)."""
    strides = [random.number(1, 3) for _ in size]
    reach = [(k - 1) * dilation + 1 for k in kernel]
    if random.number(0, 1) == 0 or any(r > s for r, s in zip(reach, size)):
        result = [-(-s // t) for s, t in zip(size, strides)]
        total = [max((n - 1) * t + r - s, 0) for n, t, r, s in zip(result, strides, reach, size)]
        return 0, strides, [t // 2 for t in total], [t - t // 2 for t in total], result
    return 1, strides, [0, 0], [0, 0], [(s - r) // t + 1 for s, r, t in zip(size, reach, strides)]


def product(random, case, x_type, x, filter_values, axis, channels):
    """Filter, bias and factors (f64) of a product, whose results are spread over the output's range."""
    per_channel = random.number(0, 3) > 0
    scales = np.array([random.scale(2**-10, 2**-4) for _ in range(channels if per_channel else 1)], np.float32)
    every = np.broadcast_to(scales, (channels,))
    terms = filter_values.size // channels
    spread = float(np.abs(x.astype(np.float64) - x_type.zero_point).mean() * 60 * np.sqrt(terms)) + 1
    limit = int(random.uniform(0, spread))
    short = x_type.dtype == np.int16
    bias = random.integers(-limit, limit + 1, size=channels).astype(np.int64 if short else np.int32)
    out = random.quantized("i16" if short else "i8")
    # Results of some 60 steps (of 16 bits: 15,000) at the median channel, now and then of few, or beyond the range.
    steps = [15000, 15000, 100, 60000, 0.01, 1e5] if short else [60, 60, 5, 300, 0.01, 1e5]
    out.scale = float(np.float32(x_type.scale * float(np.median(every)) * spread / random.one_of(steps)))
    if short:  # the factors that 64-bit sums are scaled with are below 2^7
        out.scale = max(out.scale, float(np.float32(x_type.scale * every.max() / 100)))
    weights = case.file.tensor(np.int8, filter_values.shape, scales, 0, filter_values, axis)
    biases = case.file.tensor(bias.dtype, [channels], np.float64(x_type.scale) * scales, 0, bias)
    factors = np.float64(np.float32(x_type.scale)) * every.astype(np.float64) / np.float64(np.float32(out.scale))
    return out, weights, biases, bias, factors


def convolution(random, name, depthwise=False):
    case = Case(name)
    size, kernel = [random.number(1, 12) for _ in range(2)], [random.number(1, 4) for _ in range(2)]
    batch, channels = random.number(1, 2), random.one_of([1, 3, 5, 8, 17])
    dilation = random.one_of([1, 1, 2])
    padding, strides, low, high, result = window_sizes(random, size, kernel, dilation)
    if dilation > 1:
        strides = [1, 1]
        padding, low, high = 1, [0, 0], [0, 0]
        result = [s - (k - 1) * dilation for s, k in zip(size, kernel)]
        if min(result) < 1:
            return None
    groups = channels if depthwise else random.one_of([1, 1, channels])
    multiplier = random.number(1, 3)
    filters = channels * multiplier if groups == channels else random.number(1, 20)
    x_type = random.quantized(random.one_of(["i8", "i8", "i16"]))
    x = random.integers_of(x_type.dtype, [batch, *size, channels])
    index = case.input(x_type, x)
    per_group = channels // groups
    hwio = random.integers(-127, 128, size=[*kernel, per_group, filters]).astype(np.int8)
    activation = random.one_of(list(ACTIVATIONS))
    fields = dict(padding=padding, strideH=strides[0], strideW=strides[1], dilationHFactor=dilation,
                  dilationWFactor=dilation, fusedActivationFunction=ACTIVATIONS[activation])
    if depthwise:
        stored, axis = hwio.reshape(1, *kernel, filters), 3
    else:
        stored, axis = hwio.transpose(3, 0, 1, 2), 0
    out, weights, biases, bias, factors = product(random, case, x_type, x, stored, axis, filters)
    y = case.output(out, [batch, *result, filters])
    short = x_type.dtype == np.int16
    if depthwise:
        case.file.op("DEPTHWISE_CONV_2D", 5 if short else 3, [index, weights, biases], [y],
                     options("DepthwiseConv2D", depthMultiplier=multiplier, **fields))
    else:
        version = 4 if short else 6 if groups > 1 else 3
        case.file.op("CONV_2D", version, [index, weights, biases], [y], options("Conv2D", **fields))
    case.operands += [hwio, bias, factors]
    return case.finish(y, "tflite_convolution", strides=strides, pad_low=low, pad_high=high,
                       dilations=[dilation, dilation], groups=groups, input_zero_point=x_type.zero_point,
                       **output_fields(out, activation))


def depthwise(random, name):
    return convolution(random, name, True)


def dense(random, name):
    case = Case(name)
    m, k, n = random.number(1, 6), random.number(1, 70), random.number(1, 20)
    x_type = random.quantized(random.one_of(["i8", "i8", "i16"]))
    x = random.integers_of(x_type.dtype, [m, k])
    index = case.input(x_type, x)
    stored = random.integers(-127, 128, size=[n, k]).astype(np.int8)
    out, weights, biases, bias, factors = product(random, case, x_type, x, stored, 0, n)
    activation = random.one_of(list(ACTIVATIONS))
    y = case.output(out, [m, n])
    case.file.op("FULLY_CONNECTED", 7 if x_type.dtype == np.int16 else 4, [index, weights, biases], [y],
                 options("FullyConnected", fusedActivationFunction=ACTIVATIONS[activation]))
    case.operands += [np.ascontiguousarray(stored.T), bias, factors]
    return case.finish(y, "tflite_dot", input_zero_point=x_type.zero_point, **output_fields(out, activation))


def shape_of(random, rank):
    return [random.number(1, 7) for _ in range(rank)]


def binary(random, name, multiply=False):
    case = Case(name)
    dtype = random.one_of(["i8", "i8", "u8", "i16"])
    shape = shape_of(random, random.number(1, 4))
    lhs_type, rhs_type = random.quantized(dtype), random.quantized(dtype)
    out = random.quantized(dtype)
    steps = 30000 if dtype == "i16" else 120
    if multiply:
        out.scale = float(np.float32(lhs_type.scale * rhs_type.scale * steps / random.one_of([1, 2, 10])))
    else:
        out.scale = float(np.float32(max(lhs_type.scale, rhs_type.scale) * random.one_of([random.uniform(0.3, 3), 1.0, 2.0**-9])))
    lhs = case.input(lhs_type, random.integers_of(lhs_type.dtype, shape))
    rhs_shape = list(shape)
    if random.number(0, 2) == 0:  # broadcast
        rhs_shape = [1 if random.number(0, 1) else n for n in shape]
    rhs = case.input(rhs_type, random.integers_of(rhs_type.dtype, rhs_shape))
    activation = random.one_of(list(ACTIVATIONS))
    y = case.output(out, shape)
    if multiply:
        case.file.op("MUL", 4 if dtype == "i16" else 2, [lhs, rhs], [y],
                     options("Mul", fusedActivationFunction=ACTIVATIONS[activation]))
    else:
        case.file.op("ADD", 3 if dtype == "i16" else 2, [lhs, rhs], [y],
                     options("Add", fusedActivationFunction=ACTIVATIONS[activation], potScaleInt16=False))
    case.broadcast = rhs_shape != shape
    if case.broadcast:  # brisk's nodes take operands of one shape
        case.operands[1] = np.broadcast_to(case.operands[1], shape).copy()
    return case.finish(y, "tflite_multiply" if multiply else "tflite_add", lhs_scale=lhs_type.scale,
                       lhs_zero_point=lhs_type.zero_point, rhs_scale=rhs_type.scale,
                       rhs_zero_point=rhs_type.zero_point, **output_fields(out, activation))


def multiplication(random, name):
    return binary(random, name, True)


def pool(random, name, greatest=False):
    case = Case(name)
    dtype = random.one_of(["i8", "i8", "u8", "i16"])
    q = random.quantized(dtype)
    size, window = [random.number(1, 12) for _ in range(2)], [random.number(1, 4) for _ in range(2)]
    padding, strides, low, high, result = window_sizes(random, size, window)
    batch, channels = random.number(1, 2), random.number(1, 20)
    x = case.input(q, random.integers_of(q.dtype, [batch, *size, channels]))
    activation = "none" if greatest else random.one_of(list(ACTIVATIONS))
    y = case.output(q, [batch, *result, channels])
    case.file.op("MAX_POOL_2D" if greatest else "AVERAGE_POOL_2D", 3 if dtype == "i16" else 2, [x], [y],
                 options("Pool2D", padding=padding, strideH=strides[0], strideW=strides[1], filterHeight=window[0],
                         filterWidth=window[1], fusedActivationFunction=ACTIVATIONS[activation]))
    fields = dict(window=window, strides=strides, pad_low=low, pad_high=high)
    return case.finish(y, "max_pool" if greatest else "tflite_average_pool", **fields,
                       **({} if greatest else output_fields(q, activation)))


def max_pool(random, name):
    return pool(random, name, True)


def mean(random, name):
    case = Case(name)
    dtype = random.one_of(["i8", "i8", "u8", "i16"])
    rank = random.number(2, 4)
    shape = shape_of(random, rank)
    axes = sorted(random.choice(rank, size=random.number(1, rank), replace=False).tolist())
    if rank == 4 and random.number(0, 1):
        axes = [1, 2]
    keep = bool(random.number(0, 1))
    x_type, out = random.quantized(dtype), random.quantized(dtype)
    out.scale = float(np.float32(x_type.scale * random.one_of([1.0, random.uniform(0.1, 2), 2.0**-8, 2.0**9])))
    x = case.input(x_type, random.integers_of(x_type.dtype, shape))
    axis = case.file.tensor(np.int32, [len(axes)], data=axes)
    result = [1 if i in axes else n for i, n in enumerate(shape) if keep or i not in axes]
    y = case.output(out, result)
    case.file.op("MEAN", 3 if dtype == "i16" else 2, [x, axis], [y], options("Reducer", keepDims=keep))
    return case.finish(y, "tflite_mean", axes=axes, keep_dims=keep, input_scale=x_type.scale,
                       input_zero_point=x_type.zero_point, **output_fields(out))


def softmax(random, name):
    case = Case(name)
    dtype = random.one_of(["i8", "i8", "u8", "i16"])
    short = dtype == "i16"
    q = random.quantized(dtype, *((2**-16, 2**-6) if short else (2**-12, 2.0)))
    shape = [*shape_of(random, random.number(0, 3)), random.one_of([1, 2, 10, 100, 1001])]
    beta = random.one_of([1.0, 1.0, 0.5, 3.0])
    values = random.integers_of(q.dtype, shape)
    distances = (values.astype(np.float64) - values.max(axis=-1, keepdims=True)) * q.scale * beta
    if not short and np.exp(distances).sum(axis=-1).max() > 500:  # LiteRT ends the program at 512
        return None
    x = case.input(q, values)
    y = case.output(Quantized(dtype, 1 / 32768 if short else 1 / 256, -128 if dtype == "i8" else 0), shape)
    case.file.op("SOFTMAX", 3 if short else 2, [x], [y], options("Softmax", beta=beta))
    return case.finish(y, "tflite_softmax", input_scale=q.scale, beta=beta)


def function(random, name, logistic=True):
    case = Case(name)
    dtype = random.one_of(["i8", "i8", "u8", "i16", "i16"])
    y_type = {"i8": (1 / 256, -128) if logistic else (1 / 128, 0), "u8": (1 / 256, 0) if logistic else (1 / 128, 128),
              "i16": (1 / 32768, 0)}[dtype]
    q = random.quantized(dtype, 2**-10, 1.0)
    if dtype == "i16":
        q.scale = random.one_of([2.0**-12, 2.0**-11, 2.0**-13, random.scale(2**-20, 2.0), random.scale(2**-14, 2**-9)])
        values = random.integers(-32768, 32768, size=[8, 100])
        values[0, :5] = [-32768, -1, 0, 1, 32767]
    else:
        values = np.arange(256).reshape(4, 64) + np.iinfo(q.dtype).min
    x = case.input(q, values.astype(q.dtype))
    y = case.output(Quantized(dtype, *y_type), values.shape)
    case.file.op("LOGISTIC" if logistic else "TANH", 3 if dtype == "i16" else 2, [x], [y])
    return case.finish(y, "tflite_logistic" if logistic else "tflite_tanh", input_scale=q.scale,
                       input_zero_point=q.zero_point)


def tanh(random, name):
    return function(random, name, False)


def requantize(random, name):
    case = Case(name)
    source, result = random.one_of(["i8", "u8", "i16"]), random.one_of(["i8", "u8", "i16"])
    if source == "i16" and result == "u8" or source != "i16" and result == "i16" and RUNTIME.startswith("TensorFlow"):
        result = "i8"
    activation = random.one_of(list(ACTIVATIONS)) if source == result else "none"
    x_type, out = random.quantized(source), random.quantized(result)
    coarser = {"i8": 1, "u8": 1, "i16": 256}
    out.scale = float(np.float32(x_type.scale * coarser[source] / coarser[result] * random.one_of([1.0, random.uniform(0.3, 3)])))
    out.scale = max(out.scale, 1e-6)
    shape = shape_of(random, 3)
    x = case.input(x_type, random.integers_of(x_type.dtype, shape))
    y = case.output(out, shape)
    versions = {"none": 2 if "i16" in (source, result) else 1, "relu": 3 if source == "i16" else 2,
                "relu6": 3 if source == "i16" else 2}
    case.file.op({"none": "QUANTIZE", "relu": "RELU", "relu6": "RELU6"}[activation], versions[activation], [x], [y],
                 options("Quantize") if activation == "none" else None)
    return case.finish(y, "tflite_requantize", input_scale=x_type.scale, input_zero_point=x_type.zero_point,
                       **output_fields(out, activation), dtype=BareWord(result))


def quantize(random, name):
    case = Case(name)
    q = random.quantized(random.one_of(["i8", "u8", "i16"]))
    steps = random.integers(-40000, 40000, size=[40]) / 2 if q.dtype == np.int16 else random.integers(-300, 300, size=[40]) / 2
    values = np.concatenate([steps * q.scale, random.normal(size=[24]) * q.scale * 50]).astype(np.float32)
    x = case.input(None, values)
    y = case.output(q, values.shape)
    case.file.op("QUANTIZE", 2 if q.dtype == np.int16 else 1, [x], [y], options("Quantize"))
    return case.finish(y, "tflite_quantize", scale=q.scale, zero_point=q.zero_point,
                       dtype=BareWord(NAMES[str(q.dtype)]))


def dequantize(random, name):
    case = Case(name)
    q = random.quantized(random.one_of(["i8", "u8", "i16"]))
    x = case.input(q, random.integers_of(q.dtype, [3, 50]))
    y = case.output(None, [3, 50], np.float32)
    case.file.op("DEQUANTIZE", 3 if q.dtype == np.int16 else 2, [x], [y], options("Dequantize"))
    return case.finish(y, "dequantize", scale=q.scale, zero_point=q.zero_point)


MAKERS = {"conv": convolution, "depthwise": depthwise, "dense": dense, "add": binary, "mul": multiplication,
          "average_pool": pool, "max_pool": max_pool, "mean": mean, "softmax": softmax, "logistic": function,
          "tanh": tanh, "requantize": requantize, "quantize": quantize, "dequantize": dequantize}


def make_cases(count, seed):
    """`count` of each op."""
    for kind, make in MAKERS.items():
        random, made = Random([seed, list(MAKERS).index(kind)]), 0
        while made < count:
            case = make(random, f"{kind}_{made}")
            if case is not None:
                case.kind, made = kind, made + 1
                yield case


def distance(case, kernels):
    """The elements that other kernels make otherwise than the reference, all of them, and the greatest step."""
    found = Runner(case.content, kernels)(case.fed)[0]
    steps = np.abs(found.astype(np.float64) - case.wanted.astype(np.float64))
    return int((steps > 0).sum()), steps.size, float(steps.max(initial=0))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=5, help="cases of each op")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--out", type=Path, default=ROOT / "tests/ops/litert_integer.json")
    parser.add_argument("--tests", type=Path, help="test_ops, to compute the cases at once")
    parser.add_argument("--report", type=Path)
    given = parser.parse_args()
    cases = list(make_cases(given.count, given.seed))
    content = json.dumps({"litert": RUNTIME, "cases": [case.to_json() for case in cases]}, separators=(",", ":")) + "\n"
    if given.tests is None:
        given.out.write_text(content)
        print(f"{given.out}: {given.out.stat().st_size} bytes, {len(cases)} cases of {RUNTIME}")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.json"
        file.write_text(content)
        run = subprocess.run([given.tests, "--gtest_filter=*LitertIntegers*", "--gtest_brief=1"], capture_output=True,
                             text=True, env=os.environ | {"BRISK_LITERT_CASES": str(file)})
    failed = {line.split()[3].rstrip(",").partition("/")[2] or line for line in run.stdout.splitlines()
              if line.startswith("[  FAILED  ]")}
    print(run.stdout[-3000:] if run.returncode else f"all {len(cases)} cases are the same")
    if given.report:
        given.report.write_text(report(cases, run, failed))
    sys.exit(run.returncode)


def report(cases, run, failed):
    rows, far = collections.defaultdict(lambda: [0, 0]), collections.defaultdict(lambda: [0, 0, 0.0])
    for case in cases:
        rows[case.kind][0] += 1
        rows[case.kind][1] += case.wanted.size
        for kernels in ("optimized", "XNNPACK"):
            try:
                count, size, step = distance(case, kernels)
            except RuntimeError:
                continue
            entry = far[case.kind, kernels]
            entry[0], entry[1], entry[2] = entry[0] + count, entry[1] + size, max(entry[2], step)
    lines = ["# TFLite's integer arithmetic", "",
             f"Random shapes, scales and data, of 8 and 16 bits: brisk's reference and CPU",
             f"backends beside the reference kernels of {RUNTIME}, bit for bit. Made by `tests/oracle/litert_integer.py`.",
             f"{run_on()}.", "",
             f"{len(cases) if run.returncode == 0 else 'not all'} of {len(cases)} cases are the same on both backends.", "",
             "| op | cases | numbers | LiteRT optimized: others than its reference | by at most | with XNNPACK | by at most |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]
    for kind, (count, size) in rows.items():
        cells = []
        for kernels in ("optimized", "XNNPACK"):
            differ, of, step = far[kind, kernels]
            cells += [f"{differ} of {of}", f"{step:g}"]
        lines.append(f"| {kind} | {count} | {size} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
