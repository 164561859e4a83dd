"""The software that made a run or an export."""

import importlib.metadata
import platform

import keras

from git_commit import git_commit


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
        "git_commit": git_commit(),
    }
