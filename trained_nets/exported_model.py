"""Opens an exported SavedModel as a net like any other."""

import json
import pathlib

import keras
import numpy as np

import keypoint_schema
import labelling
from errors import UserError, first_line
from trained_nets.trained_net import TrainedNet

_BATCH_SIZE = 256


def open_exported(path: pathlib.Path, version: pathlib.Path) -> TrainedNet:
    """Opens a version of a model that `export.py` wrote.

    Args:
        path: the folder that the user named: the version's, or the model's.
        version: the SavedModel's folder.

    Raises:
        UserError: if it cannot be loaded, on this backend or at all, or lacks the signature
            `serve_named`; if its model card is damaged.
    """
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise UserError(
            f"{path} is an exported model, which TensorFlow alone can run. Unset KERAS_BACKEND. "
            f"Received: {backend}."
        )
    try:
        # This signature names its outputs, so it also says which keypoints there are.
        layer = keras.layers.TFSMLayer(str(version), call_endpoint="serve_named")
        outputs = layer(np.zeros((1, *keypoint_schema.IMAGE_SHAPE), np.float32))
    # A damaged file makes TensorFlow raise what its reader came across: an IndexError, or an error
    # of its own, which has no base class that other backends have.
    except Exception as error:
        raise UserError(
            f"{version} must be a SavedModel of export.py, whole and with the signature "
            f"'serve_named'. Received: {first_line(error)}"
        ) from error
    names = tuple(name for name in keypoint_schema.NAMES if name in outputs)

    def predict(images):
        parts = [np.empty((0, len(names), 2), np.float32)]
        for start in range(0, len(images), _BATCH_SIZE):
            outputs = layer(images[start : start + _BATCH_SIZE].astype(np.float32))
            parts.append(np.stack([np.asarray(outputs[name]) for name in names], axis=1))
        return np.concatenate(parts)

    card = _read_card(version)
    return TrainedNet(
        origin=str(path),
        names=names,
        predict=predict,
        mirror_offset_px=card.get("mirror_offset_px"),
        labels_of=card.get("labels_of") or labelling.UNNAMED[0],
        saved_model=version,
    )


def _read_card(version):
    """Reads the model card of export.py; empty if something else wrote the SavedModel."""
    file = version / "assets.extra" / "model_card.json"
    try:
        card = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UserError(
            f"The model card {file} cannot be read ({error}). Restore a copy of it, or export the "
            "net again."
        ) from error
    return card if isinstance(card, dict) else {}
