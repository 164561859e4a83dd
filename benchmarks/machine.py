"""Names the machine and the versions that figures were measured with."""

import importlib.metadata
import pathlib
import platform
import re

from child_processes import count_cores

PACKAGES = ("tensorflow", "keras", "torch", "onnxruntime", "ai-edge-litert", "openvino")


def describe() -> str:
    """Returns the processor, its cores, and the versions of Python and of what is measured."""
    versions = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return f"{_processor()}, {count_cores()} cores; {', '.join(versions)}"


def _processor():
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    name = re.search(r"model name\s*: (.+)", text)
    if not name:
        return platform.machine()
    features = [each for each in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if each in text]
    return f"{name[1]} ({', '.join(features) or platform.machine()})"
