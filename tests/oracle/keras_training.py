"""Keras trains 20 steps and saves; brisk and Keras go on for 20 more, with the same losses.

usage: keras_training.py [--versions 3.3,newest] [--folder FOLDER]

With a FOLDER, the differences are added to the scores of keras_models.py in it.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "support"))
from keras_versions import ROOT, default_versions, run_keras  # noqa: E402


def train_program():
    """The test program: BRISK_TEST_TRAIN, or built in build/ as ./dev builds it."""
    if named := os.environ.get("BRISK_TEST_TRAIN"):
        return named
    build = ROOT / "build"
    subprocess.run(["cmake", "--build", build, "--target", "test_train"], check=True, stdout=subprocess.DEVNULL)
    return build / "tests/test_train"


def differences(program, version):
    """Keras's version, and the largest difference of each optimizer's losses; a reason where there is none."""
    with tempfile.TemporaryDirectory() as folder:
        run_keras(version, "keras_train.py", folder)
        result = subprocess.run([program, "--gtest_filter=KerasTraining.GoesOn*"],
                                env=dict(os.environ, BRISK_ORACLE_FOLDER=folder), capture_output=True, text=True)
        found = dict(re.findall(r"^losses of (\S+) differ by (\S+)$", result.stdout, re.MULTILINE))
        passed = result.returncode == 0 and "[  PASSED  ] 1 test." in result.stdout and found
        if not passed:
            print(result.stdout[-3000:])
        return Path(folder, "version.txt").read_text(), found, bool(passed)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--versions", default=",".join(default_versions()))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="keras_training_"))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scores.json"
    scores = json.loads(file.read_text()) if file.exists() else {}
    program, failed = train_program(), 0
    for version in options.versions.split(","):
        keras, found, passed = differences(program, version)
        failed += not passed
        print(f"{'ok  ' if passed else 'FAIL'} Keras {version}: {found}", flush=True)
        scores.setdefault(version, {})["training"] = {"keras": keras, "optimizers": found}
        file.write_text(json.dumps(scores, indent=1))
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
