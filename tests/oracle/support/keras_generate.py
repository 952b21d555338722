"""Saves the models of keras_cases.py with the Keras of this environment, with inputs and outputs.

usage: keras_generate.py FOLDER [PATTERN] [--applications]

For each case: NAME.keras, NAME.h5, NAME.in.safetensors, NAME.out.safetensors; and cases.json with the
kind of each and what Keras itself could not do. Applications are saved as .keras only, for their size.
"""

import argparse
import fnmatch
import json
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

sys.path.insert(0, str(Path(__file__).parent))
from this_keras import input_name, keras, outputs_of  # noqa: E402
import keras_cases  # noqa: E402


def randomize(model, random, small):
    """Weights that no symmetry hides in; variances stay positive."""
    for variable in model.weights:
        shape = tuple(variable.shape)
        path = getattr(variable, "path", variable.name)
        if "seed" in path or path.startswith("normalization/") or path in ("mean:0", "variance:0", "count:0"):
            continue  # of Normalization, which reads them once, when it is adapted
        if "variance" in path:
            value = random.uniform(0.5, 1.5, shape)
        elif "gamma" in path:
            value = random.uniform(0.7, 1.3, shape)
        elif small:
            fan = max(1, int(np.prod(shape[:-1])))
            value = random.standard_normal(shape, "float32") * (np.sqrt(1.6 / fan) if len(shape) > 1 else 0.05)
        else:
            value = random.normal(0, 0.4, shape)
        kind = variable.dtype if isinstance(variable.dtype, str) else variable.dtype.name
        variable.assign(np.asarray(value, kind))


def inputs_of(model, random):
    result = {}
    for tensor in model.inputs:
        shape = [2 if axis == 0 else (size or 5) for axis, size in enumerate(tensor.shape)]
        if "bool" in str(tensor.dtype):
            value = random.uniform(size=shape) > 0.3
            value[..., 0] = True
        elif "int" in str(tensor.dtype):
            value = random.integers(0, 6, shape).astype("int32")
        else:
            value = random.normal(0, 1, shape).astype("float32")
        result[input_name(tensor)] = value
    return result


def reason(error):
    return f"{type(error).__name__}: {error}"[:300]


def make(name, kind, build, folder, with_h5):
    """Saves one case; gives its entry of cases.json."""
    entry = {"kind": kind, "files": {}}
    random = np.random.default_rng(sum(map(ord, name)))
    keras.backend.clear_session()
    try:
        model = build()
        randomize(model, random, kind == "network")
        inputs = inputs_of(model, random)
        if name == "masking_rnn":
            inputs = {k: v * (random.uniform(size=(2, 5, 1)) > 0.4).astype("float32") for k, v in inputs.items()}
        outputs = outputs_of(model, inputs)
    except Exception as error:  # what this Keras or TensorFlow cannot do is no case
        return {"kind": kind, "keras_fails": reason(error)}
    save_file({k: np.ascontiguousarray(v) for k, v in inputs.items()}, str(folder / f"{name}.in.safetensors"))
    for suffix in ("keras", "h5") if with_h5 else ("keras",):
        try:
            model.save(folder / f"{name}.{suffix}" if suffix == "keras" else str(folder / f"{name}.{suffix}"))
            entry["files"][suffix] = f"{name}.{suffix}"
        except Exception as error:
            entry[f"{suffix}_fails"] = reason(error)
    save_file({f"{i:03}": part for i, part in enumerate(outputs)}, str(folder / f"{name}.out.safetensors"))
    return entry


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--applications", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    if options.applications:
        cases = {name: ("network", lambda n=name: keras_cases.application(n)) for name in keras_cases.APPLICATIONS
                 if hasattr(keras.applications, name)}
    else:
        cases = keras_cases.CASES
    path = options.folder / "cases.json"
    done = json.loads(path.read_text()) if path.exists() else {"cases": {}}
    done["keras"] = keras.__version__
    for name, (kind, build) in cases.items():
        if fnmatch.fnmatch(name, options.pattern) and not (options.folder / f"{name}.out.safetensors").exists():
            done["cases"][name] = make(name, kind, build, options.folder, not options.applications)
            path.write_text(json.dumps(done, indent=1))


main()
