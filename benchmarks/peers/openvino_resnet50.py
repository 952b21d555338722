#!/usr/bin/env python3
"""ResNet-50's inference by OpenVINO, f32 and int8: lines of JSON with case, unit, value and name.

    openvino_resnet50.py MODEL.onnx [--threads N] [--rounds N] [--batch_sizes 1 16]

MODEL.onnx takes images [batch, height, width, channels] or [batch, channels, height, width] in f32. The int8
form is made by ONNX Runtime's quantizer as QuantizeLinear and DequantizeLinear around its operators (weights
by channel, activations u8, ranges of random images: speed does not depend on them), which OpenVINO
runs in integers. Each figure is the median over rounds of a mean over runs."""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import openvino
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process


class RandomImages(CalibrationDataReader):
    def __init__(self, name, shape, count=4):
        random = np.random.default_rng(1)
        self.batches = iter([{name: random.standard_normal(shape, dtype=np.float32)} for _ in range(count)])

    def get_next(self):
        return next(self.batches, None)


def input_of(path):
    """Name and shape, of which the first extent may be a name, of the file's input."""
    model = onnx.load(str(path), load_external_data=False)
    weights = {tensor.name for tensor in model.graph.initializer}
    port = next(port for port in model.graph.input if port.name not in weights)
    return port.name, [dim.dim_value for dim in port.type.tensor_type.shape.dim][1:]


def in_integers(path, folder):
    name, sizes = input_of(path)
    prepared, integers = folder / "prepared.onnx", folder / "int8.onnx"
    quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
    quantize_static(str(prepared), str(integers), RandomImages(name, [1, *sizes]), quant_format=QuantFormat.QDQ,
                    per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    return integers


def compiled(path, threads, batch_size):
    core = openvino.Core()
    model = core.read_model(str(path))
    _, sizes = input_of(path)
    model.reshape([batch_size, *sizes])
    options = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32",
               "PERFORMANCE_HINT": "LATENCY"}
    return core.compile_model(model, "CPU", options).create_infer_request(), [batch_size, *sizes]


def seconds_a_run(request, inputs, most_seconds):
    request.infer(inputs, share_inputs=True)
    runs, start = 0, time.perf_counter()
    while runs < 3 or time.perf_counter() - start < most_seconds:
        request.infer(inputs, share_inputs=True)
        runs += 1
    return (time.perf_counter() - start) / runs


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch_sizes", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--integers", type=Path, help="where the int8 form lies, or is to be kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        integers = arguments.integers or Path(scratch) / "int8.onnx"
        if not integers.exists():
            made = in_integers(arguments.model, Path(scratch))
            if made != integers:
                integers.write_bytes(made.read_bytes())
        for precision, path in (("f32", arguments.model), ("int8", integers)):
            for batch_size in arguments.batch_sizes:
                request, shape = compiled(path, arguments.threads, batch_size)
                inputs = [np.random.default_rng(2).standard_normal(shape, dtype=np.float32)]
                times = [seconds_a_run(request, inputs, 0.5) for _ in range(arguments.rounds)]
                print(json.dumps({"case": f"resnet50/infer/{precision}/{batch_size}", "unit": "ms",
                                  "value": statistics.median(times) * 1e3,
                                  "name": f"OpenVINO {openvino.__version__.split('-')[0]}"}), flush=True)


if __name__ == "__main__":
    main()
