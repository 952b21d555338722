#!/usr/bin/env python3
"""Puts measured figures into the documents, so that none is typed by hand.

    brisk demo --json | tools/dev/figures.py demo
    tools/dev/bench.py ... --json | tools/dev/figures.py peers

Writes docs/results/NAME.md (machine, threads, date, commit, table) and the same table into
README.md, between the lines `<!-- figures: docs/results/NAME.md -->` and `<!-- end of figures -->`.
Without figures nothing is written. Used by ./dev demo --write and ./dev bench --peers --write.
"""

import datetime
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
END = "<!-- end of figures -->"


def table(head, alignment, rows):
    lines = ["| " + " | ".join(head) + " |", "| " + " | ".join(alignment) + " |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def demo_table(objects):
    rows = [o for o in objects if "step" in o]
    accuracy = next(o["test_accuracy"] for o in objects if "test_accuracy" in o)
    last_kept = max(i for i, row in enumerate(rows) if row["kept"])
    cells = []
    for i, row in enumerate(rows):
        numbers = ["-", "-", "-"]
        if row["images_per_second"] > 0:
            numbers = [f"{row['images_per_second']:,.0f}", f"{row['p10']:.2f} - {row['p90']:.2f}",
                       f"{row['peak_megabytes']:.1f} MB"]
        shown = f"{100 * accuracy:.2f} %" if i == last_kept else ""
        cells.append([row["step"], *numbers, shown, row["verdict"]])
    return table(["step", "images/s", "ms (p10 - p90)", "peak memory", "test accuracy", "kept, or why not"],
                 ["---", "---:", "---:", "---:", "---:", "---"], cells)


def peers_table(objects):
    cells = [[o["case"], o["unit"], f"{o['ours']:.4g}", f"{o['peer']:.4g}", f"{o['ratio']:.2f}",
              o["peer_name"]] for o in objects if "peer" in o]
    if not cells:
        raise ValueError("no case was measured beside a peer")
    return table(["case", "unit", "brisk", "peer", "ratio", "peer's name"],
                 ["---", "---", "---:", "---:", "---:", "---"], cells)


def report_of(objects):
    """What `brisk optimize --json` prints, alone or within what `brisk demo --json` does."""
    return next(r for r in (o.get("optimization", o) for o in objects) if "steps" in r)


def title(row):
    """Of a row of `brisk optimize`: a step that was tried again says what it was tried without."""
    return row["step"] + (f", without {row['without']}" if row["without"] else "")


def optimize_table(objects):
    def spread(figures, key, digits):
        if key not in figures:
            return ""
        s = figures[key]
        return f"{s['median']:,.{digits}f} ± {(s['high'] - s['low']) / 2:,.{digits}f}"

    cells = []
    for row in report_of(objects)["steps"]:
        f, why = row["figures"], row["why"]
        accuracy = f.get("accuracy")
        cells.append([title(row), spread(f, "train_images_per_second", 0), spread(f, "inference_milliseconds", 3),
                      spread(f, "inference_images_per_second", 0), f"{f['bytes'] / 1e3:,.1f}" if "bytes" in f else "",
                      f"{100 * accuracy['value']:.2f} ± {100 * accuracy['standard_error']:.2f}" if accuracy else "",
                      row["verdict"] + (f": {why}" if why else "")])
    return table(["step", "train images/s", "inference ms", "images/s, batches", "kB", "accuracy, %",
                  "kept, or why not"], ["---", "---:", "---:", "---:", "---:", "---:", "---"], cells)


# name: page, and what fills it. Each page says how it is measured.
FIGURES = {
    "demo": ("docs/results/demo.md", demo_table),
    "peers": ("docs/results/peers.md", peers_table),
    "optimize": ("docs/results/optimize.md", optimize_table),
}
TEXTS = {
    "demo": """# What each technique brings

The small CNN on Fashion-MNIST, batch 128: one training step, timed over 40 warm steps of real
batches; each row adds a technique to the rows that were kept, and is kept where it is faster by more
than 2 %. The configuration that is left is then trained in full. Written by `./dev demo --write`.
""",
    "optimize": """# What `brisk optimize` keeps

Techniques tried one after another on a trained model, each timed in turn with what was kept before it;
figures are medians, ± half of the distance between the quartiles, accuracy is of held-out images, ± its
standard error. Written by `./dev demo --write`, or from any `brisk optimize ... --json` by
`tools/dev/figures.py optimize`.
""",
    "peers": """# Beside TensorFlow and PyTorch

The small CNN, batch 128, Adam: brisk and its peers in turns on one machine, each peer in its best
variant, medians of the rounds; a ratio over 1 means that brisk is faster. `train` is the speed of
warm steps, `first_step` the time from process start to the end of the first training step with a
warm cache of compiled code, `first_step_cold` with none. Written by `./dev bench --peers --write`.
""",
}


def block_of(readme, page):
    """What stands between the marks of a page; None where there are none."""
    found = re.search(re.escape(f"<!-- figures: {page} -->") + r"\n(.*?)" + re.escape(END), readme, re.DOTALL)
    return found.group(1) if found else None


def table_of(content):
    return "\n".join(line for line in content.splitlines() if line.startswith("|"))


def commit():
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "brisk", "cmake", "benchmarks")
    return (git("rev-parse", "--short=10", "HEAD") or "unknown") + (" with changes" if changed else "")


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in FIGURES:
        sys.exit(f"usage: figures.py {' | '.join(FIGURES)} < JSON lines")
    name = sys.argv[1]
    page, make = FIGURES[name]
    objects = [json.loads(line) for line in sys.stdin if line.startswith("{")]
    try:
        figures = make(objects)
        machine = next((o for o in objects if "cpu" in o), None)
        if machine is None:
            machine = {"cpu": report_of(objects)["machine"], "threads": report_of(objects)["threads"]}
    except (StopIteration, ValueError, KeyError) as error:
        sys.exit(f"figures.py: no complete measurement of {name} was given ({error!r}); nothing is written")
    measured = (f"{machine['cpu']}, {machine['threads']} threads; {datetime.date.today().isoformat()}, "
                f"commit {commit()}.")
    (ROOT / page).parent.mkdir(parents=True, exist_ok=True)
    (ROOT / page).write_text(f"{TEXTS[name]}\n{measured}\n\n{figures}\n")
    readme = (ROOT / "README.md").read_text()
    old = block_of(readme, page)
    if old is None:
        sys.exit(f"figures.py: README.md has no place for {page}; only that page is written")
    mark = f"<!-- figures: {page} -->\n"
    readme = readme.replace(mark + old, f"{mark}\n{figures}\n\n[Measured]({page}) on {measured}\n\n")
    (ROOT / "README.md").write_text(readme)
    print(f"{page} and README.md are written", file=sys.stderr)


if __name__ == "__main__":
    main()
