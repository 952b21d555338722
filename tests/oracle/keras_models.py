"""Holds brisk's Keras reader and writer against Keras itself, in several versions.

usage: keras_models.py [PATTERN] [--versions 3.3,newest] [--folder FOLDER] [--applications] [--write-results]

Each Keras saves the models of support/keras_cases.py as .keras and .h5, with inputs and its own
outputs; brisk reads the files and predicts (import), writes them back as .keras, and that Keras loads
and predicts again (export). What brisk writes of models of Keras 2 is loaded by the newest, and what it
writes of the newest's also by the oldest Keras 3. --applications takes the architectures of keras.applications instead, and
so does BRISK_SLOW=1 after the small models. A FOLDER keeps models and scores, so that a run can be
done in pieces; --write-results makes docs/results/keras_models.md of all scores in it.
"""

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from keras_results import STEPS, write_results  # noqa: E402
from keras_versions import ROOT, default_versions, run_keras  # noqa: E402
from output_difference import TOLERANCE, output_difference  # noqa: E402

BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build/bin/brisk"))


def brisk(*arguments):
    result = subprocess.run([BRISK, *map(str, arguments)], capture_output=True, text=True, timeout=900)
    if result.returncode != 0:
        raise RuntimeError((result.stderr or result.stdout).strip().removeprefix("brisk: ")[:400])
    return result.stdout


def imported(folder, name, kind, file):
    """What brisk's outputs differ from those of Keras."""
    output = folder / f"{name}.brisk.safetensors"
    printed = brisk("predict", folder / file, "--tensors", folder / f"{name}.in.safetensors", "--output", output)
    expected, found = load_file(str(folder / f"{name}.out.safetensors")), load_file(str(output))
    order = [line.rsplit(": ", 1)[0] for line in printed.splitlines()]
    return output_difference([expected[k] for k in sorted(expected)], [found[k] for k in order], kind)


def outcome(kind, measure):
    """{"error": ...} and {"passed": ...}, with a reason where it did not."""
    try:
        error = measure()
    except Exception as failure:
        return {"passed": False, "reason": str(failure)}
    passed = error <= TOLERANCE[kind]
    return {"passed": passed, "error": error} | ({} if passed else {"reason": f"differs by {error:.2g}"})


def reloaded(result):
    if "reason" in result:
        raise RuntimeError(result["reason"])
    return result["error"]


def run_version(version, folder, options, applications):
    run_keras(version, "keras_generate.py", folder, options.pattern, *(["--applications"] if applications else []))
    done = json.loads((folder / "cases.json").read_text())
    rows, exported = {}, {}
    for name, entry in done["cases"].items():
        if not fnmatch.fnmatch(name, options.pattern):
            continue
        kind = entry["kind"]
        row = rows[name] = {"kind": kind}
        if "keras_fails" in entry:
            row["keras_fails"] = entry["keras_fails"]
            continue
        for suffix, file in entry["files"].items():
            row[suffix] = outcome(kind, lambda: imported(folder, name, kind, file))
        source = next(iter(entry["files"].values()), None)
        try:
            brisk("export", folder / source, "--to", "keras", "--out", folder / f"{name}.exported.keras")
            exported[name] = kind
        except Exception as error:
            row["export"] = {"passed": False, "reason": str(error)}
    reload(version if version != "tf_keras" else "newest", "export", folder, rows, exported)
    if version == "newest":
        cases = folder.parents[1] / "3.3" / folder.name / "cases.json"
        oldest = json.loads(cases.read_text())["cases"] if cases.exists() else {}
        known = {name: kind for name, kind in exported.items() if "files" in oldest.get(name, {})}
        reload("3.3", "export to 3.3", folder, rows, known)
    return done["keras"], rows


def reload(version, step, folder, rows, names):
    """What a version of Keras makes of the files that brisk has written."""
    if not names:
        return
    run_keras(version, "keras_reload.py", folder, json.dumps(names))
    for name, result in json.loads((folder / "reloaded.json").read_text()).items():
        rows[name][step] = outcome(rows[name]["kind"], lambda: reloaded(result))


def report(version, rows):
    """Prints what failed and the counts; gives the number of failures."""
    counts = {}
    for name, row in rows.items():
        for step in STEPS:
            if step in row:
                passed, tried = counts.get(step, (0, 0))
                counts[step] = (passed + row[step]["passed"], tried + 1)
                if not row[step]["passed"]:
                    print(f"FAIL {version:8} {name:40} {step:13} {row[step]['reason'][:200]}", flush=True)
    print(f"Keras {version}: " + ", ".join(f"{step} {passed} of {tried}" for step, (passed, tried) in counts.items()))
    return sum(tried - passed for passed, tried in counts.values())


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--versions", default=",".join(default_versions()))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--applications", action="store_true")
    parser.add_argument("--write-results", action="store_true")
    options = parser.parse_args()
    root = options.folder or Path(tempfile.mkdtemp(prefix="keras_models_"))
    root.mkdir(parents=True, exist_ok=True)
    file = root / "scores.json"
    scores = json.loads(file.read_text()) if file.exists() else {}
    sets = [options.applications] if options.applications or not os.environ.get("BRISK_SLOW") else [False, True]
    failed = 0
    for version in options.versions.split(","):
        for applications in sets:
            name = "applications" if applications else "small"
            keras, rows = run_version(version, root / version / name, options, applications)
            failed += report(version, rows)
            score = scores.setdefault(version, {}).setdefault(name, {"rows": {}})
            score["keras"] = keras
            score["rows"].update(rows)
            file.write_text(json.dumps(scores, indent=1))
    if options.write_results:
        write_results(scores, ROOT / "docs/results/keras_models.md")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
