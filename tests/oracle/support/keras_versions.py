"""The versions of Keras that brisk is held against, each in an environment of its own.

BRISK_KERAS names existing environments, "newest=/path/to/python,3.3=/path/to/python"; the versions
named are then those that are run by default. Others are installed under .peers/keras.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SUPPORT = Path(__file__).resolve().parent

# A version, and the TensorFlow that goes with it. tf_keras is Keras 2.
VERSIONS = {
    "tf_keras": ["tf_keras==2.19.0", "tensorflow-cpu==2.19.1"],
    "3.3": ["keras==3.3.3", "tensorflow-cpu==2.16.2"],
    "3.6": ["keras==3.6.0", "tensorflow-cpu==2.18.1"],
    "3.9": ["keras==3.9.2", "tensorflow-cpu==2.19.1"],
    "3.12": ["keras==3.12.0", "tensorflow-cpu==2.20.0"],
    "newest": ["keras", "tensorflow-cpu"],
}
EVERYWHERE = ["h5py", "numpy", "safetensors", "pillow"]


def named_environments():
    pairs = os.environ.get("BRISK_KERAS", "").split(",")
    return dict(pair.split("=", 1) for pair in pairs if pair)


def default_versions():
    return list(named_environments() or VERSIONS)


def environment(version):
    """The Python of a version, installed if need be."""
    if version in (named := named_environments()):
        return named[version]
    folder = Path(os.environ.get("BRISK_PEERS_VENV", ROOT / ".peers")) / "keras" / version
    python, done = folder / "bin/python", folder / "installed.txt"
    packages = VERSIONS[version] + EVERYWHERE
    if not done.exists() or done.read_text() != "\n".join(packages):
        print(f"installing Keras {version} into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        done.write_text("\n".join(packages))
    return str(python)


def run_keras(version, script, *arguments):
    """Runs a script of this folder in a version's environment; its messages are shown if it fails."""
    variables = dict(os.environ, KERAS_BACKEND="tensorflow", CUDA_VISIBLE_DEVICES="-1", TF_CPP_MIN_LOG_LEVEL="3",
                     TF_ENABLE_ONEDNN_OPTS="0", BRISK_KERAS_VERSION=version)
    result = subprocess.run([environment(version), SUPPORT / script, *map(str, arguments)], env=variables,
                            stderr=subprocess.PIPE, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{script} with Keras {version} failed:\n{result.stderr[-3000:]}")
