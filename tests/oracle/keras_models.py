"""Holds brisk's Keras reader and writer against Keras itself, in several versions.

usage: keras_models.py [PATTERN] [--versions 3.3,newest] [--folder FOLDER] [--applications] [--write-results]

Each Keras saves the models of support/keras_cases.py with inputs and its own outputs; brisk reads
them and predicts (import), writes them back as .keras, and that Keras loads and predicts again
(export). A virtual environment for each version is made under .peers/keras (BRISK_KERAS names
existing ones: "newest=/path/to/python,3.3=/path/to/python"). --write-results renews
docs/results/keras_models.md.
"""

import argparse
import fnmatch
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

ROOT = Path(__file__).resolve().parents[2]
SUPPORT = Path(__file__).resolve().parent / "support"
BRISK = os.environ.get("BRISK_PROGRAM", str(ROOT / "build/bin/brisk"))

# A version, and what goes with it: the newest packages that it still works with.
VERSIONS = {
    "3.3": ["keras==3.3.3", "jax==0.4.30", "jaxlib==0.4.30", "numpy<2", "h5py", "safetensors"],
    "3.6": ["keras==3.6.0", "jax==0.4.34", "jaxlib==0.4.34", "numpy<2", "h5py", "safetensors"],
    "3.9": ["keras==3.9.2", "jax==0.5.3", "numpy", "h5py", "safetensors"],
    "3.12": ["keras==3.12.0", "jax", "numpy", "h5py", "safetensors"],
    "newest": ["keras", "jax", "numpy", "h5py", "safetensors"],
}
TOLERANCE = {"layer": 1e-5, "network": 1e-4}


def environment(version):
    named = dict(pair.split("=", 1) for pair in os.environ.get("BRISK_KERAS", "").split(",") if pair)
    if version in named:
        return named[version]
    folder = Path(os.environ.get("BRISK_PEERS_VENV", ROOT / ".peers")) / "keras" / version
    python = folder / "bin/python"
    done = folder / "installed.txt"
    if not done.exists() or done.read_text() != "\n".join(VERSIONS[version]):
        print(f"installing Keras {version} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *VERSIONS[version]], check=True)
        done.write_text("\n".join(VERSIONS[version]))
    return str(python)


def keras(python, script, *arguments):
    variables = dict(os.environ, KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
    subprocess.run([python, SUPPORT / script, *map(str, arguments)], check=True, env=variables,
                   stderr=subprocess.DEVNULL)


def brisk(*arguments):
    result = subprocess.run([BRISK, *map(str, arguments)], capture_output=True, text=True, timeout=600)
    if result.returncode != 0:
        raise RuntimeError((result.stderr or result.stdout).strip().removeprefix("brisk: ")[:400])
    return result.stdout


def compare(expected, found, kind):
    """The largest difference, and whether it is small enough."""
    if len(expected) != len(found):
        raise RuntimeError(f"{len(found)} outputs instead of {len(expected)}")
    worst = 0.0
    for want, have in zip(expected, found):
        if want.shape != have.shape:
            raise RuntimeError(f"an output is {have.shape} instead of {want.shape}")
        if want.size == 0:
            continue
        want, have = want.astype("float64"), have.astype("float64")
        if not np.isfinite(have).all() or not np.isfinite(want).all():
            raise RuntimeError("an output is not finite")
        largest = np.abs(want).max()
        scale = max(1.0, largest) if kind == "layer" else max(1e-3, largest)
        worst = max(worst, float(np.abs(want - have).max() / scale))
    return worst, worst <= TOLERANCE[kind]


def run_import(folder, name, kind, file):
    output = folder / f"{name}.brisk.safetensors"
    printed = brisk("predict", folder / file, "--tensors", folder / f"{name}.in.safetensors", "--output",
                    output)
    expected = load_file(str(folder / f"{name}.out.safetensors"))
    found = load_file(str(output))
    order = [line.rsplit(": ", 1)[0] for line in printed.splitlines()]
    return compare([expected[k] for k in sorted(expected)], [found[k] for k in order], kind)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--versions", default="newest")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--applications", action="store_true")
    parser.add_argument("--write-results", action="store_true")
    options = parser.parse_args()
    root = options.folder or Path(tempfile.mkdtemp(prefix="keras_models_"))
    scores, failed = {}, 0
    for version in options.versions.split(","):
        folder = root / version
        python = environment(version)
        arguments = [folder, options.pattern] + (["--applications"] if options.applications else [])
        keras(python, "keras_generate.py", *arguments)
        done = json.loads((folder / "cases.json").read_text())
        rows = {}
        for name, entry in done["cases"].items():
            if not fnmatch.fnmatch(name, options.pattern):
                continue
            row = rows[name] = {"kind": entry["kind"]}
            if "keras_fails" in entry:
                row["keras"] = entry["keras_fails"]
                continue
            try:
                row["error"], row["passed"] = run_import(folder, name, entry["kind"], entry["file"])
                if not row["passed"]:
                    row["reason"] = f"differs by {row['error']:.2g}"
            except Exception as error:
                row["passed"], row["reason"] = False, str(error)
            try:
                brisk("export", folder / entry["file"], "--to", "keras", "--out", folder / f"{name}.exported.keras")
                row["exported"] = True
            except Exception as error:
                row["exported"], row["export_reason"] = False, str(error)
            status = "ok  " if row["passed"] else "FAIL"
            print(f"{status} {version:7} {name:44} {row.get('reason', '')}", flush=True)
        keras(python, "keras_reload.py", folder)
        for name, result in json.loads((folder / "reloaded.json").read_text()).items():
            if name not in rows:
                continue
            rows[name]["export_passed"] = result.get("error", 1) <= TOLERANCE[rows[name]["kind"]]
            if not rows[name]["export_passed"]:
                rows[name]["export_reason"] = result.get("reason", f"differs by {result.get('error', 0):.2g}")
                print(f"FAIL {version:7} {name:44} export: {rows[name]['export_reason'][:200]}", flush=True)
        scores[version] = {"keras": done["keras"], "rows": rows}
        tried = [r for r in rows.values() if "passed" in r]
        passed, exported = sum(r["passed"] for r in tried), sum(r.get("export_passed", False) for r in tried)
        failed += len(tried) - passed + len(tried) - exported
        print(f"Keras {done['keras']}: {passed} of {len(tried)} imported alike, {exported} exported alike")
    (root / "scores.json").write_text(json.dumps(scores, indent=1))
    if options.write_results:
        sys.path.insert(0, str(SUPPORT))
        from keras_results import write_results
        write_results(scores, ROOT / "docs/results/keras_models.md", options.applications)
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
