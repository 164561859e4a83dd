"""A file's own layers and losses are known to whoever loads it, without importing the zoo first."""

import subprocess
import sys

from tests import ROOT

CODE = """
import tensorflow_start
tensorflow_start.start_quietly()
import keras
import trained_nets.run_folder
names = ("SoftArgmax", "Standardize", "MaskedMeanSquaredError")
found = [keras.saving.get_registered_object(f"facial_keypoints>{name}") for name in names]
print(found.count(None))
"""


def test_run_folders_register_them():
    done = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0\n"
