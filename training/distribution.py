"""One training over several devices: Keras' `DataParallel`, on JAX.

Each device holds the net and gets an equal part of every batch. The loss is the mean over the whole
batch, so results are those of one device, except for rounding.
"""

import contextlib
from collections.abc import Iterator

import keras

import models
from errors import UserError
from training import defaults


def count(wanted: int | str) -> int:
    """Returns how many devices `--devices` asks for.

    Args:
        wanted: a number, or `defaults.ALL_DEVICES`.

    Raises:
        UserError: if there are not as many, or there would be several on TensorFlow.
    """
    is_jax = keras.backend.backend() == "jax"
    there_are = len(keras.distribution.list_devices()) if is_jax else max(1, models.count_gpus())
    number = there_are if wanted == defaults.ALL_DEVICES else wanted
    if number > 1 and not is_jax:
        raise UserError(
            f"--devices {wanted} would train on {number} devices, and more than one need JAX. Set "
            "KERAS_BACKEND=jax (pip install -e '.[jax]'), or leave out --devices."
        )
    if number > there_are:
        raise UserError(
            f"--devices must be at most the number of devices that JAX sees here, {there_are}. "
            f"Received: {wanted}."
        )
    return number


@contextlib.contextmanager
def over(devices: int) -> Iterator[None]:
    """Spreads batches over that many devices, and the variables of nets built in the block."""
    if devices == 1:
        yield
        return
    chosen = keras.distribution.list_devices()[:devices]
    with keras.distribution.DataParallel(devices=chosen, auto_shard_dataset=False).scope():
        yield


@contextlib.contextmanager
def on_one_device() -> Iterator[None]:
    """Suspends `over` for the block."""
    outside = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(outside)


def copied_to_one_device(model: keras.Model, devices: int) -> keras.Model:
    """Returns a copy of a functional model that predicts any number of faces, on one device.

    On several devices, `predict` would need batches that divide by their number. A model that is on
    one device is returned as it is.
    """
    if devices == 1:
        return model
    with on_one_device():
        copy = keras.Model.from_config(model.get_config())
        copy.set_weights(model.get_weights())
    return copy
