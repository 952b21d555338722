"""Keras trains 20 steps and saves; brisk and Keras go on for 20 more, with the same losses.

The environment is that of keras_models.py (BRISK_KERAS names others).
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from keras_models import ROOT, environment, keras  # noqa: E402

for version in sys.argv[1:] or ["newest"]:
    with tempfile.TemporaryDirectory() as folder:
        keras(environment(version), "keras_train.py", folder)
        build = ROOT / "build"
        subprocess.run(["cmake", "--build", build, "--target", "test_train"], check=True, stdout=subprocess.DEVNULL)
        result = subprocess.run([build / "tests/test_train", "--gtest_filter=KerasTraining.GoesOn*"],
                                env=dict(os.environ, BRISK_ORACLE_FOLDER=folder), capture_output=True, text=True)
        assert result.returncode == 0 and "[  PASSED  ] 1 test." in result.stdout, result.stdout
        print(f"Keras {version}: brisk goes on with the same losses, for {len(list(Path(folder).glob('*.keras')))} optimizers")
