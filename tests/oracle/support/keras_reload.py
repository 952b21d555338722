"""Loads NAME.exported.keras in a folder with this environment's Keras and compares with NAME.out.

usage: keras_reload.py FOLDER; writes reloaded.json.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # noqa: E402
from safetensors.numpy import load_file  # noqa: E402

import keras  # noqa: E402

folder = Path(sys.argv[1])
kinds = json.loads((folder / "cases.json").read_text())["cases"]
results = {}
for path in sorted(folder.glob("*.exported.keras")):
    name = path.name.removesuffix(".exported.keras")
    if name not in kinds:
        continue
    try:
        keras.backend.clear_session()
        model = keras.models.load_model(path)
        given = load_file(str(folder / f"{name}.in.safetensors"))
        inputs = [given[t._keras_history.operation.name] for t in model.inputs]
        found = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
        if isinstance(found, dict):
            found = [found[k] for k in sorted(found)]
        flat = []
        for part in found if isinstance(found, (list, tuple)) else [found]:
            flat += list(part) if isinstance(part, (list, tuple)) else [part]
        expected = load_file(str(folder / f"{name}.out.safetensors"))
        expected = [expected[k] for k in sorted(expected)]
        if len(expected) != len(flat):
            raise ValueError(f"{len(flat)} outputs instead of {len(expected)}")
        worst = 0.0
        for want, have in zip(expected, flat):
            have = np.asarray(keras.ops.convert_to_numpy(have)).astype("float64")
            if have.shape != want.shape:
                raise ValueError(f"an output is {have.shape} instead of {want.shape}")
            if want.size:
                largest = np.abs(want).max()
                scale = max(1.0, largest) if kinds[name]["kind"] == "layer" else max(1e-3, largest)
                worst = max(worst, float(np.abs(want.astype("float64") - have).max() / scale))
        results[name] = {"error": worst}
    except Exception as error:
        results[name] = {"reason": f"{type(error).__name__}: {error}"[:400]}
    (folder / "reloaded.json").write_text(json.dumps(results, indent=1))
(folder / "reloaded.json").write_text(json.dumps(results, indent=1))
