"""The machine and the commit that a figure belongs to."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown"


def commit():
    """The commit checked out; where brisk's sources differ from it, that is said."""
    def git(*arguments):
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True).stdout.strip()
    changed = git("status", "--porcelain", "--", "brisk")
    return f"commit {git('rev-parse', '--short=10', 'HEAD') or 'unknown'}{' with changes' if changed else ''}"


def run_on():
    return f"{cpu_name()}, {commit()}"
