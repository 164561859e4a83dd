"""Loads a data set by its path, or the built-in drawn faces without one."""

import concurrent.futures
import dataclasses
import hashlib
import pathlib

import numpy as np

import labelling
from data_pipeline import kaggle_files, splits, synthetic_faces
from data_pipeline.content_fingerprint import content_fingerprint
from data_pipeline.face_data import FaceData
from data_pipeline.parsed_cache import cached_arrays
from data_pipeline.shards import is_shards, load_shards
from errors import UserError

# Enough for a real task, few enough to draw within seconds, at about 5 ms of a core a face.
NUM_SYNTHETIC_TRAINING = 3000
NUM_SYNTHETIC_TEST = 600
_SYNTHETIC_SEED = 2014  # another seed for the test faces keeps the two sets apart
PERSONS_FILE = "training_persons.csv"


def load_faces(data: str | pathlib.Path | None = None) -> FaceData:
    """Loads the training faces, from the cache where it is valid.

    If `training_persons.csv` (columns `Row`, 0-based, and `Person`) lies beside the data, rows
    are grouped by person, else by identical images.

    Args:
        data: what `--data` takes (see `kaggle_files.find_table`), or a folder of shards; None for
            the drawn faces.

    Raises:
        UserError: if it is missing or malformed, naming file, row and column.
    """
    if data is None:
        return _synthetic_training_faces()
    if is_shards(data):
        return load_shards(data)
    table = kaggle_files.find_table(data, "training")
    file_fingerprint = table.fingerprint()

    def build():
        csv_table, content = _parser_and_content(table)
        images, keypoints = csv_table.parse_training(content, str(table))
        return {"images": images, "keypoints": keypoints}

    arrays = cached_arrays(file_fingerprint, "training", build, beside=table.path.parent)
    persons = _load_persons(table.path.parent / PERSONS_FILE, len(arrays["images"]))
    return FaceData(
        images=arrays["images"],
        keypoints=arrays["keypoints"],
        groups=splits.group_rows(arrays["images"], persons),
        fingerprint=content_fingerprint(arrays["images"], arrays["keypoints"]),
        file_fingerprint=file_fingerprint,
        description=table.path.name,  # not its folder: the description travels in exports
        grouped_by="image" if persons is None else "person",
        labellers=(_labeller(data),),
    )


def load_test(data: str | pathlib.Path | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Loads the unlabelled test faces: images uint8 `(N, 96, 96, 1)`, image ids int64 `(N,)`.

    Raises:
        UserError: as `load_faces`.
    """
    if data is None:
        faces = load_synthetic_test_faces()
        return faces.images, np.arange(1, len(faces) + 1)
    table = kaggle_files.find_table(data, "test")

    def build():
        csv_table, content = _parser_and_content(table)
        images, image_ids = csv_table.parse_test(content, str(table))
        return {"images": images, "image_ids": image_ids}

    arrays = cached_arrays(table.fingerprint(), "test", build, beside=table.path.parent)
    return arrays["images"], arrays["image_ids"]


def _parser_and_content(table):
    """Returns the module that parses tables, and a table's bytes, unpacked meanwhile."""
    with concurrent.futures.ThreadPoolExecutor(1) as thread:
        content = thread.submit(table.read)
        from data_pipeline import csv_table  # pandas takes half a second, which the cache saves
    return csv_table, content.result()


def load_synthetic_test_faces() -> FaceData:
    """The built-in test faces, with all their labels."""
    return _synthetic_faces("drawn test faces", NUM_SYNTHETIC_TEST, _SYNTHETIC_SEED + 1)


def _labeller(data):
    """Names the labeller after the data's folder, or after a zip other than `training.zip`."""
    path = pathlib.Path(data).expanduser().resolve()
    if path.is_file() and path.name.partition(".")[0] == "training":
        path = path.parent
    name = path.stem if path.is_file() else path.name
    labelling.require_own_name(name)
    return name


def _synthetic_training_faces():
    faces = _synthetic_faces("built-in drawn faces", NUM_SYNTHETIC_TRAINING, _SYNTHETIC_SEED)
    hidden = synthetic_faces.hide_labels(faces.keypoints, seed=_SYNTHETIC_SEED)
    return dataclasses.replace(faces, keypoints=hidden)


def _synthetic_faces(description, count, seed):
    # The drawing code is part of the key: after a change, faces are drawn anew.
    sources = sorted(pathlib.Path(synthetic_faces.__file__).parent.glob("*.py"))
    code = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    key = f"{code} {count} {seed}"

    def build():
        images, keypoints = synthetic_faces.draw_faces(count, seed)
        return {"images": images, "keypoints": keypoints}

    arrays = cached_arrays(key, description.replace(" ", "-"), build)
    return FaceData(
        images=arrays["images"],
        keypoints=arrays["keypoints"],
        groups=splits.group_rows(arrays["images"]),
        fingerprint=content_fingerprint(arrays["images"], arrays["keypoints"]),
        file_fingerprint=hashlib.sha256(key.encode()).hexdigest(),
        description=description,
        labellers=("drawn",),
    )


def _load_persons(file, num_rows):
    if not file.is_file():
        return None
    from data_pipeline import csv_table  # only here, for it imports pandas

    content = kaggle_files.TableFile(file).read()
    table = csv_table.read_columns(content, str(file), ["Row", "Person"])
    rows = csv_table.parse_integers(table, "Row", str(file))
    if not np.array_equal(np.sort(rows), np.arange(num_rows)):
        raise UserError(
            f"{file} must name each of the {num_rows:,} data rows once (Row counts from 0); "
            f"it has {len(rows):,} rows. Remove the file to split by identical images."
        )
    persons = np.empty(num_rows, np.int64)
    persons[rows] = csv_table.parse_integers(table, "Person", str(file))
    return persons
