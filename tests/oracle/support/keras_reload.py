"""Loads NAME.exported.keras in a folder with this environment's Keras and compares with NAME.out.

usage: keras_reload.py FOLDER NAMES_JSON; writes reloaded.json: the difference of each name, or a reason.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).parent))
from output_difference import output_difference  # noqa: E402
from this_keras import keras, outputs_of  # noqa: E402



class WholeMembers(zipfile.ZipFile):
    """Members as they are in memory: seeking back in a zip reads it from its start, and Keras reads weights so."""

    def open(self, name, mode="r", *rest, **options):
        member = super().open(name, mode, *rest, **options)
        return io.BytesIO(member.read()) if mode == "r" else member


zipfile.ZipFile = WholeMembers
folder = Path(sys.argv[1])
results = {}
for name, kind in json.loads(sys.argv[2]).items():
    try:
        keras.backend.clear_session()
        model = keras.models.load_model(folder / f"{name}.exported.keras")
        found = outputs_of(model, load_file(str(folder / f"{name}.in.safetensors")))
        expected = load_file(str(folder / f"{name}.out.safetensors"))
        results[name] = {"error": output_difference([expected[k] for k in sorted(expected)], found, kind)}
    except Exception as error:
        results[name] = {"reason": f"{type(error).__name__}: {error}"[:600]}
    (folder / "reloaded.json").write_text(json.dumps(results, indent=1))
