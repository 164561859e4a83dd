"""Anything that can find keypoints: a run folder, a preset, or an exported SavedModel.

`load_predictor` is the one place that knows what kinds of source there are.
"""

import dataclasses
import json
import pathlib
from collections.abc import Callable

import numpy as np

import keypoint_schema
from errors import UserError

_BATCH_SIZE = 256


@dataclasses.dataclass(frozen=True)
class Predictor:
    """A trained net with what is known about it.

    Attributes:
        source: the path that it came from, or `preset:<name>`.
        names: the K keypoints that it predicts.
        mirror_offset_px: of its labels, by keypoint name, as `keypoint_schema.Mirror` explains.
        predict: uint8 or float32 `(N, 96, 96, 1)`, 0–255, to float32 `(N, K, 2)` px.
        partial_offset_px: of its answers, as `evaluation.labeller_offset` explains; None if it has
            none.
        config: of the run, from its `config.json` or the preset's card; None for an exported model.
        model: the Keras model; None for an exported model.
    """

    source: pathlib.Path
    names: tuple[str, ...]
    predict: Callable[[np.ndarray], np.ndarray]
    mirror_offset_px: dict | None = None
    partial_offset_px: dict | None = None
    config: dict | None = None
    model: object = None

    def predict_all(self, images: np.ndarray) -> np.ndarray:
        """Predicts in the schema's order, `(N, 15, 2)` px, NaN for keypoints that it lacks."""
        everything = np.full((len(images), keypoint_schema.NUM_KEYPOINTS, 2), np.nan, np.float32)
        everything[:, keypoint_schema.indices(self.names)] = self.predict(images)
        return everything


def load_predictor(source: str | pathlib.Path, flip_average: bool = False) -> Predictor:
    """Loads a net from whatever holds one.

    Args:
        source: a run folder of `train.py`; or `preset:<name>`; or a SavedModel of `export.py`, as
            the folder of one version or of all, of which the newest is taken.
        flip_average: as `flip_averaged`.

    Raises:
        UserError: if there is none, or it cannot be loaded.
    """
    predictor = _load(source)
    return flip_averaged(predictor) if flip_average else predictor


def holds_net(source: str | pathlib.Path) -> bool:
    """Whether `load_predictor` would find a net there, by the names of files: nothing is read."""
    if str(source).startswith("preset:"):
        return True
    path = pathlib.Path(source).expanduser()
    return (path / "config.json").is_file() or _find_saved_model(path) is not None


def flip_averaged(predictor: Predictor) -> Predictor:
    """The same net, asked about each face and its mirror image: the mean of both answers.

    Raises:
        UserError: if it predicts a keypoint without its mirror.
    """
    try:
        mirror = keypoint_schema.Mirror.of(predictor.names, predictor.mirror_offset_px)
    except ValueError as error:
        reason = f"--flip-average is not possible for {predictor.source}. {error}"
        raise UserError(reason) from error

    def predict(images):
        mirrored = predictor.predict(np.ascontiguousarray(images[:, :, ::-1]))
        back = keypoint_schema.to_pixels(mirror(keypoint_schema.to_normalized(mirrored)))
        return (predictor.predict(images) + back) / 2

    return dataclasses.replace(predictor, predict=predict)


def from_net(source: str | pathlib.Path, net) -> Predictor:
    """A predictor of a `run_folder.LoadedNet`, whatever it was loaded from."""

    def predict(images):
        if not len(images):
            return np.empty((0, len(net.names), 2), np.float32)
        normalized = net.model.predict(images, batch_size=_BATCH_SIZE, verbose=0)
        return keypoint_schema.to_pixels(np.asarray(normalized, np.float32))

    return Predictor(
        pathlib.Path(source),
        net.names,
        predict,
        net.mirror_offset_px,
        net.partial_offset_px,
        net.config,
        net.model,
    )


def _load(source):
    from trained_nets import preset_store

    if preset_store.is_preset(source):
        return from_net(source, preset_store.load_net(source))
    path = pathlib.Path(source).expanduser()
    if (path / "config.json").is_file():
        return from_net(path, preset_store.load_net(path))
    if saved_model := _find_saved_model(path):
        return _from_saved_model(path, saved_model)
    kind = "is neither a run folder nor a SavedModel" if path.exists() else "does not exist"
    raise UserError(
        f"{path} {kind}. Name a run folder of train.py (it has a config.json), or a folder that "
        "export.py wrote (it has a saved_model.pb), or preset:NAME."
    )


def _find_saved_model(path):
    if (path / "saved_model.pb").is_file():
        return path
    # As TensorFlow Serving reads the folder: sub-folders are versions, the largest is newest.
    versions = [each for each in path.glob("*/saved_model.pb") if each.parent.name.isdigit()]
    return max((each.parent for each in versions), key=lambda each: int(each.name), default=None)


def _from_saved_model(path, saved_model):
    import keras

    try:
        # This signature names its outputs, so it also says which keypoints there are.
        layer = keras.layers.TFSMLayer(str(saved_model), call_endpoint="serve_named")
        outputs = layer(np.zeros((1, *_image_shape()), np.float32))
    except (ValueError, OSError) as error:
        raise UserError(
            f"{saved_model} must be a SavedModel of export.py, with the signature "
            f"'serve_named'. Received: {str(error).splitlines()[0]}"
        ) from error
    names = tuple(name for name in keypoint_schema.NAMES if name in outputs)

    def predict(images):
        parts = [np.empty((0, len(names), 2), np.float32)]
        for start in range(0, len(images), _BATCH_SIZE):
            outputs = layer(images[start : start + _BATCH_SIZE].astype(np.float32))
            parts.append(np.stack([np.asarray(outputs[name]) for name in names], axis=1))
        return np.concatenate(parts)

    card = _model_card(saved_model)
    offsets = card.get("mirror_offset_px"), card.get("partial_offset_px")
    return Predictor(path, names, predict, *offsets)


def _model_card(saved_model):
    """What export.py laid into the SavedModel; nothing, if it was written by other means."""
    try:
        card = json.loads((saved_model / "assets.extra" / "model_card.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def _image_shape():
    return (keypoint_schema.IMAGE_SIZE, keypoint_schema.IMAGE_SIZE, 1)
