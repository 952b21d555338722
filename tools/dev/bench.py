#!/usr/bin/env python3
"""Runs brisk's benchmark and the peers' in turns and prints medians and ratios.

One round is brisk, then each peer. The first round tries every variant of a peer (compiled or not,
layouts); for each case its best one goes into the further rounds, so that a peer is always shown at
its best. Each measurement is a process of its own.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

PEERS = {
    "benchmarks/peers/keras_small_cnn.py": ["plain", "plain_x25", "jit", "jit_x25"],
    "benchmarks/peers/torch_small_cnn.py": ["eager", "eager_last", "compile", "compile_last"],
}
PRECISIONS = ["f32", "bf16"]


def higher_is_better(unit):
    return unit.endswith("/s")


def peer_case(case):
    """The peers' case that ours stands beside: they have one way to start, cold or not."""
    return case.replace("/first_step_cold/", "/first_step/")


def ratio(ours, peer, unit):
    """How many times faster ours is."""
    return ours / peer if higher_is_better(unit) else peer / ours


def json_lines(command, environment=None):
    """The objects a command prints, one a line; an empty list where it failed, with its words."""
    done = subprocess.run(command, capture_output=True, text=True,
                          env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        print(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stderr[-2000:]}",
              file=sys.stderr)
        return []
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


class Peer:
    """One script: values[case][variant] is a list with one value a round."""

    def __init__(self, script, variants):
        self.script, self.variants = script, variants
        self.values = defaultdict(lambda: defaultdict(list))
        self.units, self.name = {}, ""

    def best_variant(self, case):
        pick = max if higher_is_better(self.units[case]) else min
        variants = self.values[case]
        return pick(variants, key=lambda v: statistics.median(variants[v]))

    def measure(self, python, options, first, precisions):
        for precision in precisions:
            cases = [c for c in self.units if c.endswith("/" + precision)]
            variants = self.variants if first else {self.best_variant(c) for c in cases}
            for variant in sorted(variants):
                command = [python, "-B", self.script, "--precision", precision,
                           "--variant", variant, "--threads", str(options.threads)]
                for line in json_lines(command, {"OMP_NUM_THREADS": str(options.threads)}):
                    if options.only in line["case"]:
                        self.values[line["case"]][variant].append(line["value"])
                        self.units[line["case"]] = line["unit"]
                        self.name = line["name"]


def cpu_name():
    found = re.search(r"model name\s*:\s*(.*)", Path("/proc/cpuinfo").read_text())
    return found.group(1) if found else os.uname().machine


def print_table(rows, options):
    print(f"{'case':28} {'unit':6} {'brisk':>10} {'peer':>10} {'ratio':>7}  peer's name")
    for row in rows:
        peer = f"{row['peer']:10.4g} {row['ratio']:6.2f}x  {row['peer_name']}" if "peer" in row else ""
        print(f"{row['case']:28} {row['unit']:6} {row['ours']:10.4g} {peer}")
    print(f"{cpu_name()}, {options.threads} threads, medians of {options.rounds} rounds, "
          f"load average {options.load:.1f} at the start")
    if options.load > 0.5:
        print("The machine was doing something else: measure again when it is idle.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--program", required=True)
    parser.add_argument("--peers-python")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    options.load = os.getloadavg()[0]

    ours, units = defaultdict(list), {}
    peers = [Peer(*p) for p in PEERS.items()] if options.peers_python else []
    for turn in range(options.rounds):
        for line in json_lines([options.program, "bench", "--json",
                                "--threads", str(options.threads)]):
            if options.only in line["case"]:
                ours[line["case"]].append(line["ours"])
                units[line["case"]] = line["unit"]
        # Where brisk declines a precision (bf16 without instructions for it), there is nothing
        # to stand beside.
        precisions = [p for p in PRECISIONS if any(case.endswith("/" + p) for case in ours)]
        for peer in peers:
            peer.measure(options.peers_python, options, turn == 0, precisions)
    if not ours:
        print("brisk measured nothing", file=sys.stderr)
        return 1

    rows = []
    for case, values in ours.items():
        row = {"case": case, "unit": units[case], "ours": statistics.median(values),
               "cpu": cpu_name(), "threads": options.threads}
        other = peer_case(case)
        against = [peer for peer in peers if other in peer.values]
        for peer in against:
            variant = peer.best_variant(other)
            value = statistics.median(peer.values[other][variant])
            rows.append({**row, "peer": value, "peer_name": f"{peer.name} ({variant})",
                         "ratio": ratio(row["ours"], value, units[case])})
        if not against:
            rows.append(row)
    if options.json:
        for row in rows:
            print(json.dumps(row))
    else:
        print_table(rows, options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
