"""The software that made a run or an export."""

import importlib.metadata
import pathlib
import platform
import subprocess

import keras


def provenance() -> dict:
    """Returns versions, backend and git commit (None outside a checkout), in JSON's types."""
    packages = ("keras", "tensorflow", "jax", "numpy")
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    try:
        git = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40"],
            cwd=pathlib.Path(__file__).parent,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
    except OSError:  # git is not installed
        git = ""
    return {
        "versions": versions,
        "backend": keras.backend.backend(),
        "git_commit": git or None,
    }
