"""Saves the models of keras_cases.py with the Keras of this environment, with inputs and outputs.

usage: keras_generate.py FOLDER [PATTERN] [--applications] [--format keras|h5]

For each case: NAME.keras, NAME.in.safetensors, NAME.out.safetensors; and cases.json with the kind of
each and what Keras itself could not do.
"""

import argparse
import fnmatch
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # noqa: E402
from safetensors.numpy import save_file  # noqa: E402

sys.path.insert(0, str(Path(__file__).parent))
import keras  # noqa: E402
import keras_cases  # noqa: E402


def randomize(model, random, small):
    """Weights that no symmetry hides in; variances stay positive."""
    for variable in model.weights:
        shape = tuple(variable.shape)
        path = getattr(variable, "path", variable.name)
        if "seed" in path or "count" in path or path.startswith("normalization/"):  # adapted once
            continue
        if "variance" in path:
            value = random.uniform(0.5, 1.5, shape)
        elif "gamma" in path:
            value = random.uniform(0.7, 1.3, shape)
        elif small:
            fan = max(1, int(np.prod(shape[:-1])))
            value = random.normal(0, np.sqrt(1.6 / fan) if len(shape) > 1 else 0.05, shape)
        else:
            value = random.normal(0, 0.4, shape)
        variable.assign(value.astype(str(variable.dtype)))


def input_name(tensor):
    """The name of the InputLayer: the tensor's own name differs in newer versions."""
    return tensor._keras_history.operation.name


def inputs_of(model, random):
    result = {}
    for tensor in model.inputs:
        shape = [2 if axis == 0 else (size or 5) for axis, size in enumerate(tensor.shape)]
        if "bool" in str(tensor.dtype):
            value = random.uniform(size=shape) > 0.3
            value[..., 0] = True
        elif "int" in str(tensor.dtype):
            value = random.integers(0, 6, shape).astype(str(tensor.dtype))
        else:
            value = random.normal(0, 1, shape).astype("float32")
        result[input_name(tensor)] = value
    if "masking" in model.name:
        next(iter(result.values()))[:, 2] = 0
    return result


def outputs_of(model, inputs):
    given = list(inputs.values())
    result = model(given[0] if len(given) == 1 else given, training=False) if not isinstance(model.input, dict) else \
        model(inputs, training=False)
    if isinstance(result, dict):
        result = [result[key] for key in sorted(result)]
    flat = []
    for part in result if isinstance(result, (list, tuple)) else [result]:
        flat += list(part) if isinstance(part, (list, tuple)) else [part]
    return {f"{i:03}": np.ascontiguousarray(np.asarray(keras.ops.convert_to_numpy(part))) for i, part in enumerate(flat)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--applications", action="store_true")
    parser.add_argument("--format", default="keras")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.applications:
        cases = {name: ("network", lambda n=name: keras_cases.application(n)) for name in keras_cases.APPLICATIONS
                 if hasattr(keras.applications, name)}
    else:
        cases = keras_cases.CASES
    done = {"keras": keras.__version__, "backend": keras.backend.backend(), "cases": {}}
    for name, (kind, build) in cases.items():
        if not fnmatch.fnmatch(name, options.pattern):
            continue
        if (options.folder / f"{name}.out.safetensors").exists():
            done["cases"][name] = {"kind": kind, "file": f"{name}.{options.format}"}
            continue
        random = np.random.default_rng(sum(map(ord, name)))
        try:
            keras.backend.clear_session()
            model = build()
            randomize(model, random, kind == "network")
            inputs = inputs_of(model, random)
            if name == "masking_rnn":
                inputs = {k: v * (random.uniform(size=(2, 5, 1)) > 0.4).astype("float32") for k, v in inputs.items()}
            outputs = outputs_of(model, inputs)
            path = options.folder / f"{name}.{options.format}"
            model.save(path)
            save_file({k: np.ascontiguousarray(v) for k, v in inputs.items()}, str(options.folder / f"{name}.in.safetensors"))
            save_file(outputs, str(options.folder / f"{name}.out.safetensors"))
            done["cases"][name] = {"kind": kind, "file": path.name}
        except Exception as error:  # what this Keras or backend cannot do is no case
            done["cases"][name] = {"kind": kind, "keras_fails": f"{type(error).__name__}: {error}"[:300]}
        (options.folder / "cases.json").write_text(json.dumps(done, indent=1))


main()
