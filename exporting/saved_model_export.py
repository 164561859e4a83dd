"""Builds, checks and publishes one version of a SavedModel."""

import dataclasses
import pathlib

import keras

from errors import UserError
from exporting.float32_copy import float32_copy
from exporting.model_card import model_card, write_model_card
from exporting.publishing import new_version, refuse_versions_with
from exporting.signatures import write_saved_model
from exporting.verification import verify_saved_model
from exporting.warm_up import can_write_warm_up, write_warm_up
from pictures.cascade import load_weights


@dataclasses.dataclass(frozen=True)
class Published:
    """The result of an export.

    Attributes:
        folder: the new version.
        warm_up_records: how many it holds; None if the extra `serving` is not installed.
        difference: the largest between any signature and the Keras model, px.
    """

    folder: pathlib.Path
    warm_up_records: int | None
    difference: float


def export_saved_model(net, base, version=None, flip_average=False, photo=False):
    """Publishes a net as `<base>/<version>/` if each signature equals the Keras model.

    Args:
        net: a `TrainedNet` with a Keras model.
        base: the model's folder, whose name is the model's on the server.
        version: a free version number; None takes the next one.
        flip_average: whether the graph averages each face with its mirror image.
        photo: whether to add `serve_photo`, which finds the faces of whole photographs.

    Returns:
        A `Published`.

    Raises:
        UserError: if the version is taken, `base` holds OpenVINO's files, a mirror is missing for
            the flip average, Keras runs on a backend other than TensorFlow, another export to
            `base` is running, or the extra `detect` is missing for `serve_photo`.
    """
    require_tensorflow()
    mirror = net.mirror() if flip_average else None
    model = float32_copy(net.model)
    if photo:
        load_weights()  # or say what to install, before any work
    refuse_versions_with(base, "model.xml")
    with new_version(base, version) as (folder, number):
        write_saved_model(model, net.names, folder, mirror, photo=photo)
        card = model_card(net, flip_average, model.count_params(), photo)
        write_model_card(folder, card)
        name = pathlib.Path(base).resolve().name
        records = write_warm_up(folder, name, photo) if can_write_warm_up() else None
        difference = verify_saved_model(folder, model, net.names, mirror, photo)
    return Published(pathlib.Path(base) / str(number), records, difference)


def require_tensorflow():
    """Refuses other Keras backends: TensorFlow Serving does not know JAX's operations."""
    if keras.backend.backend() != "tensorflow":
        raise UserError(
            "An export needs Keras on TensorFlow; a model trained on another backend loads there "
            f"as it is. Received the backend {keras.backend.backend()!r}: set "
            "KERAS_BACKEND=tensorflow."
        )
