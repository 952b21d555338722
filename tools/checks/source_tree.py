"""The repository's files, as the checks see them."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = {".h", ".cpp", ".cu"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SKIPPED = re.compile(r"^(build.*|\.(?!ci$|github$|clang-format$|gitignore$).*|__pycache__)$")


def files(*folders):
    """All files below the folders (all of the repository where none is named), as paths relative
    to its root; build directories and hidden folders are left out."""
    found = []

    def visit(path):
        for entry in sorted(path.iterdir()):
            if SKIPPED.match(entry.name) or entry.is_symlink():
                continue
            if entry.is_dir():
                visit(entry)
            else:
                found.append(entry.relative_to(ROOT))

    for folder in folders or (".",):
        if (ROOT / folder).is_dir():
            visit(ROOT / folder)
    return found


def sources(*folders):
    return [path for path in files(*folders) if path.suffix in SOURCES]


def text(path):
    return (ROOT / path).read_text(encoding="utf-8", errors="replace")


def includes(path):
    """(line number, '<' or '"', included name) of each include of a source."""
    content = text(path)
    return [(content.count("\n", 0, match.start(2)) + 1, match.group(1), match.group(2))
            for match in INCLUDE.finditer(content)]


def layers():
    """The layers in their order, lowest first."""
    listed = re.search(r"set\(BRISK_LAYERS\s+([^)]*)\)", text("cmake/layers.cmake"))
    return listed.group(1).split()


def finish(name, faults, summary):
    """Prints the faults and one closing line, and ends the check with its verdict."""
    for fault in faults:
        print(fault)
    print(f"{name}: {summary}, {len(faults)} fault{'' if len(faults) == 1 else 's'}")
    sys.exit(1 if faults else 0)
