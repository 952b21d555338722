"""Runs one test of test_formats that writes or reads sample files in a folder."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def formats_program():
    """The test program: BRISK_TEST_FORMATS, or built in build/ as ./dev builds it."""
    if named := os.environ.get("BRISK_TEST_FORMATS"):
        return Path(named)
    build = ROOT / "build"
    subprocess.run(["cmake", "--build", build, "--target", "test_formats"], check=True,
                   stdout=subprocess.DEVNULL)
    return build / "tests" / "test_formats"


def run_sample(test, folder):
    environment = dict(os.environ, BRISK_ORACLE_FOLDER=str(folder))
    result = subprocess.run([formats_program(), f"--gtest_filter=OracleSamples.{test}"],
                            env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert "[  PASSED  ] 1 test." in result.stdout, f"OracleSamples.{test} did not run"
