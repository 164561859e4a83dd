"""Faces of many pictures as a folder of Parquet files, each of them whole, or not there yet.

The folder is read at once by what reads Parquet: `pandas.read_parquet("found.parquet")`. It has
nothing else in it: what a run has to know to go on is in the metadata of its files.
"""

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence

import atomic_write
import keypoint_schema
from errors import UserError, looking_at
from pictures.records import PictureFaces, Tally

SUFFIX = ".parquet"
# At most so many are found again after a kill; whole batches, so that any shard can be made alone.
PICTURES_PER_SHARD = 512
_METADATA = b"facial_keypoints"


class Shards:
    """Writes shards in their order, but for those that are there."""

    def __init__(
        self,
        folder: pathlib.Path,
        number: int,
        settings: Mapping,
        provenance: Mapping,
    ):
        """Looks at what is there.

        Args:
            folder: for the shards; it may not exist.
            number: of all pictures.
            settings: what the results depend on, in JSON's types. Shards that are there must have
                been made with the same.
            provenance: written into the shards, too.

        Raises:
            UserError: if a shard was made with other settings, or cannot be read.
        """
        self._folder, self._settings, self._provenance = folder, dict(settings), dict(provenance)
        atomic_write.remove_leftovers(folder)
        self.tally = Tally()
        self._left = []
        for shard, start in enumerate(range(0, number, PICTURES_PER_SHARD)):
            file = folder / f"part-{shard:05}{SUFFIX}"
            if file.exists():
                self.tally.add(self._counted(file))
            else:
                end = min(start + PICTURES_PER_SHARD, number)
                self._left.append((file, range(start, end)))
        self.ranges = [positions for _, positions in self._left]
        self._pictures: list[PictureFaces] = []

    def _counted(self, file):
        known = _read_metadata(file)
        for setting, now in self._settings.items():
            was = known["settings"].get(setting)
            if was != now:
                raise UserError(
                    f"--resume needs the same settings: {self._folder} has {setting} {was}, this "
                    f"command has {now}. Repeat the first command with --resume, or choose another "
                    "--out."
                )
        return Tally(**known["tally"])

    def write(self, picture: PictureFaces):
        """Takes the next picture of `ranges`; writes a shard if it is the last one of it.

        Raises:
            UserError: if it cannot be written.
        """
        self._pictures.append(picture)
        file, positions = self._left[0]
        if len(self._pictures) < len(positions):
            return
        pictures, self._pictures = self._pictures, []
        del self._left[0]
        tally = Tally()
        for each in pictures:
            tally.add(Tally.of(each))
        metadata = {
            "settings": self._settings,
            "provenance": self._provenance,
            "tally": dataclasses.asdict(tally),
        }
        _write(file, pictures, {_METADATA: json.dumps(metadata)})
        self.tally.add(tally)


def require_usable(folder: pathlib.Path, resume: bool):
    """Checks the place for shards, before the work.

    Raises:
        UserError: if the extra is missing, if the folder cannot be written, or if it has shards
            already, unless they are to be completed.
    """
    _parquet()
    with looking_at(folder):
        is_file, has_shards = folder.is_file(), any(folder.glob(f"part-*{SUFFIX}"))
    if is_file:
        raise UserError(f"{folder} is a file, but --out names a folder for {SUFFIX} files.")
    if has_shards and not resume:
        raise UserError(
            f"{folder} has results already. --resume completes them; else choose another --out, or "
            "delete the folder."
        )
    atomic_write.require_writable(folder / f"part-00000{SUFFIX}")


def _write(file, pictures, metadata):
    import pyarrow as pa

    table = pa.Table.from_pylist(
        [row for picture in pictures for row in _rows(picture)], _schema().with_metadata(metadata)
    )
    with atomic_write.replacing_file(file) as temporary:
        _parquet().write_table(table, temporary)


def _schema():
    import pyarrow as pa

    measured = ("confidence", "left", "top", "width", "height", *keypoint_schema.column_names())
    uncertainties = map(_uncertainty_column, keypoint_schema.NAMES)
    return pa.schema(
        [
            pa.field("picture", pa.string(), nullable=False),
            ("picture_width", pa.int32()),
            ("picture_height", pa.int32()),
            ("face", pa.int32()),
            *((name, pa.float32()) for name in (*measured, *uncertainties)),
            ("error", pa.string()),
        ]
    )


def _rows(picture: PictureFaces) -> Sequence[dict]:
    width, height = picture.size or (None, None)
    start = {"picture": picture.name, "picture_width": width, "picture_height": height}
    rows = [
        start
        | {"face": number, "confidence": face.confidence}
        | dataclasses.asdict(face.box)
        | {
            f"{name}_{axis}": value
            for name, point in face.keypoints.items()
            for axis, value in zip("xy", point, strict=True)
        }
        | {_uncertainty_column(name): value for name, value in face.uncertainty_by_name.items()}
        for number, face in enumerate(picture.faces)
    ]
    return rows or [start | {"error": picture.error}]


def _uncertainty_column(name):
    return f"{name}_uncertainty"


def _read_metadata(file):
    try:
        return json.loads(_parquet().read_schema(file).metadata[_METADATA])
    except (OSError, ValueError, TypeError, KeyError) as error:  # Arrow's are among these
        raise UserError(
            f"{file} is damaged, or not from predict.py. Delete it, and --resume finds its "
            "pictures again."
        ) from error


def _parquet():
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise UserError(
            "Parquet needs an extra: pip install -e '.[parquet]'. Or end --out with .json or .csv."
        ) from error
    return pyarrow.parquet
