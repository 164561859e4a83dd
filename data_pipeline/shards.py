"""Faces on disk that need not fit into memory: a folder of shards, written once.

`images-00000.npy`, `images-00001.npy` and so on hold the pixels, uint8 `(n, 96, 96, 1)`, and
`keypoints.npy` the labels of all faces, float32 `(N, 15, 2)`; training reads them as it needs them.
`groups.npy`, int64 `(N,)`, is loaded: a split needs all of it. `faces.json` describes the whole. It
is written last, so a folder without it is an unfinished one.
"""

import json
import os
import pathlib

import numpy as np

import keypoint_schema
from data_pipeline.face_data import FaceData
from data_pipeline.stored_rows import NpyFile, StoredRows
from errors import UserError, looking_at

VERSION = 2
DESCRIPTION = "faces.json"
KEYPOINTS = "keypoints.npy"
GROUPS = "groups.npy"
IMAGES = "images-{:05}.npy"


def is_shards(folder: str | os.PathLike) -> bool:
    """Returns whether this is a finished folder of shards.

    Raises:
        UserError: if it cannot be looked at.
    """
    with looking_at(folder):
        return (pathlib.Path(folder).expanduser() / DESCRIPTION).is_file()


def load_shards(folder: str | os.PathLike) -> FaceData:
    """Opens a folder of shards; its images and labels stay on disk.

    Raises:
        UserError: if a file is missing or damaged.
    """
    folder = pathlib.Path(folder).expanduser().absolute()  # for processes in other folders
    try:
        described = json.loads((folder / DESCRIPTION).read_text())
        if described["version"] != VERSION:
            raise UserError(f"{folder} is of another version. Write the shards again.")
        lengths, names = described["faces"], tuple(described["keypoints"])
        if names != keypoint_schema.NAMES:
            raise ValueError("its keypoints are not those of this project")
        images = [NpyFile.at(folder / IMAGES.format(number)) for number in range(len(lengths))]
        for file, length in zip(images, lengths, strict=True):
            _check(file, np.uint8, (length, *keypoint_schema.IMAGE_SHAPE))
        keypoints, groups = (NpyFile.at(folder / name) for name in (KEYPOINTS, GROUPS))
        _check(keypoints, np.float32, (sum(lengths), len(names), 2))
        _check(groups, np.int64, (sum(lengths),))
        return FaceData(
            images=StoredRows.all_of(images, lengths),
            keypoints=StoredRows.all_of([keypoints], [sum(lengths)]),
            groups=np.array(groups.array),
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


def _check(file, dtype, shape):
    array = file.array
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(
            f"{os.path.basename(file.path)} must be {np.dtype(dtype)} {shape}, and is "
            f"{array.dtype} {array.shape}"
        )
