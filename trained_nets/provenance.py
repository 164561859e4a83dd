"""The software that made a run or an export."""

import importlib.metadata
import pathlib
import platform
import subprocess

import keras

COMMIT_FILE = "git_commit.txt"  # in this folder, in a copy of the code for another machine


def provenance() -> dict:
    """Returns versions, backend and git commit (None outside a checkout), in JSON's types."""
    packages = ("keras", "tensorflow", "jax", "numpy")
    versions = {"python": platform.python_version()}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "versions": versions,
        "backend": keras.backend.backend(),
        "git_commit": _git_commit() or None,
    }


def _git_commit():
    folder = pathlib.Path(__file__).parent
    if (folder / COMMIT_FILE).exists():
        return (folder / COMMIT_FILE).read_text()
    try:
        return subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=40"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
    except OSError:  # git is not installed
        return ""
