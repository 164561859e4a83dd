"""Writes a folder of `shards`."""

import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import tempfile

import numpy as np

import atomic_write
import keypoint_schema
import labelling
from data_pipeline import shards
from data_pipeline.content_fingerprint import content_fingerprint
from data_pipeline.stored_rows import NpyFile, StoredRows
from errors import UserError

_FACES = 10_000  # to a file: 92 MB, which is what writing needs of memory
_UNFINISHED = ".unfinished-shards"  # is there until the folder is complete
_OWN_NAMES = re.compile(
    r"images-\d{5,}\.npy|keypoints\.npy|groups\.npy|\.tmp-.*|" + re.escape(_UNFINISHED)
)


class ShardWriter:
    """Writes a folder of shards from any number of pieces.

    A context manager: once its block ends the folder is complete, and if the block fails the
    folder is empty.
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        labeller: str,
        description: str | None = None,
        grouped_by: str = "person",
        faces_per_file: int = _FACES,
    ):
        """Takes a folder that does not exist, is empty, or was left unfinished.

        Args:
            folder: where to write.
            labeller: who placed the labels; a name of your own, as `--labels-of` will take it.
            description: the data's name for people; None for the folder's.
            grouped_by: what a group of `add` is, "image" or "person".
            faces_per_file: so many are held in memory before they are written.

        Raises:
            UserError: if the labeller's name is reserved.
        """
        labelling.require_own_name(labeller)
        self.folder = pathlib.Path(folder).expanduser()
        self._described = {
            "version": shards.VERSION,
            "labeller": labeller,
            "description": description or self.folder.resolve().name,
            "grouped_by": grouped_by,
            "keypoints": list(keypoint_schema.NAMES),
        }
        self._faces_per_file = faces_per_file
        self._waiting = collections.deque()  # arrays of images to be written yet
        self._groups = []
        self._files, self._lengths = [], []

    def __enter__(self):
        with atomic_write.refusals_named(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            names = {file.name for file in self.folder.iterdir()}
        is_left_by_a_kill = _UNFINISHED in names and shards.DESCRIPTION not in names
        if names and not (is_left_by_a_kill and all(map(_OWN_NAMES.fullmatch, names))):
            raise UserError(f"{self.folder} is not empty. Name a folder that does not exist yet.")
        self._remove()
        with atomic_write.refusals_named(self.folder):
            (self.folder / _UNFINISHED).touch()
            # Without a name, so that it goes whatever happens. Its length is known only at the end.
            self._keypoints = tempfile.TemporaryFile(dir=self.folder)
        return self

    def add(self, images: np.ndarray, keypoints: np.ndarray, groups: np.ndarray) -> None:
        """Adds faces.

        Args:
            images: uint8 `(n, 96, 96, 1)`.
            keypoints: float32 `(n, 15, 2)`, px, in the schema's order, NaN where unlabelled. One
                that lacks x or y counts as unlabelled.
            groups: int `(n,)`. Faces of one group, in whatever piece, are never on both sides of a
                split: number the people, or the pictures if some occur twice.

        Raises:
            ValueError: if the arrays are of another kind, or a label is far outside its picture.
            UserError: if the folder cannot be written.
        """
        images, groups = np.asarray(images), np.asarray(groups)
        keypoints = np.array(keypoints, np.float32)
        _check(images, keypoints, groups)
        keypoints[np.isnan(keypoints).any(axis=-1)] = np.nan
        self._waiting.append(images)
        with atomic_write.refusals_named(self.folder):
            self._keypoints.write(keypoints.tobytes())
        self._groups.append(groups.astype(np.int64))
        while sum(map(len, self._waiting)) >= self._faces_per_file:
            self._write_images()
        if self._waiting:  # a copy, for the caller may use the array for the next piece
            self._waiting.append(self._waiting.pop().copy())

    def __exit__(self, kind, error, traceback):
        try:
            if kind is None:
                self._finish()
        except BaseException:
            self._remove()
            raise
        finally:
            with contextlib.suppress(OSError):  # a full disk has been told of already
                self._keypoints.close()
        if kind is not None:
            self._remove()

    def _write_images(self):
        images = np.concatenate(list(self._taken(self._faces_per_file)))
        file = self.folder / shards.IMAGES.format(len(self._files))
        with atomic_write.replacing(file) as temporary:
            np.save(temporary, images)
        self._files.append(NpyFile.at(file))
        self._lengths.append(len(images))

    def _taken(self, most):
        """Takes arrays of so many images together from those that wait, or of all if fewer do."""
        while most and self._waiting:
            images = self._waiting.popleft()
            yield images[:most]
            if len(images) > most:
                self._waiting.appendleft(images[most:])
            most -= min(most, len(images))

    def _finish(self):
        if sum(map(len, self._waiting)):
            self._write_images()
        if not self._files:
            raise UserError(f"There are no faces to write to {self.folder}.")
        keypoints = self.folder / shards.KEYPOINTS
        count = sum(self._lengths)
        with atomic_write.replacing(keypoints) as temporary, open(temporary, "wb") as file:
            shape = (count, keypoint_schema.NUM_KEYPOINTS, 2)
            header = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, header)
            self._keypoints.seek(0)
            shutil.copyfileobj(self._keypoints, file)
        with atomic_write.replacing(self.folder / shards.GROUPS) as temporary:
            np.save(temporary, np.concatenate(self._groups))
        stored = (
            StoredRows.all_of(self._files, self._lengths),
            StoredRows.all_of([NpyFile.at(keypoints)], [count]),
        )
        described = self._described | {
            "faces": self._lengths,
            "fingerprint": content_fingerprint(*stored),
        }
        text = json.dumps(described, indent=2) + "\n"
        atomic_write.write_text(self.folder / shards.DESCRIPTION, text)
        (self.folder / _UNFINISHED).unlink()

    def _remove(self):
        with atomic_write.refusals_named(self.folder):
            for file in self.folder.iterdir():
                if _OWN_NAMES.fullmatch(file.name):
                    file.unlink()


def _check(images, keypoints, groups):
    if images.dtype != np.uint8 or images.shape[1:] != keypoint_schema.IMAGE_SHAPE:
        raise ValueError(
            f"images must be uint8 (n, 96, 96, 1). Received: {images.dtype} {images.shape}."
        )
    wanted = (len(images), keypoint_schema.NUM_KEYPOINTS, 2)
    if keypoints.shape != wanted:
        raise ValueError(f"keypoints must be {wanted}. Received: {keypoints.shape}.")
    # As in the tables: further out is a typing mistake.
    size = keypoint_schema.IMAGE_SIZE
    if np.any((keypoints < -size) | (keypoints > 2 * size)):
        raise ValueError(
            f"keypoints must be px from {-size} to {2 * size}, or NaN. Received: from "
            f"{np.nanmin(keypoints):g} to {np.nanmax(keypoints):g}."
        )
    if groups.shape != (len(images),) or groups.dtype.kind not in "iu":
        raise ValueError(
            f"groups must be whole numbers ({len(images)},). Received: {groups.dtype} "
            f"{groups.shape}."
        )
