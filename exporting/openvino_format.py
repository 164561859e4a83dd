"""OpenVINO's IR, an .xml file with the graph and a .bin file with its weights, run by OpenVINO."""

import importlib.util
import sys

_TELEMETRY = "openvino_telemetry"


def is_installed():
    """Returns whether the extra `openvino` is installed."""
    return importlib.util.find_spec("openvino") is not None


def write(saved_model, folder, stem, calibration):
    """Converts `serving_default`; returns `{name: path}`, the path of the .xml file.

    Args:
        saved_model: a SavedModel folder.
        folder: where the two files go.
        stem: their name without `.xml` or `.bin`.
        calibration: not needed for float32.
    """
    openvino = _import_openvino()
    path = folder / f"{stem}.xml"
    # OpenVINO reads SavedModels itself; its convert_model would also report to its makers.
    model = openvino.Core().read_model(str(saved_model))
    openvino.save_model(model, str(path), compress_to_fp16=False)
    return {"OpenVINO float32": path}


def load(path, precision="f32"):
    """Returns a function from float32 `(batch, 96, 96, 1)` to keypoints in px.

    Args:
        path: the .xml file; the .bin file lies beside it.
        precision: "f32" or "bf16". OpenVINO itself computes in bfloat16 wherever the processor
            can, unless it is told otherwise.
    """
    openvino = _import_openvino()
    settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda images: compiled({"images": images})["keypoints"]


def has_bfloat16():
    """Returns whether this processor computes in bfloat16."""
    core = _import_openvino().Core()
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _import_openvino():
    if "openvino" not in sys.modules and _TELEMETRY not in sys.modules:
        # Even its import counts its uses for its makers; without that package it does not.
        sys.modules[_TELEMETRY] = None
        try:
            import openvino
        finally:
            del sys.modules[_TELEMETRY]
    import openvino

    return openvino
