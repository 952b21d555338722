"""What TensorFlow's fake_quant ops give, and their gradients: tests/ops/tf_fake_quantize.json.

usage: fake_quantize.py [--out FILE]   (needs tensorflow)
"""

import argparse
import json
import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

TENSOR_RANGES = {"around_zero": (-6, 6), "positive": (0, 6), "uneven": (-0.137, 2.9), "negative": (-3.3, 0),
                 "above_zero": (0.4, 2.5), "below_zero": (-2.5, -0.3), "nothing": (0, 0), "tiny": (-1e-6, 3e-6)}


def numbers(array):
    return [float(x) for x in np.asarray(array, np.float32).ravel()]


def case(name, function, x, minimum, maximum, cotangent, num_bits, narrow_range):
    operands = [tf.constant(np.asarray(v, np.float32)) for v in (x, minimum, maximum)]
    with tf.GradientTape() as tape:
        tape.watch(operands)
        y = function(*operands, num_bits=num_bits, narrow_range=narrow_range)
    gradients = tape.gradient(y, operands, output_gradients=tf.constant(cotangent))
    return {"name": name, "sizes": list(x.shape), "range_sizes": list(operands[1].shape), "num_bits": num_bits,
            "narrow_range": narrow_range, "x": numbers(x), "minimum": numbers(minimum), "maximum": numbers(maximum),
            "cotangent": numbers(cotangent), "y": numbers(y), "gradients": [numbers(g) for g in gradients]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path,
                        default=Path(__file__).resolve().parents[1] / "ops/tf_fake_quantize.json")
    options = parser.parse_args()
    random = np.random.default_rng(5)
    cases = []
    for name, (low, high) in TENSOR_RANGES.items():
        for num_bits, narrow_range in [(8, False), (8, True), (4, False), (16, True)]:
            x = random.uniform(1.3 * low - 0.1 * (high == low), 1.3 * high + 0.1, size=(4, 9)).astype(np.float32)
            x[0, :3] = low, high, 0
            cases.append(case(f"{name}_{num_bits}{'_narrow' if narrow_range else ''}",
                              tf.quantization.fake_quant_with_min_max_vars, x, low, high,
                              random.normal(size=x.shape).astype(np.float32), num_bits, narrow_range))
    for num_bits, narrow_range in [(8, False), (8, True), (2, False)]:
        minimum, maximum = np.array([-1, -0.2, 0, 0, -3, 0.5]), np.array([1, 2.3, 4, 0, 0, 0.9])
        x = random.uniform(-4, 5, size=(3, 5, 6)).astype(np.float32)
        x[0, 0], x[0, 1], x[0, 2] = minimum, maximum, 0
        cases.append(case(f"channels_{num_bits}{'_narrow' if narrow_range else ''}",
                          tf.quantization.fake_quant_with_min_max_vars_per_channel, x, minimum, maximum,
                          random.normal(size=x.shape).astype(np.float32), num_bits, narrow_range))
    # Steps of a power of two: many x lie halfway.
    x = (np.arange(-40, 40, dtype=np.float32) / 16).reshape(8, 10)
    cases.append(case("halfway", tf.quantization.fake_quant_with_min_max_vars, x, -15.875, 15.875, np.ones_like(x), 8,
                      True))
    options.out.write_text(json.dumps({"tensorflow": tf.__version__, "cases": cases}, separators=(",", ":")) + "\n")
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
