"""One training over several devices: Keras' `DataParallel`, on JAX.

Each device holds the net and gets an equal part of every batch. The loss is the mean over the whole
batch, so results are those of one device, except for rounding. There may be several processes, one
for each machine, of which this one has the first devices of its own.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence

import keras
import numpy as np

import models
from data_pipeline import Share
from errors import UserError
from training import defaults


def count(wanted: int | str) -> int:
    """Returns how many devices `--devices` asks for, of all processes together.

    Args:
        wanted: a number, or `defaults.ALL_DEVICES`, of each machine.

    Raises:
        UserError: if there are not as many, or there would be several on TensorFlow.
    """
    is_jax = keras.backend.backend() == "jax"
    there_are = _local_devices() if is_jax else max(1, models.count_gpus())
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
    return number * share(number).processes


def is_first_process() -> bool:
    """Whether this is the process that prints and saves."""
    return share(1).process == 0


def share(devices: int) -> Share:
    """Returns the part of every batch that this process makes.

    Args:
        devices: of all processes together.
    """
    if keras.backend.backend() != "jax":
        return Share(devices)
    import jax

    return Share(devices, jax.process_index(), jax.process_count())


@contextlib.contextmanager
def over(devices: int) -> Iterator[None]:
    """Spreads batches over devices, and the variables of nets that are built in the block.

    Args:
        devices: of all processes together.
    """
    if devices == 1:
        yield
        return
    import jax

    each = devices // jax.process_count()
    chosen = [
        f"{device.platform}:{device.id}"
        for process in range(jax.process_count())
        for device in jax.local_devices(process)[:each]
    ]
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


def copied_to_one_device(model: keras.Model, weights: Sequence[np.ndarray]) -> keras.Model:
    """Returns a copy of a functional model, on one device, with these weights.

    On several devices, predicting would need every process, and batches that divide by their
    number.
    """
    with on_one_device():
        copy = keras.Model.from_config(model.get_config())
        copy.set_weights(weights)
    return copy


def is_so_in_first_process(fact: bool) -> bool:
    """Returns in every process what the first one knows; each waits until all have asked."""
    from jax.experimental import multihost_utils

    return bool(multihost_utils.broadcast_one_to_all(np.array(fact)))


def require_same(config: dict):
    """Checks that all processes are about to train the same.

    Raises:
        UserError: in all of them, if they are not.
    """
    if share(1).processes == 1:
        return
    from jax.experimental import multihost_utils

    text = json.dumps(config, sort_keys=True)
    digests = multihost_utils.process_allgather(
        np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint8)
    )
    if (digests != digests[0]).any():
        raise UserError(
            "All processes of one training need the same options, the same faces and the same "
            "versions of all software; these differ."
        )


def _local_devices():
    import jax

    return jax.local_device_count()
