"""The precision to train in: bfloat16 where the hardware supports it natively."""

import pathlib

import keras

POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}
_NATIVE_CPU_FLAGS = ("amx_bf16", "avx512_bf16")
_FIRST_GPU_WITH_BFLOAT16 = (8, 0)  # compute capability; NVIDIA's Ampere


def choose_precision(wanted: str) -> tuple[str, str]:
    """Resolves `--precision`.

    Weights, outputs and loss are float32 either way; bfloat16 is for computing the hidden layers.

    Args:
        wanted: "auto", "float32" or "bfloat16".

    Returns:
        "float32" or "bfloat16", and why, in a few words.
    """
    if wanted != "auto":
        return wanted, "as requested"
    # If there is a GPU, training runs on it, whatever the CPU supports.
    capabilities = _gpu_capabilities()
    native = _gpu_with_bfloat16(capabilities) if capabilities else _cpu_with_bfloat16()
    return ("bfloat16", f"native on this {native}") if native else ("float32", "no native bfloat16")


def set_precision(precision: str):
    """Sets the precision in which layers built from now on compute."""
    keras.config.set_dtype_policy(POLICIES[precision])


def count_gpus() -> int:
    """Returns how many GPUs the backend sees."""
    return len(_gpu_capabilities())


def _gpu_with_bfloat16(capabilities):
    weakest = min(capabilities)
    if weakest < _FIRST_GPU_WITH_BFLOAT16:
        return None
    return f"GPU (compute capability {'.'.join(map(str, weakest))})"


def _gpu_capabilities():
    if keras.backend.backend() == "jax":
        import jax

        gpus = [device for device in jax.devices() if device.platform == "gpu"]
        texts = [getattr(gpu, "compute_capability", "0.0") for gpu in gpus]
        return [tuple(map(int, str(text).split("."))) for text in texts]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        details = map(
            tf.config.experimental.get_device_details, tf.config.list_physical_devices("GPU")
        )
        return [detail.get("compute_capability", (0, 0)) for detail in details]
    return []


def _cpu_with_bfloat16():
    try:
        flags = set(pathlib.Path("/proc/cpuinfo").read_text().split())
    except OSError:  # not Linux; float32 works everywhere
        return None
    found = [flag for flag in _NATIVE_CPU_FLAGS if flag in flags]
    return f"CPU ({found[0].upper().replace('_', '-')})" if found else None
