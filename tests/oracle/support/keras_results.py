"""Writes docs/results/keras_models.md from the scores of keras_models.py and keras_training.py."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "benchmarks" / "onnx"))
from machine import run_on  # noqa: E402

HEAD = """# Keras models in and out

What real Keras saves, brisk reads and predicts; what brisk writes back, that Keras loads and predicts.
`tests/oracle/keras_models.py --folder FOLDER --write-results` makes this page of the scores in FOLDER;
`./dev test --oracle keras` runs it (`--slow`: with the applications). Single layers agree within 1e-5,
networks within 1e-4 of the largest value of an output. "export" is the file that brisk writes of what
it read, loaded by the same version of Keras (by the newest, where the model is of tf_keras, which is
Keras 2); the newest's models are also loaded by the oldest, as far as it has their layers.
"""
TITLES = {
    "small": "Small models: each type of layer, ways to build, functions of keras.ops",
    "applications": "Architectures of keras.applications, random weights",
}
# Why a case differs, where that is known.
KNOWN = {
    "conv2d_transpose_output_padding_valid": "the result of Keras before 3.13 or so is a place larger than that of newer versions, which brisk has",
    "category_encoding_one_hot": "Keras 3.3 keeps an axis of 1 that newer versions drop",
}
STEPS = ("keras", "h5", "export", "export to 3.3")


def count(rows, step):
    tried = [row[step] for row in rows.values() if step in row]
    return f"{sum(r['passed'] for r in tried)} of {len(tried)}" if tried else "-"


def largest(rows, kind):
    errors = [row[step]["error"] for row in rows.values() for step in STEPS
              if row["kind"] == kind and row.get(step, {}).get("passed")]
    return f"{max(errors):.0e}" if errors else "-"


def cell(text):
    text = re.sub(r"/\S*/(?=[^/\s]+\.(keras|h5))", "", text)  # folders are this machine's own
    return " ".join(text.split()).replace("|", "\\|")[:300]


def section(name, scores):
    lines = [f"## {TITLES[name]}", "",
             "| Keras | models | import of .keras | import of .h5 | export | export to 3.3 | largest difference: layers | networks |",
             "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    failures, unable = [], []
    for version, score in scores.items():
        rows = {n: r for n, r in score["rows"].items() if "keras_fails" not in r}
        label = f"tf_keras {score['keras']}" if version == "tf_keras" else score["keras"]
        lines.append(f"| {label} | {len(rows)} | " + " | ".join(count(rows, step) for step in STEPS)
                     + f" | {largest(rows, 'layer')} | {largest(rows, 'network')} |")
        failures += [f"| {label} | {n} | {step} | {cell(KNOWN.get(n, r[step]['reason']))} |" for n, r in rows.items() for step in STEPS
                     if not r.get(step, {"passed": True})["passed"]]
        if missing := [n for n, r in score["rows"].items() if "keras_fails" in r]:
            unable.append(f"- {label}: {', '.join(missing)}")
    if failures:
        lines += ["", "What failed:", "", "| Keras | model | step | reason |", "| --- | --- | --- | --- |", *failures]
    if unable:
        lines += ["", "Not made, because this Keras or its TensorFlow on a CPU cannot:", "", *unable]
    return lines + [""]


def training(scores):
    lines = ["## Training that goes on", "",
             "A network without dropout, trained 20 steps by Keras and saved; then 20 more by Keras, and by brisk from",
             "the file with the optimizer's state. The largest difference between the losses of one step, at most 1e-4:", "",
             "| Keras | optimizer | difference |", "| --- | --- | ---: |"]
    for version, score in scores.items():
        label = f"tf_keras {score['keras']}" if version == "tf_keras" else score["keras"]
        lines += [f"| {label} | {name} | {difference} |" for name, difference in score["optimizers"].items()]
    return lines + [""]


def write_results(scores, path):
    lines = [HEAD, f"{run_on()}.", ""]
    for name in TITLES:
        if found := {version: sets[name] for version, sets in scores.items() if name in sets}:
            lines += section(name, found)
    if found := {version: sets["training"] for version, sets in scores.items() if "training" in sets}:
        lines += training(found)
    path.write_text("\n".join(lines).rstrip() + "\n")
