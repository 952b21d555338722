#!/usr/bin/env python3
"""Runs the tests that CTest knows, one program after the other, and sums their verdicts.

A GoogleTest program writes a report, which is counted test by test. A program that writes none
(it crashed, or is no GoogleTest program) or that ends badly although all its tests passed (a
leak, a crash on the way out) counts as one test of its own, so nothing that fails goes unseen.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TIME_LIMIT_S = 2400


def known_tests(build):
    """The tests that CTest knows: name, command, environment and working directory of each."""
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"],
                           check=True, capture_output=True, text=True)
    tests = []
    for test in json.loads(shown.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        tests.append({"name": test["name"], "command": test.get("command", []),
                      "environment": dict(e.split("=", 1) for e in properties.get("ENVIRONMENT", [])),
                      "directory": properties.get("WORKING_DIRECTORY", build)})
    return tests


def listed(command, scratch):
    """(full name, source file) of each test of a GoogleTest program."""
    report = scratch / "list.json"
    subprocess.run(command + ["--gtest_list_tests", f"--gtest_output=json:{report}"],
                   check=True, stdout=subprocess.DEVNULL)
    suites = json.loads(report.read_text())["testsuites"]
    return [(f"{s['name']}.{t['name']}", t.get("file", "")) for s in suites for t in s["testsuite"]]


def chosen(command, options, scratch):
    """The --gtest_filter that the options ask for; None: all tests; '': none of them."""
    if not options.file and not options.match:
        return None
    plain = (options.match or "").lower().replace("_", "")
    names = [name for name, file in listed(command, scratch)
             if (options.file and file.endswith(options.file))
             or (plain and plain in name.lower().replace("_", ""))]
    return ":".join(names)


def count(report):
    """(passed, failed, skipped) of a GoogleTest report, None where there is none to read."""
    try:
        suites = json.loads(report.read_text())["testsuites"]
    except (OSError, ValueError):
        return None
    passed, failed, skipped = 0, [], []
    for suite in suites:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test.get("failures"):
                failed.append(name)
            elif test["result"] == "SKIPPED":
                skipped.append(name)
            elif test["status"] == "RUN":
                passed += 1
    return passed, failed, skipped


def ending(status):
    if status is None:
        return f"did not end within {TIME_LIMIT_S} s"
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def run(test, gtest_filter, scratch, quiet):
    """Runs one program; returns (passed, names of failed, names of skipped)."""
    report = scratch / f"{test['name']}.json"
    environment = {**os.environ, "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
                   **test["environment"], "GTEST_OUTPUT": f"json:{report}"}
    if quiet:
        environment["GTEST_BRIEF"] = "1"
    command = test["command"] + ([f"--gtest_filter={gtest_filter}"] if gtest_filter else [])
    start = time.monotonic()
    try:
        done = subprocess.run(command, cwd=test["directory"], env=environment, timeout=TIME_LIMIT_S,
                              stdout=subprocess.PIPE if quiet else None,
                              stderr=subprocess.STDOUT if quiet else None, errors="replace")
        status, output = done.returncode, done.stdout or ""
    except subprocess.TimeoutExpired as late:
        status, output = None, (late.stdout or b"").decode(errors="replace")
    counted = count(report)
    passed, failed, skipped = counted or (0, [], [])
    if status != 0 and not failed:
        failed = [f"{test['name']}: the program {ending(status)}"]
    elif counted is None:
        passed = 1
    if failed and quiet:
        print(output)
    print(f"{test['name']:12} {passed:5} passed {len(failed):3} failed {len(skipped):3} skipped "
          f"{time.monotonic() - start:7.1f} s", flush=True)
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build")
    parser.add_argument("--layer", action="append", help="only the program of this layer")
    parser.add_argument("--file", help="only the tests of this source file")
    parser.add_argument("--match", help="only tests whose name has this part")
    options = parser.parse_args()

    passed, failed, skipped = 0, [], []
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for test in known_tests(options.build):
            if options.layer and test["name"] not in options.layer:
                continue
            gtest_filter = chosen(test["command"], options, scratch)
            if gtest_filter == "":
                continue
            quiet = not (options.file or options.match)
            result = run(test, gtest_filter, scratch, quiet)
            passed += result[0]
            failed += result[1]
            skipped += result[2]
    for name in skipped:
        print(f"skipped: {name}")
    for name in failed:
        print(f"FAILED: {name}")
    if not passed and not failed:
        print(f"no test ran{f': none is named {options.match}' if options.match else ''}",
              file=sys.stderr)
    print(f"{passed} passed, {len(failed)} failed")
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
