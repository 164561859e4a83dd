"""Faces on disk that need not fit into memory: a folder of shards, written once.

`images-00000.npy`, `images-00001.npy` and so on hold the pixels, uint8 `(n, 96, 96, 1)`; training
reads them as it needs them. `labels.npz` has the labels and groups of all faces, 128 bytes each
where the pixels have 9,216, and is loaded. `faces.json` describes the whole. It is written last, so
a folder without it is an unfinished one.
"""

import json
import os
import pathlib

import numpy as np

import keypoint_schema
import npz_file
from data_pipeline.face_data import FaceData
from data_pipeline.stored_images import NpyFile, StoredImages
from errors import UserError, looking_at

VERSION = 1
DESCRIPTION = "faces.json"
LABELS = "labels.npz"
IMAGES = "images-{:05}.npy"


def is_shards(folder: str | os.PathLike) -> bool:
    """Returns whether this is a finished folder of shards.

    Raises:
        UserError: if it cannot be looked at.
    """
    with looking_at(folder):
        return (pathlib.Path(folder).expanduser() / DESCRIPTION).is_file()


def load_shards(folder: str | os.PathLike) -> FaceData:
    """Loads the labels of a folder of shards; its images stay on disk.

    Raises:
        UserError: if a file is missing or damaged.
    """
    folder = pathlib.Path(folder).expanduser().absolute()  # for processes in other folders
    try:
        described = json.loads((folder / DESCRIPTION).read_text())
        if described["version"] != VERSION:
            raise ValueError(f"its version is {described['version']}, not {VERSION}")
        lengths, names = described["faces"], tuple(described["keypoints"])
        if names != keypoint_schema.NAMES:
            raise ValueError("its keypoints are not those of this project")
        files = [NpyFile(folder / IMAGES.format(number)) for number in range(len(lengths))]
        for file, length in zip(files, lengths, strict=True):
            _check(file.path.name, file.array, np.uint8, (length, *keypoint_schema.IMAGE_SHAPE))
        labels = npz_file.read_arrays(folder / LABELS)
        _check("keypoints", labels["keypoints"], np.float32, (sum(lengths), len(names), 2))
        _check("groups", labels["groups"], np.int64, (sum(lengths),))
        return FaceData(
            images=StoredImages.all_of(files, lengths),
            keypoints=labels["keypoints"],
            groups=labels["groups"],
            names=names,
            fingerprint=described["fingerprint"],
            description=described["description"],
            grouped_by=described["grouped_by"],
            labellers=(described["labeller"],),
        )
    except KeyError as error:
        raise UserError(f"{folder} lacks {error}. Write the shards again.") from error
    except (FileNotFoundError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{folder} is damaged: {error}. Write the shards again.") from error
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error}.") from error


def _check(name, array, dtype, shape):
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(
            f"{name} must be {np.dtype(dtype)} {shape}, and is {array.dtype} {array.shape}"
        )
