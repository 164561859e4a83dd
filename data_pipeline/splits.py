"""Grouping and splitting, so that no picture and no person is on both sides."""

import hashlib
import math

import numpy as np

import labelling
from data_pipeline.face_data import FaceData
from errors import UserError

HOLD_OUT = 0.2
_AT_ONCE = 1000  # pictures that are read from files together


def group_rows(images: np.ndarray, persons: np.ndarray | None = None) -> np.ndarray:
    """Groups rows with identical images, and rows of one person where persons are known.

    Args:
        images: uint8 `(N, 96, 96, 1)`.
        persons: int `(N,)`, or None.

    Returns:
        int64 `(N,)`, group numbers from 0.
    """
    contents = [image.tobytes() for image in images]  # Python sorts these faster than NumPy
    numbers = {each: number for number, each in enumerate(sorted(set(contents)))}
    same_image = np.array([numbers[each] for each in contents], np.int64)
    if persons is None:
        return same_image
    # Few data sets name persons: the others save the time that these take to import.
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # Rows are edges between their person and their image; a connected part is a group.
    _, same_person = np.unique(persons, return_inverse=True)
    num_persons = same_person.max() + 1
    size = num_persons + same_image.max() + 1
    edges = coo_array(
        (np.ones(len(contents)), (same_person, num_persons + same_image)), (size, size)
    )
    _, parts = connected_components(edges, directed=False)
    return parts[same_person].astype(np.int64)


def split(data: FaceData, seed: int, hold_out: float = HOLD_OUT) -> tuple[FaceData, FaceData]:
    """Splits by groups, 80/20 by default, as scikit-learn's `GroupShuffleSplit` does.

    Args:
        data: all rows.
        seed: decides which groups are held out.
        hold_out: share of the groups that are for validation; 0 leaves every row for training.

    Returns:
        Training and validation rows, each in the file's order.

    Raises:
        UserError: if one side would have no group.
    """
    if not hold_out:
        return data, data.rows([])
    groups = np.unique(data.groups)
    if len(groups) < 2:
        raise UserError(
            f"A validation split needs two different pictures; {data.description or 'the data'} "
            f"has {len(data)} row(s) that belong together."
        )
    held_out = math.ceil(hold_out * len(groups))
    if held_out >= len(groups):
        raise UserError(
            f"Holding out {hold_out:g} of {len(groups)} different {data.grouped_by}s leaves none "
            "to train on."
        )
    # Its two lines that matter here: importing scikit-learn takes a second of every start.
    shuffled = np.random.RandomState(seed).permutation(groups)
    is_valid = np.isin(data.groups, shuffled[:held_out])
    return data.rows(np.flatnonzero(~is_valid)), data.rows(np.flatnonzero(is_valid))


def without_pictures_of(train: FaceData, *held_out: FaceData) -> FaceData:
    """Leaves out training rows whose picture is held out, there labelled by someone else.

    Groups keep a picture on one side within a data set; this keeps it there across several.
    """
    parts = (train, *held_out)
    if len({labelling.full(name) for part in parts for name in part.labellers}) == 1:
        return train
    others = {digest for part in held_out for digest in _digests(part.images)}
    kept = [digest not in others for digest in _digests(train.images)]
    return train.rows(np.array(kept, bool))


def _digests(images):
    for start in range(0, len(images), _AT_ONCE):
        for image in np.asarray(images[np.arange(start, min(start + _AT_ONCE, len(images)))]):
            yield hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def split_digest(valid: FaceData) -> str:
    """Identifies the rows that were held out, for a split that is repeated to be checked."""
    return hashlib.sha256(np.ascontiguousarray(valid.groups, np.int64)).hexdigest()[:16]


def folds(data: FaceData, number: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Divides rows into folds by groups, each of the joined data sets by itself; the seed decides.

    Returns:
        For each fold, the positions of the rows outside it and inside it.

    Raises:
        UserError: if a data set has fewer groups than folds.
    """
    divided = [
        _folds_of(data, np.flatnonzero(data.sources == source), number, seed)
        for source in np.unique(data.sources)
    ]
    return [
        tuple(np.concatenate(side) for side in zip(*sides, strict=True))
        for sides in zip(*divided, strict=True)
    ]


def _folds_of(data, rows, number, seed):
    from sklearn.model_selection import GroupKFold  # takes a second, which other trainings save

    groups = data.groups[rows]
    if len(np.unique(groups)) < number:
        raise UserError(
            f"{number} folds need as many different {data.grouped_by}s to train on. "
            f"Received: {len(np.unique(groups))}."
        )
    splitter = GroupKFold(number, shuffle=True, random_state=seed)
    return [
        (rows[outside], rows[inside]) for outside, inside in splitter.split(rows, groups=groups)
    ]
