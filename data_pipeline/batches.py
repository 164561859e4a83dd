"""From arrays to `tf.data` batches of (images, normalized keypoints)."""

import dataclasses

import numpy as np
import tensorflow as tf

import keypoint_schema
from data_pipeline.face_data import FaceData
from keypoint_schema import Mirror

_FOREVER = np.iinfo(np.int64).max
# Nothing here branches on tensors, so there is nothing for AutoGraph to convert; it would take most
# of a second.
_as_written = tf.autograph.experimental.do_not_convert


@dataclasses.dataclass(frozen=True)
class Share:
    """The part of every batch that one process makes.

    Attributes:
        devices: those of all processes together. A batch that does not divide by their number is
            filled up with black pictures without labels, which count nothing in a loss.
        process: the process's number, from 0; its part of each batch comes after those of lower
            numbers.
        processes: how many there are.
    """

    devices: int = 1
    process: int = 0
    processes: int = 1

    def of(self, images, keypoints):
        """Takes the share from a whole batch of images and keypoints."""
        if self.devices == 1:
            return images, keypoints
        lacking = [0, -tf.shape(images)[0] % self.devices]
        images = tf.pad(images, [lacking, [0, 0], [0, 0], [0, 0]])
        unlabelled = np.float32(np.nan)
        keypoints = tf.pad(keypoints, [lacking, [0, 0], [0, 0]], constant_values=unlabelled)
        size = tf.shape(images)[0] // self.processes
        part = slice(self.process * size, (self.process + 1) * size)
        return images[part], keypoints[part]


WHOLE = Share()


def steps_per_epoch(data: FaceData, batch_size: int) -> int:
    """Batches an epoch; the last one may be smaller."""
    return -(-len(data) // batch_size)


def training_batches(
    data: FaceData,
    batch_size: int,
    seed: int,
    augment=None,
    first_epoch: int = 0,
    mirror_offsets: tf.Variable | None = None,
    share: Share = WHOLE,
) -> tf.data.Dataset:
    """Endless shuffled batches; every epoch sees each face once.

    Here K counts the keypoints of all labellers, in the order of `FaceData.by_labeller`.

    Order and augmentation depend on (seed, epoch, step) alone, so training can resume at any
    epoch. The place of each row in an epoch's order is computed, so that no list of all rows is
    ever made, and only a batch of pictures is read at a time.

    Args:
        data: the training faces.
        batch_size: faces a batch.
        seed: decides order and augmentation.
        augment: None, or a function of images `(batch, 96, 96, 1)` uint8, normalized keypoints
            `(batch, K, 2)`, a `(2,)` seed and the keypoints' `Mirror` that returns the first two
            anew.
        first_epoch: the epoch to begin with.
        mirror_offsets: `(epochs, K, 2)`, normalized, the mirror's offset in each epoch; None for
            no offset. A row is read when its epoch's first batch is made, which may be before the
            previous epoch has ended: change the rows of later epochs only.
        share: what to make of each batch. Order and augmentation are those of the whole batch.

    Returns:
        A dataset of images uint8 `(batch, 96, 96, 1)` (or what `augment` returns) and keypoints
        float32 `(batch, K, 2)`, normalized, NaN where unlabelled; `steps_per_epoch` to an epoch.

    Raises:
        ValueError: if `augment` is given, and a keypoint's mirror is not among the data's.
    """
    last = len(data) - 1
    gather = _gather_from(data)
    mirror = None if augment is None else Mirror.of(data.names).repeated(len(data.labellers))

    @_as_written
    def batches_of_epoch(epoch):
        epoch_seed = tf.random.fold_in([seed, 0], epoch)
        epoch_mirror = mirror
        if mirror is not None and mirror_offsets is not None:
            # Batches are made ahead, beyond the last epoch too.
            row = tf.minimum(epoch, mirror_offsets.shape[0] - 1)
            epoch_mirror = dataclasses.replace(mirror, offset=tf.gather(mirror_offsets, row))

        @_as_written
        def batch_of_step(step):
            places = tf.range(step * batch_size, tf.minimum((step + 1) * batch_size, len(data)))
            batch = gather(tf.random.experimental.index_shuffle(places, epoch_seed, last))
            if augment is not None:
                batch = augment(*batch, tf.random.fold_in(epoch_seed, step + 1), epoch_mirror)
            return share.of(*batch)

        steps = tf.data.Dataset.range(steps_per_epoch(data, batch_size))
        return steps.map(batch_of_step, num_parallel_calls=2, deterministic=True)

    epochs = tf.data.Dataset.range(first_epoch, _FOREVER)
    # At most one epoch ahead: the offsets of those after the next may still change.
    ahead = min(2, steps_per_epoch(data, batch_size))
    return _untuned(epochs.flat_map(batches_of_epoch).prefetch(ahead))


def mirror_offset_table(epochs: int, num_keypoints: int) -> tf.Variable:
    """`mirror_offsets` for `training_batches`, all zero."""
    return tf.Variable(tf.zeros([epochs, num_keypoints, 2]))


def evaluation_batches(data: FaceData, batch_size: int, share: Share = WHOLE) -> tf.data.Dataset:
    """Every face once, in order, with normalized keypoints; `share` as in training."""
    gather = _gather_from(data)
    rows = tf.data.Dataset.range(len(data)).batch(batch_size)
    return _untuned(rows.map(_as_written(lambda batch: share.of(*gather(batch)))).prefetch(2))


def _untuned(dataset):
    """Keeps TensorFlow from tuning a dataset in which nothing can be tuned.

    The thread that does so sleeps ever longer, up to a minute, and the end of a training may miss
    waking it, and then waits until it wakes by itself (seen in TensorFlow 2.21).
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def _gather_from(data):
    """Returns a function from row numbers to their images and normalized labels, in a graph."""

    def read(rows):
        batch = data.rows(rows)
        labels = keypoint_schema.to_normalized(batch.by_labeller())
        return np.asarray(batch.images), labels

    def gather(rows):
        images, keypoints = tf.numpy_function(read, [rows], [tf.uint8, tf.float32])
        num_labels = len(data.labellers) * len(data.names)
        return (
            tf.ensure_shape(images, [None, *keypoint_schema.IMAGE_SHAPE]),
            tf.ensure_shape(keypoints, [None, num_labels, 2]),
        )

    return gather
