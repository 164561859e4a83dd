"""Finds a table in Kaggle's download, in whatever form it lies there, and reads its bytes."""

import dataclasses
import gzip
import hashlib
import io
import pathlib
import struct
import zipfile
import zlib

from errors import UserError, looking_at

COMPETITION = "facial-keypoints-detection"
_TABLES = ("training", "test", "IdLookupTable")
_FORMS = ("{}.csv", "{}.csv.gz", "{}.zip", "{}.csv.zip")
# Kaggle's largest table, training.csv, has about 0.24 GB: 7,049 rows of 34 kB.
_UNPACKED_LIMIT = 2 * 10**9  # bytes
# RuntimeError: an encrypted zip; NotImplementedError: a compression that Python lacks; ValueError,
# struct.error and OverflowError: a damaged table of contents.
_UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    OverflowError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclasses.dataclass(frozen=True)
class TableFile:
    """A CSV table that may be packed.

    Attributes:
        path: the file on disk.
        members: names inside nested zip archives, outermost first; empty if `path` is no archive.
    """

    path: pathlib.Path
    members: tuple[str, ...] = ()

    def __str__(self):
        return " → ".join([str(self.path), *self.members])

    def read(self) -> bytes:
        """The CSV's bytes, unpacked.

        Raises:
            UserError: if the file cannot be read, or an archive is damaged.
        """
        try:
            content = self.path.read_bytes()
            for member in self.members:
                with zipfile.ZipFile(io.BytesIO(content)) as archive:
                    content = _read_member(archive, member, self)
            if self.path.suffix == ".gz":
                with gzip.open(io.BytesIO(content)) as stream:
                    content = _read_within_limit(stream, self)
            return content
        except _UNREADABLE as error:
            raise UserError(f"{self} cannot be read: {error}. Download it again.") from error

    def fingerprint(self) -> str:
        """SHA-256 of the file on disk, as hex: what the parsed cache is valid for.

        Raises:
            UserError: if the file cannot be read.
        """
        try:
            return hashlib.sha256(self.path.read_bytes()).hexdigest()
        except OSError as error:
            raise UserError(f"{self.path} cannot be read: {error}.") from error


def find_table(data: str | pathlib.Path, stem: str) -> TableFile:
    """Finds `training`, `test` or `IdLookupTable` in a download.

    Args:
        data: a folder with `<stem>.csv`, `.csv.gz` or `.zip`, or with the competition's zip; or
            that zip itself; or one of the other files (its neighbours are then found too).
        stem: the table's name, without ending.

    Raises:
        UserError: if nothing is there, saying what was looked for; or if it cannot be looked at.
    """
    with looking_at(data):
        return _found_table(pathlib.Path(data).expanduser(), stem)


def _found_table(path, stem):
    if not path.exists():
        raise UserError(f"There is no {path}. --data takes a folder with Kaggle's files or a zip.")
    if path.is_file():
        if path.suffix == ".zip" and (members := _find_member(path, stem)):
            return TableFile(path, members)
        if path.name not in [form.format(table) for table in _TABLES for form in _FORMS]:
            raise UserError(
                f"{path} is not one of Kaggle's files, nor a zip with {stem}.csv. --data takes a "
                "folder with training.csv, .csv.gz or .zip, or the competition's zip."
            )
        path = path.parent
    for form in _FORMS:
        file = path / form.format(stem)
        if file.is_file():
            if file.suffix != ".zip":
                return TableFile(file)
            if members := _find_member(file, stem):
                return TableFile(file, members)
    competition = path / f"{COMPETITION}.zip"
    if competition.is_file() and (members := _find_member(competition, stem)):
        return TableFile(competition, members)
    wanted = ", ".join([form.format(stem) for form in _FORMS[:3]] + [competition.name])
    raise UserError(f"{path} has no {stem} table; looked for {wanted}.")


def _find_member(path, stem):
    """Names that lead to `<stem>.csv` through the archive and at most one zip inside; or None."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = {pathlib.PurePosixPath(name).name: name for name in archive.namelist()}
            if f"{stem}.csv" in names:
                return (names[f"{stem}.csv"],)
            for form in _FORMS:
                inner = names.get(form.format(stem))
                if inner and inner.endswith(".zip"):
                    packed = _read_member(archive, inner, f"{path} → {inner}")
                    with zipfile.ZipFile(io.BytesIO(packed)) as nested:
                        for name in nested.namelist():
                            if pathlib.PurePosixPath(name).name == f"{stem}.csv":
                                return (inner, name)
    except _UNREADABLE as error:
        raise UserError(f"{path} is not a readable zip archive: {error}.") from error
    return None


def _read_member(archive, name, file):
    if archive.getinfo(name).file_size > _UNPACKED_LIMIT:
        raise _too_large(file)
    with archive.open(name) as stream:
        return _read_within_limit(stream, file)


def _read_within_limit(stream, file):
    """Reads what an archive delivers, whatever size its header claims."""
    content = stream.read(_UNPACKED_LIMIT + 1)
    if len(content) > _UNPACKED_LIMIT:
        raise _too_large(file)
    return content


def _too_large(file):
    return UserError(
        f"{file} unpacks to more than {_UNPACKED_LIMIT / 1e9:g} GB; Kaggle's largest table has "
        "about 0.24. If it is no mistake, unpack it yourself: a plain .csv file has no limit."
    )
